import { createHash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import { isDatabaseAway } from '../../subgraphs/database.ts';
import { type Dialect, refusalOf, type Refusal } from './dialect.ts';
import type { Reply } from './route.ts';

/** A refusal that is HTTP's own and no FailureCode: 405, 406, 413, 415 and the like. */
export class HttpRefusal extends Error {
  readonly refusal: Refusal;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.refusal = { status, code: (STATUS_CODES[status] ?? 'ERROR').toUpperCase().replaceAll(/\W+/g, '_'), message };
    this.headers = headers;
  }
}

/** Sends a successful answer, or 304 when the client has it already. */
export async function sendReply(reply: FastifyReply, request: FastifyRequest, { status = 200, body, headers = {} }: Reply): Promise<void> {
  const text = JSON.stringify(body);
  reply.headers(headers);
  if (request.method === 'GET' || request.method === 'HEAD') {
    const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
    reply.header('etag', etag);
    if (matches(request.headers['if-none-match'], etag)) return void (await reply.code(304).send());
  }
  await reply.code(status).type('application/json; charset=utf-8').send(text);
}

/** What took too long would take too long again at once. */
const unavailableForSeconds = 5;

function matches(header: string | undefined, etag: string): boolean {
  return header !== undefined && header.split(',').some((candidate) => candidate.trim() === '*' || candidate.trim().replace(/^W\//, '') === etag);
}

/** Sends what a dialect says of something thrown. A fault is logged here, once, and told with the request's id alone. */
export async function sendRefusal(reply: FastifyReply, request: FastifyRequest, dialect: Dialect, thrown: unknown): Promise<void> {
  const error = isDatabaseAway(thrown) ? away(thrown, request) : thrown;
  const refusal = error instanceof HttpRefusal ? error.refusal : error instanceof Failure ? refusalOf(dialect, error) : faultOf(error, request);
  if (error instanceof HttpRefusal) reply.headers(error.headers);
  const retryAfterSeconds = error instanceof Failure ? error.detail.retryAfterSeconds ?? (error.code === 'UNAVAILABLE' ? unavailableForSeconds : 0) : 0;
  if (retryAfterSeconds > 0) reply.header('retry-after', String(retryAfterSeconds));
  reply.code(refusal.status).header('cache-control', 'no-store');
  if (!wantsProblem(request)) return void (await reply.type('application/json; charset=utf-8').send(JSON.stringify(dialect.error(refusal))));
  const { status, code, message } = refusal;
  const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, code, instance: `urn:uuid:${request.id}` };
  await reply.type('application/problem+json').send(JSON.stringify(problem));
}

/** RFC 9457, for those who ask for it by name. */
function wantsProblem({ headers }: FastifyRequest): boolean {
  return headers.accept?.toLowerCase().includes('application/problem+json') ?? false;
}

/** It may be back when the client asks again. */
function away(error: unknown, request: FastifyRequest): Failure {
  request.log.error({ err: error, requestId: request.id }, 'the database does not answer');
  return new Failure('UNAVAILABLE', 'The service is not available at the moment. Please try again.');
}

function faultOf(error: unknown, request: FastifyRequest): Refusal {
  request.log.error({ err: error, requestId: request.id }, 'fault in a REST request');
  return { status: 500, code: 'INTERNAL', message: `Unexpected server error (request ${request.id})` };
}
