import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type HttpAnswer, ResponseReader } from './http-response.ts';

/** Whether anybody still waits for an answer. */
export type Wanted = { readonly isOver: boolean };

export type HttpClient = {
  /**
   * Sends one request. `head` ends behind its last header line; the length is added. Only a `repeatable` request may go over a connection
   * that has been idle for long, which the other side may be closing. Rejects with HttpFault.
   */
  send(head: string, body: string, repeatable: boolean, wanted: Wanted | null): Promise<HttpAnswer>;
  close(): void;
};

export type HttpClientOptions = {
  origin: URL;
  /** From sending to the end of the answer. */
  timeoutMs: number;
  connectTimeoutMs: number;
  maxConnections: number;
  maxBodyBytes: number;
};

/** What went wrong on the way; the answer, if any, is not usable. */
export class HttpFault extends Error {
  readonly kind: 'connection' | 'timeout' | 'abandoned' | 'malformed';

  constructor(kind: HttpFault['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Node's own servers close a connection after 5 s of silence. */
const idleMs = 4_000;
const freshMs = 1_000;
const sweepMs = 100;
const readBufferBytes = 64 * 1024;

type Exchange = { request: string; encoding: BufferEncoding; resolve: (answer: HttpAnswer) => void; reject: (fault: HttpFault) => void; startedAt: number; repeatable: boolean; wanted: Wanted | null };

/**
 * Keep-alive HTTP/1.1 to one origin, one request at a time on each connection. Node's own agent and undici cost about 60 us of CPU a call
 * where this costs about 35, and a federated answer is made of many calls.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const pool = new Pool(options);
  return {
    send: (head, body, repeatable, wanted) => new Promise((resolve, reject) => {
      const bytes = Buffer.byteLength(body);
      const request = `${head}content-length: ${bytes}\r\n\r\n${body}`;
      // Text of one byte a character is copied; only other text has to be encoded.
      pool.begin({ request, encoding: bytes === body.length ? 'latin1' : 'utf8', resolve, reject, startedAt: performance.now(), repeatable, wanted });
    }),
    close: () => pool.close(),
  };
}

class Pool {
  readonly options: HttpClientOptions;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #waiting: Exchange[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(options: HttpClientOptions) {
    this.options = options;
  }

  begin(exchange: Exchange): void {
    this.#timer ??= setTimeout(this.#sweep, sweepMs).unref();
    const connection = this.#takeIdle(exchange.startedAt, exchange.repeatable ? Infinity : freshMs);
    if (connection) connection.begin(exchange);
    else if (this.#open.size < this.options.maxConnections) {
      const opened = new Connection(this);
      this.#open.add(opened);
      opened.begin(exchange);
    } else this.#waiting.push(exchange);
  }

  #takeIdle(now: number, maxIdleMs: number): Connection | null {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection) return null;
      const silentMs = now - connection.idleSince;
      if (silentMs < connection.idleMs && silentMs < maxIdleMs) return connection;
      connection.destroy();
    }
  }

  release(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next) connection.begin(next);
    else this.#idle.push(connection);
  }

  forget(connection: Connection): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    const next = this.#waiting.shift();
    if (next) this.begin(next);
  }

  close(): void {
    for (const exchange of this.#waiting.splice(0)) exchange.reject(new HttpFault('abandoned', 'the client is closed'));
    for (const connection of this.#open) connection.fail(new HttpFault('abandoned', 'the client is closed'));
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** One timer for all: a timer for each call would cost more than it saves. */
  readonly #sweep = (): void => {
    this.#timer = null;
    const now = performance.now();
    for (const connection of this.#open) {
      const fault = connection.exchange && this.#faultOf(connection.exchange, connection.isConnected, now);
      if (fault) connection.fail(fault);
      else if (!connection.exchange && now - connection.idleSince > connection.idleMs) connection.destroy();
    }
    const late = this.#waiting.filter((exchange) => this.#faultOf(exchange, true, now));
    for (const exchange of late) {
      this.#waiting.splice(this.#waiting.indexOf(exchange), 1);
      exchange.reject(new HttpFault('timeout', `no connection to ${this.options.origin.host} became free`));
    }
    if (this.#open.size > 0) this.#timer = setTimeout(this.#sweep, sweepMs).unref();
  };

  #faultOf({ startedAt, wanted }: Exchange, isConnected: boolean, now: number): HttpFault | null {
    const { origin, timeoutMs, connectTimeoutMs } = this.options;
    if (wanted?.isOver) return new HttpFault('abandoned', 'nobody waits for this answer');
    if (now - startedAt > timeoutMs) return new HttpFault('timeout', `${origin.host} did not answer within ${timeoutMs} ms`);
    if (!isConnected && now - startedAt > connectTimeoutMs) return new HttpFault('timeout', `no connection to ${origin.host} within ${connectTimeoutMs} ms`);
    return null;
  }
}

class Connection {
  exchange: Exchange | null = null;
  idleSince = 0;
  idleMs = idleMs;
  isConnected = false;
  readonly #pool: Pool;
  readonly #socket: Socket;
  #reader: ResponseReader;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#reader = new ResponseReader(pool.options.maxBodyBytes);
    this.#socket = open(pool.options.origin, (chunk) => this.#read(chunk));
    this.#socket.setNoDelay(true);
    this.#socket.once(pool.options.origin.protocol === 'https:' ? 'secureConnect' : 'connect', () => (this.isConnected = true));
    this.#socket.once('end', () => this.#ended());
    this.#socket.once('error', (error) => this.fail(new HttpFault('connection', `the connection to ${pool.options.origin.host} broke: ${error.message}`, error)));
    this.#socket.once('close', () => {
      this.fail(new HttpFault('connection', `${pool.options.origin.host} closed the connection without an answer`));
      pool.forget(this);
    });
  }

  begin(exchange: Exchange): void {
    this.exchange = exchange;
    this.#socket.ref();
    this.#socket.write(exchange.request, exchange.encoding);
  }

  fail(fault: HttpFault): void {
    const { exchange } = this;
    this.exchange = null;
    this.#socket.destroy();
    exchange?.reject(fault);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#socket.destroyed) return;
    if (!this.exchange) return this.destroy();
    try {
      const answer = this.#reader.push(chunk);
      if (answer) this.#finish(answer);
    } catch (error) {
      this.fail(new HttpFault('malformed', error instanceof Error ? error.message : String(error), error));
    }
  }

  #ended(): void {
    const answer = this.exchange && this.#reader.end();
    if (answer) this.#finish(answer);
  }

  #finish(answer: HttpAnswer): void {
    const { exchange } = this;
    this.exchange = null;
    if (answer.reusable) {
      this.#reader = new ResponseReader(this.#pool.options.maxBodyBytes);
      this.idleSince = performance.now();
      this.idleMs = Math.min(idleMs, (answer.keepAliveMs ?? Infinity) - freshMs);
      // A connection that nobody uses does not keep the process alive.
      this.#socket.unref();
      this.#pool.release(this);
    } else this.destroy();
    exchange?.resolve(answer);
  }
}

function open({ protocol, hostname, port }: URL, read: (chunk: Buffer) => void): Socket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol === 'https:') {
    const socket = connectTls({ host, port: Number(port || 443), servername: isIP(host) ? '' : host, ALPNProtocols: ['http/1.1'] });
    return socket.on('data', read);
  }
  // Chunks come straight into one buffer, past the machinery of streams.
  const callback = (length: number, buffer: Uint8Array): boolean => {
    read(Buffer.from(buffer.buffer, buffer.byteOffset, length));
    return true;
  };
  return connectPlain({ host, port: Number(port || 80), onread: { buffer: Buffer.allocUnsafeSlow(readBufferBytes), callback } });
}
