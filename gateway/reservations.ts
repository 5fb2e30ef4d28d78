import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { type Asked, isJson, plainContentType } from './asked.ts';
import type { DoorAnswer, DoorRequest } from './door.ts';
import { Rejected } from './errors.ts';
import { eventStream } from './event-stream.ts';
import type { Closing } from './openings.ts';
import { textOf } from './sharing.ts';
import { RunningOperations, type Sayings, type Sources } from './running.ts';
import { heartbeatMs } from './streamed-body.ts';

/**
 * Server-sent events in their single connection mode: a PUT reserves a stream and gives its token, one request that accepts text/event-stream opens
 * it, each further request with the token has its answers sent there, and a DELETE ends one of them.
 */
export type Reservations = {
  /** Null for a request that has nothing to do with a reservation. `asked`: what it asks the graph for. */
  answer(request: DoorRequest, asked: Asked | null): Promise<DoorAnswer> | DoorAnswer | null;
};

/** A client opens its stream at once, or never. */
const unopenedMs = 30_000;
const mostReservations = 10_000;

const say: Sayings = {
  next: (id, answer) => `event: next\ndata: {"id":${id},"payload":${textOf(answer)}}\n\n`,
  complete: (id) => `event: complete\ndata: {"id":${id}}\n\n`,
};

type Reservation = { context: RequestContext; operations: RunningOperations; isOpen: boolean; open(): DoorAnswer };

/** Reservations live in this process: several replicas need a balancer that keeps a client at one of them. */
export function createReservations(sources: Sources): Reservations {
  const byToken = new Map<string, Reservation>();
  const reserve = (context: RequestContext): DoorAnswer => {
    if (byToken.size >= mostReservations) return refusal(503, 'There are too many streams.');
    const token = randomUUID();
    byToken.set(token, createReservation(sources, context, () => byToken.delete(token)));
    return { status: 201, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }, body: token };
  };
  return {
    answer(request, asked) {
      const token = tokenOf(request);
      const accepts = request.headers.accept ?? '*/*';
      if (request.method === 'PUT') return /text\/(plain|\*)|\*\/\*/.test(accepts) ? reserve(request.context) : refusal(406, 'The token of a stream is text/plain.');
      if (token === null && request.method !== 'DELETE') return null;
      const reservation = byToken.get(token ?? '');
      const opens = request.method !== 'DELETE' && accepts.includes('text/event-stream');
      // The token is the ticket of an EventSource, which cannot send a key; whoever asks in its name must be who reserved it.
      if (!reservation || !opens && reservation.context.caller?.keyId !== request.context.caller?.keyId) return refusal(404, 'Stream not found');
      if (opens) return reservation.isOpen ? refusal(409, 'Stream already open') : reservation.open();
      return request.method === 'DELETE' ? stop(reservation, request) : start(sources, reservation, request, asked);
    },
  };
}

function tokenOf({ headers, search }: DoorRequest): string | null {
  const header = headers['x-graphql-event-stream-token'];
  return typeof header === 'string' ? header : new URLSearchParams(search).get('token');
}

function createReservation(sources: Sources, context: RequestContext, forget: () => void): Reservation {
  const line = createLine(() => {
    clearTimeout(unopened);
    forget();
    operations.close();
  });
  const operations = new RunningOperations(sources, { send: line.send, close: () => line.body.destroy() }, say);
  const unopened = setTimeout(() => line.body.destroy(), unopenedMs).unref();
  const reservation: Reservation = {
    context, operations, isOpen: false,
    open() {
      reservation.isOpen = true;
      clearTimeout(unopened);
      line.keepAlive();
      const close: Closing = (why) => {
        operations.close();
        if (why === 'key ended') line.body.destroy();
        else line.end();
      };
      return { status: 200, headers: eventStream.headers, body: { body: line.body, close, keyId: context.caller?.keyId ?? null } };
    },
  };
  return reservation;
}

type Line = { body: Readable; send(text: string): Promise<void> | undefined; keepAlive(): void; end(): void };

/** A body that many write into: who finds it full waits until it is read. */
function createLine(onClose: () => void): Line {
  const waiting: (() => void)[] = [];
  let heartbeat: NodeJS.Timeout | undefined;
  let isOver = false;
  const proceed = (): void => {
    for (const next of waiting.splice(0)) next();
  };
  const body = new Readable({
    read: proceed,
    destroy(error, callback) {
      isOver = true;
      clearInterval(heartbeat);
      onClose();
      proceed();
      callback(error);
    },
  });
  body.push(eventStream.opening);
  return {
    body,
    send: (text) => (isOver || body.push(text) ? undefined : new Promise((resolve) => waiting.push(resolve))),
    keepAlive: () => void (heartbeat = setInterval(() => body.push(eventStream.heartbeat), heartbeatMs).unref()),
    end() {
      if (isOver) return;
      isOver = true;
      clearInterval(heartbeat);
      body.push(null);
    },
  };
}

async function start(sources: Sources, { operations }: Reservation, { method, headers, context }: DoorRequest, asked: Asked | null): Promise<DoorAnswer> {
  if (method === 'POST' && !isJson(headers)) return refusal(415, 'The body must be application/json.');
  if (!asked) return refusal(400, 'The request is not a GraphQL request.');
  const id = asked.extensions?.['operationId'];
  if (typeof id !== 'string' || id === '') return refusal(400, 'Operation ID is missing');
  if (operations.has(id)) return refusal(409, 'Operation with ID already exists');
  if (method === 'GET' && changesSomething(sources, asked)) return { ...refusal(405, 'A mutation needs a POST.'), headers: { 'content-type': plainContentType, allow: 'POST' } };
  const errors = await operations.start(id, asked, context);
  return errors ? { status: 400, headers: { 'content-type': plainContentType }, body: JSON.stringify({ errors }) } : { status: 202, headers: {}, body: '' };
}

function changesSomething({ graph, texts }: Sources, asked: Asked): boolean {
  try {
    return graph().kindOf({ source: texts.textOf(asked), operationName: asked.operationName }) === OperationTypeNode.MUTATION;
  } catch (error) {
    if (error instanceof Rejected) return false;
    throw error;
  }
}

function stop({ operations }: Reservation, { search }: DoorRequest): DoorAnswer {
  const id = new URLSearchParams(search).get('operationId');
  if (!id) return refusal(400, 'Operation ID is missing');
  operations.stop(id);
  return { status: 200, headers: {}, body: '' };
}

function refusal(status: number, message: string): DoorAnswer {
  return { status, headers: { 'content-type': plainContentType, 'cache-control': 'no-store' }, body: JSON.stringify({ errors: [{ message }] }) };
}
