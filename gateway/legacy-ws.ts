import type { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { readAsked } from './asked.ts';
import { invalidKeyMessage } from './caller.ts';
import { isData, type Data } from './data.ts';
import { refuse } from './errors.ts';
import { textOf } from './sharing.ts';
import { RunningOperations, type Sayings } from './running.ts';
import { type Connection, type Opening, parsed } from './transport-ws.ts';

const say: Sayings = {
  next: (id, answer) => `{"type":"data","id":${id},"payload":${textOf(answer)}}`,
  complete: (id) => `{"type":"complete","id":${id}}`,
};

/** Most clients read one error here, and some of them fail on a list. */
function errorMessage(id: string, errors: readonly GraphQLError[]): string {
  return JSON.stringify({ type: 'error', id, payload: { ...errors[0]?.toJSON(), errors } });
}

const keepAlive = '{"type":"ka"}';

/** One connection of the sub-protocol that is named `graphql-ws` and was made by subscriptions-transport-ws: still the default of older mobile clients. */
export function openLegacyWs({ sources, wire, admit, initTimeoutMs }: Opening): Connection {
  const operations = new RunningOperations(sources, wire, say);
  /** Clients do not wait for the acknowledgement; what they ask before it waits for them. */
  let admitted: Promise<(() => RequestContext) | null> | null = null;
  let isAcknowledged = false;
  const timer = setTimeout(() => {
    if (!admitted) wire.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
  }, initTimeoutMs);
  const initialise = async (params: Data | null): Promise<(() => RequestContext) | null> => {
    const context = await admit(params);
    isAcknowledged = context !== null;
    void wire.send(JSON.stringify(context ? { type: 'connection_ack' } : { type: 'connection_error', payload: { message: invalidKeyMessage } }));
    if (context) void wire.send(keepAlive);
    else wire.close(CloseCode.Forbidden, invalidKeyMessage);
    return context;
  };
  const start = async (id: string, payload: unknown): Promise<void> => {
    const context = await admitted;
    if (!context) return;
    const asked = readAsked(payload);
    // A name that is in use is given to the newer operation.
    operations.stop(id);
    const errors = asked ? await operations.start(id, asked, context()) : [refuse('BAD_REQUEST', 'The payload is not a GraphQL request.')];
    if (errors) await wire.send(errorMessage(id, errors));
  };
  const stop = async (id: string): Promise<void> => {
    await admitted;
    if (!operations.has(id)) return;
    operations.stop(id);
    void wire.send(say.complete(JSON.stringify(id)));
  };
  const fail = (): void => wire.close(CloseCode.InternalServerError, 'Internal error');
  return {
    receive(text) {
      const { type, id, payload = null } = parsed(text) ?? {};
      const name = typeof id === 'string' && id !== '' ? id : null;
      if (type === 'connection_init' && !admitted) (admitted = initialise(isData(payload) ? payload : null)).catch(fail);
      else if (type === 'connection_init') return;
      else if (type === 'connection_terminate') wire.close(1000, 'Terminated');
      else if (type === 'start' && name !== null && admitted) start(name, payload).catch(fail);
      else if (type === 'start' && name !== null) wire.close(CloseCode.Unauthorized, 'Unauthorized');
      else if (type === 'stop' && name !== null) stop(name).catch(fail);
      else wire.close(CloseCode.BadRequest, 'Invalid message received');
    },
    beat() {
      if (isAcknowledged) void wire.send(keepAlive);
    },
    closed() {
      clearTimeout(timer);
      operations.close();
    },
  };
}
