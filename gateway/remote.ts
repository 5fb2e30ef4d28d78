import { GraphQLError, OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { Circuit } from './circuit.ts';
import { isData } from './data.ts';
import { Unavailable } from './errors.ts';
import { createHttpClient, HttpFault, type HttpClient, type Wanted } from './http-client.ts';
import type { HttpAnswer } from './http-response.ts';
import { openRemoteStream, type StreamProtocol } from './remote-streams.ts';
import type { Call, SubgraphAnswer, SubgraphOperation, Transport } from './transport.ts';

/** A subgraph behind an address. */
export type RemoteOptions = {
  name: string;
  /** http or https. */
  url: string;
  /** Headers that one request sends along, lower case. What tells callers apart must be among them: calls with equal headers may share an answer. */
  headersFor?: (request: RequestContext) => Readonly<Record<string, string>>;
  /** Whether queries that are under way answer identical ones too. On unless said otherwise. */
  joined?: boolean;
  timeoutMs?: number;
  maxConnections?: number;
  /** How subscriptions are opened: server-sent events unless said otherwise. */
  streams?: StreamProtocol;
};

const defaults = { timeoutMs: 15_000, connectTimeoutMs: 2_000, maxConnections: 512, maxBodyBytes: 64 * 1024 * 1024 };
const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Calls a subgraph over HTTP. A query is sent once more when the way to the subgraph failed; a mutation never. Throws for an address that is
 * not http or https.
 */
export function overHttp(options: RemoteOptions): Transport {
  const origin = new URL(options.url);
  if (origin.protocol !== 'http:' && origin.protocol !== 'https:') throw new Error(`the subgraph ${options.name} has no http address: ${options.url}`);
  const client = createHttpClient({ origin, ...defaults, ...options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }, ...options.maxConnections !== undefined && { maxConnections: options.maxConnections } });
  const line = new Line(options.name, client, options.joined ?? true);
  const fixedHead = `POST ${origin.pathname}${origin.search} HTTP/1.1\r\nhost: ${origin.host}\r\n${authorizationOf(origin)}`
    + 'content-type: application/json\r\naccept: application/graphql-response+json, application/json\r\n';
  const headersFor = options.headersFor ?? (() => noHeaders);
  const headFor = (request: RequestContext): string => {
    let head = fixedHead;
    const headers = headersFor(request);
    for (const name in headers) head += headerLine(name, headers[name] ?? '');
    return head;
  };
  return {
    prepare: (operation) => {
      const bodyOf = prepareBody(operation);
      const isQuery = operation.kind === OperationTypeNode.QUERY;
      return async ({ variables, request, lifetime }) => readAnswer(await line.ask(headFor(request), bodyOf(variables), isQuery, lifetime));
    },
    prepareStream: ({ text }) => ({ variables, request }: Call) => openRemoteStream({ url: origin, protocol: options.streams ?? 'sse', headers: headersFor(request), query: text, variables }),
    close: () => client.close(),
  };
}

/** Everything of a request's JSON that does not change is made once. */
function prepareBody({ text }: SubgraphOperation): (variables: Call['variables']) => string {
  const start = `{"query":${JSON.stringify(text)}`;
  const whole = `${start}}`;
  return (variables) => {
    for (const _ in variables) return `${start},"variables":${JSON.stringify(variables)}}`;
    return whole;
  };
}

function authorizationOf({ username, password }: URL): string {
  if (username === '' && password === '') return '';
  return headerLine('authorization', `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`);
}

/** A value that would end its line is not sent at all. */
function headerLine(name: string, value: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? `${name}: ${value}\r\n` : '';
}

/** Calls that wait for one answer. They are over when all of them are. */
class Joined implements Wanted {
  readonly answer: Promise<HttpAnswer>;
  readonly #waiting: (Wanted | null)[] = [];

  constructor(ask: (wanted: Wanted) => Promise<HttpAnswer>) {
    this.answer = ask(this);
  }

  join(wanted: Wanted | null): Promise<HttpAnswer> {
    this.#waiting.push(wanted);
    return this.answer;
  }

  get isOver(): boolean {
    return this.#waiting.length > 0 && this.#waiting.every((wanted) => wanted?.isOver ?? false);
  }
}

/** The way to one subgraph: joins, retries, and stops asking who does not answer. */
class Line {
  readonly #name: string;
  readonly #client: HttpClient;
  readonly #circuit: Circuit;
  readonly #underWay: Map<string, Joined> | null;

  constructor(name: string, client: HttpClient, joined: boolean) {
    this.#name = name;
    this.#client = client;
    this.#circuit = new Circuit(name);
    this.#underWay = joined ? new Map() : null;
  }

  /** Queries that are equal byte for byte, headers included, are asked once. */
  ask(head: string, body: string, isQuery: boolean, wanted: Wanted | null): Promise<HttpAnswer> {
    if (!isQuery || !this.#underWay) return this.#exchange(head, body, isQuery, wanted);
    const known = this.#underWay;
    const key = `${head}\n${body}`;
    const running = known.get(key);
    // Who joins what is over would be told so.
    if (running && !running.isOver) return running.join(wanted);
    const joined = new Joined((all) => this.#exchange(head, body, true, all).finally(() => {
      if (known.get(key) === joined) known.delete(key);
    }));
    known.set(key, joined);
    return joined.join(wanted);
  }

  async #exchange(head: string, body: string, isQuery: boolean, wanted: Wanted | null): Promise<HttpAnswer> {
    this.#circuit.enter();
    try {
      return this.#usable(await this.#client.send(head, body, isQuery, wanted));
    } catch (error) {
      this.#note(error);
      const mayRepeat = isQuery && error instanceof HttpFault && error.kind === 'connection' || error instanceof Overloaded && isQuery;
      if (!mayRepeat || !this.#circuit.mayRetry()) throw this.#worded(error);
    }
    try {
      return this.#usable(await this.#client.send(head, body, isQuery, wanted));
    } catch (error) {
      this.#note(error);
      throw this.#worded(error);
    }
  }

  #usable(answer: HttpAnswer): HttpAnswer {
    const { status, contentType, text } = answer;
    if (status === 502 || status === 503 || status === 504) throw new Overloaded(`${this.#name} answered with status ${status}`);
    this.#circuit.succeeded();
    const isGraphql = contentType.includes('json') && (status < 300 || text.includes('"errors"'));
    if (!isGraphql) throw new Error(`${this.#name} answered with status ${status} and type ${contentType || 'unknown'}`);
    return answer;
  }

  #note(error: unknown): void {
    if (error instanceof HttpFault && error.kind !== 'abandoned' || error instanceof Overloaded) this.#circuit.failed();
    else this.#circuit.left();
  }

  #worded(error: unknown): unknown {
    return error instanceof Overloaded || error instanceof HttpFault && error.kind !== 'malformed' ? new Unavailable(`${this.#name}: ${error.message}`, 1, error) : error;
  }
}

class Overloaded extends Error {}

/** Throws when the text is no answer of GraphQL. */
function readAnswer({ text, isAscii }: HttpAnswer): SubgraphAnswer {
  const answer: unknown = JSON.parse(text);
  if (!isData(answer)) throw new Error('a subgraph answered with something that is no object');
  const { data, errors } = answer;
  if (data !== undefined && data !== null && !isData(data)) throw new Error('a subgraph answered with data that is no object');
  if (errors === undefined || errors === null || Array.isArray(errors) && errors.length === 0) {
    if (!data) throw new Error('a subgraph answered with neither data nor errors');
    // JSON without a backslash has no string that must be escaped.
    return { data, isPlain: isAscii && !text.includes('\\') };
  }
  if (!Array.isArray(errors)) throw new Error('a subgraph answered with errors that are no list');
  return { data: data ?? null, errors: errors.map(readError) };
}

/** An error as it came over the wire, with what it lacks made up for. */
export function readError(error: unknown): GraphQLError {
  if (!isData(error)) return new GraphQLError('unreadable error');
  const { message, path, extensions } = error;
  const isPath = Array.isArray(path) && path.every((part) => typeof part === 'string' || typeof part === 'number');
  return new GraphQLError(typeof message === 'string' ? message : 'error without a message', { ...isPath && { path }, ...isData(extensions) && { extensions } });
}
