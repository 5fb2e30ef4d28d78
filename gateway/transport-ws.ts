import { CloseCode } from 'graphql-ws';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { type Asked, readAsked } from './asked.ts';
import { invalidKeyMessage } from './caller.ts';
import { isData, type Data } from './data.ts';
import { textOf } from './sharing.ts';
import { RunningOperations, type Sayings, type Sources, type Wire } from './running.ts';

/** One connection of a protocol. */
export type Connection = {
  receive(text: string): void;
  /** Called now and then while it is open. */
  beat(): void;
  closed(): void;
};

/** Who connects, by what `connection_init` carries. Null: the connection is refused. */
export type Admit = (params: Data | null) => Promise<(() => RequestContext) | null>;

export type Opening = {
  sources: Sources;
  wire: Wire;
  admit: Admit;
  /** How long a client may take to introduce itself. */
  initTimeoutMs: number;
};

const say: Sayings = {
  next: (id, answer) => `{"id":${id},"type":"next","payload":${textOf(answer)}}`,
  complete: (id) => `{"id":${id},"type":"complete"}`,
};

/** One connection of the protocol `graphql-transport-ws`. */
export function openTransportWs({ sources, wire, admit, initTimeoutMs }: Opening): Connection {
  const operations = new RunningOperations(sources, wire, say);
  /** The acknowledgement under way, or done. */
  let admission: Promise<void> | null = null;
  let context: (() => RequestContext) | null = null;
  const timer = setTimeout(() => {
    if (!admission) wire.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
  }, initTimeoutMs);
  const initialise = async (params: Data | null): Promise<void> => {
    context = await admit(params);
    if (context) void wire.send('{"type":"connection_ack"}');
    else wire.close(CloseCode.Forbidden, invalidKeyMessage);
  };
  const start = async (id: string, asked: Asked, request: RequestContext): Promise<void> => {
    const errors = await operations.start(id, asked, request);
    if (errors) await wire.send(JSON.stringify({ id, type: 'error', payload: errors }));
  };
  const fail = (): void => wire.close(CloseCode.InternalServerError, 'Internal error');
  const pong = (payload: Data | null) => (): void => void wire.send(JSON.stringify(payload === null ? { type: 'pong' } : { type: 'pong', payload }));
  const receive = (message: Message): void => {
    if (message.type === 'connection_init' && admission) wire.close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests');
    else if (message.type === 'connection_init') admission = initialise(message.payload).catch(fail);
    // Answers leave in the order of the questions.
    else if (message.type === 'ping' && admission) void admission.then(pong(message.payload));
    else if (message.type === 'ping') pong(message.payload)();
    else if (message.type === 'complete') operations.stop(message.id);
    else if (message.type !== 'subscribe') return;
    else if (!context) wire.close(CloseCode.Unauthorized, 'Unauthorized');
    else if (operations.has(message.id)) wire.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${message.id} already exists`);
    else start(message.id, message.payload, context()).catch(fail);
  };
  return {
    receive(text) {
      const message = readMessage(text);
      if (message) receive(message);
      else wire.close(CloseCode.BadRequest, 'Invalid message received');
    },
    beat: () => undefined,
    closed() {
      clearTimeout(timer);
      operations.close();
    },
  };
}

type Message =
  | { type: 'connection_init' | 'ping' | 'pong'; payload: Data | null }
  | { type: 'subscribe'; id: string; payload: Asked }
  | { type: 'complete'; id: string };

/** Null for what a client may not say. */
function readMessage(text: string): Message | null {
  const message = parsed(text);
  if (!message) return null;
  const { type, id, payload = null } = message;
  if (type === 'connection_init' || type === 'ping' || type === 'pong') return payload === null || isData(payload) ? { type, payload } : null;
  if (type !== 'subscribe' && type !== 'complete' || typeof id !== 'string' || id === '') return null;
  if (type === 'complete') return { type, id };
  const asked = readAsked(payload);
  return asked && { type, id, payload: asked };
}

/** A message's JSON object, or null. */
export function parsed(text: string): Data | null {
  try {
    const message: unknown = JSON.parse(text);
    return isData(message) ? message : null;
  } catch {
    return null;
  }
}
