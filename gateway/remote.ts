import { OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { Circuit } from './circuit.ts';
import { isData } from './data.ts';
import { readError, Unavailable } from './errors.ts';
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
  /** What the other side of this program's own subgraphs understands. */
  own?: OwnProtocol;
  /** Whether queries that are under way answer identical ones too. On unless said otherwise. */
  joined?: boolean;
  timeoutMs?: number;
  maxConnections?: number;
  /** How subscriptions are opened: server-sent events unless said otherwise. */
  streams?: StreamProtocol;
};

export type OwnProtocol = {
  /** What tells callers apart instead of the headers, which differ from request to request of one caller. */
  callerOf: (request: RequestContext) => string;
  /** The header that says how many milliseconds a mutation has left. Its subgraph undoes in time what it cannot finish, and says so. */
  timeLeftHeader: string;
  /** The key in a ping's payload that says that a subscription over a socket has begun. */
  begunKey: string;
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
  const { name, own } = options;
  const line = new Line(name, client, { joined: options.joined ?? true, isOwn: own !== undefined });
  const fixedHead = `POST ${origin.pathname}${origin.search} HTTP/1.1\r\nhost: ${origin.host}\r\n${authorizationOf(origin)}`
    + 'content-type: application/json\r\naccept: application/graphql-response+json, application/json\r\n';
  const headersFor = options.headersFor ?? (() => noHeaders);
  const headFor = (request: RequestContext): string => {
    let head = fixedHead;
    const headers = headersFor(request);
    for (const name in headers) head += headerLine(name, headers[name] ?? '');
    return head;
  };
  const query = (call: Call, bodyOf: BodyOf): Promise<HttpAnswer> => {
    const [head, body] = [headFor(call.request), bodyOf(call.variables)];
    // Traces differ from request to request, and are no reason to ask again.
    return line.query(head + traceOf(call), body, `${own?.callerOf(call.request) ?? head}\n${body}`, call.lifetime);
  };
  const mutate = (call: Call, bodyOf: BodyOf): Promise<HttpAnswer> => {
    const { variables, request, lifetime } = call;
    const head = headFor(request) + traceOf(call);
    if (!own || !lifetime) return line.mutate(head, bodyOf(variables), lifetime);
    // Who takes the signal is waited for a moment longer: the subgraph stops by itself, and says how far it came.
    void lifetime.signal;
    return line.mutate(head + headerLine(own.timeLeftHeader, String(timeThere(lifetime.leftMs))), bodyOf(variables), lifetime);
  };
  return {
    prepare: (operation) => {
      const bodyOf = prepareBody(operation);
      const ask = operation.kind === OperationTypeNode.QUERY ? query : mutate;
      return async (call) => readAnswer(await ask(call, bodyOf));
    },
    prepareStream: ({ text }) => ({ variables, request, trace = request.trace ?? null }: Call) => openRemoteStream({
      name, url: origin, protocol: options.streams ?? 'sse', headers: trace ? { ...headersFor(request), traceparent: trace } : headersFor(request), query: text, variables, begunKey: own?.begunKey ?? null,
    }),
    close: () => client.close(),
  };
}

function traceOf({ trace, request }: Call): string {
  const own = trace ?? request.trace;
  return own ? `traceparent: ${own}\r\n` : '';
}

type BodyOf = (variables: Call['variables']) => string;

/** Everything of a request's JSON that does not change is made once. */
function prepareBody({ text }: SubgraphOperation): BodyOf {
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

/** A subgraph that gives up by itself says what became of the change; its answer must still come in time. */
const timeThere = (leftMs: number): number => Math.max(1, Math.floor(leftMs - Math.min(250, leftMs / 10)));

/** The way to one subgraph: joins, retries, and stops asking who does not answer. */
class Line {
  readonly #name: string;
  readonly #isOwn: boolean;
  readonly #client: HttpClient;
  readonly #circuit: Circuit;
  readonly #underWay: Map<string, Joined> | null;

  constructor(name: string, client: HttpClient, { joined, isOwn }: { joined: boolean; isOwn: boolean }) {
    this.#name = name;
    this.#isOwn = isOwn;
    this.#client = client;
    this.#circuit = new Circuit(name);
    this.#underWay = joined ? new Map() : null;
  }

  mutate(head: string, body: string, wanted: Wanted | null): Promise<HttpAnswer> {
    return this.#exchange(head, body, false, wanted);
  }

  /** Queries with equal keys are asked once. */
  query(head: string, body: string, key: string, wanted: Wanted | null): Promise<HttpAnswer> {
    if (!this.#underWay) return this.#exchange(head, body, true, wanted);
    const known = this.#underWay;
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
    // The client's credential is known to be good: what our own subgraph does not believe is this gateway.
    if (status === 401 && this.#isOwn) throw new Error(`${this.#name} does not believe this gateway: ${text.slice(0, 300)}`);
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
