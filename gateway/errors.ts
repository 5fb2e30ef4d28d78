import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { failureCodes } from '../schema/failures.ts';
import { isDatabaseAway } from '../subgraphs/database.ts';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { isData } from './data.ts';

export type Path = readonly (string | number)[];

const refusals: ReadonlySet<unknown> = new Set(failureCodes);
const details = ['path', 'existingId', 'required', 'available', 'issues', 'retryAfterSeconds'];

/** The client is told what is wrong with its operation; nothing of it was executed. */
export class Rejected extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super(errors[0]?.message);
    this.errors = errors;
  }
}

/** A subgraph cannot be asked now; its message is for the log. */
export class Unavailable extends Error {
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number, cause?: unknown) {
    super(message, { cause });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The same error with more extensions. */
export function extended(error: GraphQLError, extensions: Readonly<Record<string, unknown>>): GraphQLError {
  const { nodes, source, positions, path } = error;
  const where = { ...nodes && { nodes }, ...source && { source }, ...positions && { positions }, ...path && { path } };
  return new GraphQLError(error.message, { ...where, extensions: { ...error.extensions, ...extensions } });
}

/** What is wrong with a document, without the names that graphql-js proposes instead: who has no credential is not told what there is. */
export function withoutSuggestions(errors: readonly GraphQLError[], { caller }: RequestContext): readonly GraphQLError[] {
  return caller ? errors : errors.map((error) => {
    const message = error.message.replace(/ Did you mean [^?]*\?(?: Or [^?]*\?)?$/, '');
    return message === error.message ? error : new GraphQLError(message, { ...error.source && error.positions && { source: error.source, positions: error.positions }, extensions: error.extensions });
  });
}

/** Turns what went wrong in one request into what its client may know of it. */
export type Masker = {
  /** An error of a subgraph, at a place of the client's operation. A refusal keeps its sentence, code and details; all else is masked. */
  place(error: unknown, path: Path | undefined, subgraph: string): GraphQLError;
};

/** Faults are logged with their cause, each once however many places of the answer it spoils. */
export function createMasker(request: RequestContext, log: Logger): Masker {
  let logged: Set<unknown> | null = null;
  return {
    place(error, path, subgraph) {
      const at = path ? { path } : {};
      const code = error instanceof GraphQLError || isFormatted(error) ? error.extensions?.['code'] : undefined;
      if (refusals.has(code) && isFormatted(error)) return new GraphQLError(error.message, { ...at, extensions: refusalOf(error.extensions ?? {}) });
      logged ??= new Set();
      if (!logged.has(error)) {
        logged.add(error);
        log.error({ err: causeOf(error), requestId: request.requestId, subgraph, path }, 'fault while answering an operation');
      }
      if (isDatabaseAway(causeOf(error))) return unavailable({ retryAfterSeconds: databaseBackInSeconds }, request, path);
      return error instanceof Unavailable ? unavailable(error, request, path) : fault(request, path);
    },
  };
}

/** The one face of all faults. */
export function fault(request: RequestContext, path?: Path): GraphQLError {
  return new GraphQLError('Internal error', { ...path && { path }, extensions: { code: 'INTERNAL', requestId: request.requestId } });
}

/** Nobody knows; but sooner there is no use in asking. */
const databaseBackInSeconds = 5;

function unavailable({ retryAfterSeconds }: Pick<Unavailable, 'retryAfterSeconds'>, { requestId }: RequestContext, path: Path | undefined): GraphQLError {
  return new GraphQLError('This part of the graph does not answer now.', { ...path && { path }, extensions: { code: 'UNAVAILABLE', retryAfterSeconds, requestId } });
}

/** A data error the gateway itself found; the sentence names only what the public schema shows. */
export function dataFault(message: string, request: RequestContext, path: Path): GraphQLError {
  return new GraphQLError(message, { path, extensions: { code: 'INTERNAL', requestId: request.requestId } });
}

/** A refusal by the gateway itself. */
export function refuse(code: string, message: string, path?: Path): GraphQLError {
  return new GraphQLError(message, { ...path && { path }, extensions: { code } });
}

function refusalOf(extensions: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = { code: extensions['code'] };
  for (const name of details) if (extensions[name] !== undefined) kept[name] = extensions[name];
  return kept;
}

function causeOf(error: unknown): unknown {
  return error instanceof GraphQLError ? error.originalError ?? error : error;
}

function isFormatted(error: unknown): error is { message: string; extensions?: Record<string, unknown> } {
  return typeof error === 'object' && error !== null && 'message' in error;
}

/** An error as it came over the wire, with what it lacks made up for. */
export function readError(error: unknown): GraphQLError {
  if (!isData(error)) return new GraphQLError('unreadable error');
  const { message, path, extensions } = error;
  const isPath = Array.isArray(path) && path.every((part) => typeof part === 'string' || typeof part === 'number');
  return new GraphQLError(typeof message === 'string' ? message : 'error without a message', { ...isPath && { path }, ...isData(extensions) && { extensions } });
}
