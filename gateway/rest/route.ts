import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { TypedOperation } from '../../schema/types/operation.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import type { Dialect } from './dialect.ts';

/** What a route may know of a request. */
export type RestRequest = {
  method: string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, unknown>>;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined when there was none. */
  body: unknown;
  /** Null where the route is open. */
  caller: Caller | null;
  requestId: string;
  /** Keeps the file of a multipart body for createImage. Refuses with VALIDATION when there is none, with 413 when it is over 5 MB. */
  upload(): Promise<{ uploadId: string; name: string | null }>;
  /** The same with the fields beside the file, each at most 1,024 bytes. */
  form(): Promise<{ uploadId: string; name: string | null; fields: Readonly<Record<string, string>> }>;
};

/** A successful answer; 200 unless it says otherwise. */
export type Reply = { status?: number; body: unknown; headers?: Readonly<Record<string, string>> };

type Common<Variables> = {
  path: `/api/${string}`;
  /** One sentence for the API's description. */
  summary: string;
  dialect: Dialect;
  /** Is asked without a key. */
  isOpen?: true;
  /** A body of any type comes as far as `variables`, unread unless it is JSON or a form with files. */
  takesAnyBody?: true;
  /** What a key that nobody has is answered with: 401, or 403 where the document says so. */
  invalidKey?: 401 | 403;
  /** The shape of a JSON body that `variables` reads, or a form with the field `file`. Where it stands, a request without a body cannot succeed. */
  body?: z.ZodType | 'file';
  /** Refuses with a Failure what the document does not allow. */
  variables(request: RestRequest): Variables | Promise<Variables>;
};

/** One documented endpoint: what it asks of the graph, and how it words the answer. */
export type Route<Result, Variables> = Common<Variables> & {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  operation: TypedOperation<Result, Variables>;
  reply(data: Result, request: RestRequest): Reply;
  /** False where a GET changes something: HEAD is refused then. */
  hasHead?: false;
  /** What is answered when the graph fails; a Failure is no fault. */
  insteadOfFault?(): Reply;
  /** For a list that REST gives at once and the graph in pages: how to ask for what follows the last of them (null: nothing), and how to join two. `data`: all so far. */
  rest?: { variables(page: Result, request: RestRequest, data: Result): Variables | null; join(first: Result, next: Result): Result };
  /** With `Prefer: wait=SECONDS`, the answer is given when this says that it is worth giving, or when the time is over. */
  awaits?: { isOver(data: Result): boolean; operation: TypedOperation<object, Variables>; isLast(event: object): boolean };
};

export type StreamEvent = { id: number; name: string; data: unknown; isLast: boolean };
/** An endpoint that streams server-sent events; `afterSeq` is the client's Last-Event-ID. */
export type EventRoute<Result, Variables> = Omit<Common<Variables>, 'variables'> & {
  method: 'EVENTS';
  operation: TypedOperation<Result, Variables>;
  variables(request: RestRequest, afterSeq: number | null): Variables;
  event(data: Result): StreamEvent;
  /** What says whether anything can still come behind an event. */
  present: { operation: TypedOperation<object, object>; variables(request: RestRequest): object; isOver(data: object, afterSeq: number): boolean };
};

// A table of routes has to forget what each of them asks and is answered.
export type AnyRoute = Route<object, object> | EventRoute<object, object>;

/** Lets a route be written with its own types and kept in a table. */
export function route<Result extends object, Variables extends object>(definition: Route<Result, Variables>): AnyRoute {
  return definition as unknown as AnyRoute;
}

/** What `present` of a stream says, with the types of its operation. */
export function presentState<Result extends object, Variables extends object>(operation: TypedOperation<Result, Variables>, variables: (request: RestRequest) => Variables, isOver: (data: Result, afterSeq: number) => boolean): EventRoute<object, object>['present'] {
  return { operation, variables, isOver } as unknown as EventRoute<object, object>['present'];
}

/** The same for a stream. */
export function eventRoute<Result extends object, Variables extends object>(definition: EventRoute<Result, Variables>): AnyRoute {
  return definition as unknown as AnyRoute;
}
