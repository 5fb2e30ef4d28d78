/** One HTTP answer, whole. */
export type HttpAnswer = { status: number; contentType: string; text: string;
  /** Whether all of it is ASCII. */
  isAscii: boolean; /** Whether the connection may carry another request. */ reusable: boolean; keepAliveMs: number | null };

/** The other side does not speak HTTP/1.1 as we understand it. */
export class MalformedAnswer extends Error {
  constructor(what: string) {
    super(`malformed HTTP answer: ${what}`);
  }
}

const maxHeadBytes = 32 * 1024;
const maxLineBytes = 1024;

type Framing = { kind: 'length'; length: number } | { kind: 'chunked' } | { kind: 'until close' };
type Head = Omit<HttpAnswer, 'text' | 'isAscii'> & { framing: Framing };

/** Reads one HTTP/1.1 answer out of the chunks of a connection. A chunk is not kept: its memory may be used again. */
export class ResponseReader {
  readonly #maxBodyBytes: number;
  #head: Head | null = null;
  #kept: Buffer | null = null;
  readonly #parts: Buffer[] = [];
  #received = 0;
  #chunks: ChunkReader | null = null;

  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether nothing has come yet. */
  get isEmpty(): boolean {
    return this.#head === null && this.#kept === null;
  }

  /** The answer when it is complete, else null. Throws MalformedAnswer. */
  push(chunk: Buffer): HttpAnswer | null {
    if (this.#head) return this.#readBody(this.#head, chunk);
    const bytes = this.#kept ? Buffer.concat([this.#kept, chunk]) : chunk;
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1 && bytes.length > maxHeadBytes) throw new MalformedAnswer('its head is too long');
    if (end === -1) {
      this.#kept = this.#kept ? bytes : Buffer.from(chunk);
      return null;
    }
    this.#kept = null;
    const head = readHead(bytes.toString('latin1', 0, end));
    const rest = bytes.subarray(end + 4);
    // 1xx only announces the answer.
    if (head.status < 200) return rest.length > 0 ? this.push(rest) : null;
    this.#head = head;
    return this.#readBody(head, rest);
  }

  /** The other side has closed: an answer without a length is complete now. */
  end(): HttpAnswer | null {
    return this.#head?.framing.kind === 'until close' ? this.#finish(this.#head, Buffer.concat(this.#parts)) : null;
  }

  #readBody(head: Head, chunk: Buffer): HttpAnswer | null {
    this.#received += chunk.length;
    if (this.#received > this.#maxBodyBytes) throw new MalformedAnswer(`its body is over ${this.#maxBodyBytes} bytes`);
    if (head.framing.kind === 'chunked') {
      this.#chunks ??= new ChunkReader();
      return this.#chunks.push(chunk) ? this.#finish(head, Buffer.concat(this.#chunks.parts)) : null;
    }
    if (head.framing.kind === 'length') {
      const { length } = head.framing;
      if (this.#received > length) throw new MalformedAnswer('its body is longer than announced');
      if (chunk.length === length) return this.#finish(head, chunk);
      // The body's place is made once; its length is within the limit only when the announced one is.
      if (length > this.#maxBodyBytes) throw new MalformedAnswer(`its body is over ${this.#maxBodyBytes} bytes`);
      const whole = this.#parts[0] ??= Buffer.allocUnsafe(length);
      chunk.copy(whole, this.#received - chunk.length);
      return this.#received === length ? this.#finish(head, whole) : null;
    }
    if (chunk.length > 0) this.#parts.push(Buffer.from(chunk));
    return null;
  }

  #finish({ status, contentType, reusable, keepAliveMs }: Head, body: Buffer): HttpAnswer {
    const text = body.toString('utf8');
    return { status, contentType, reusable, keepAliveMs, text, isAscii: text.length === body.length };
  }
}

function readHead(text: string): Head {
  const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(text);
  if (!statusLine) throw new MalformedAnswer('no status line');
  const status = Number(statusLine[2]);
  const encoding = headerOf(text, 'transfer-encoding');
  const length = headerOf(text, 'content-length');
  if (headerOf(text, 'content-encoding') !== null) throw new MalformedAnswer('it is compressed, which was not asked for');
  if (encoding !== null && length !== null) throw new MalformedAnswer('two ways to find its end');
  const connection = headerOf(text, 'connection')?.toLowerCase() ?? '';
  const framing = framingOf(status, encoding, length);
  const keepAlive = /timeout=(\d{1,6})/.exec(headerOf(text, 'keep-alive') ?? '');
  return {
    status, framing, contentType: headerOf(text, 'content-type') ?? '',
    reusable: framing.kind !== 'until close' && statusLine[1] === '1' && !connection.includes('close'),
    keepAliveMs: keepAlive ? Number(keepAlive[1]) * 1_000 : null,
  };
}

function framingOf(status: number, encoding: string | null, length: string | null): Framing {
  if (status === 204 || status === 304 || status < 200) return { kind: 'length', length: 0 };
  if (encoding !== null) {
    if (encoding.toLowerCase() !== 'chunked') throw new MalformedAnswer('an unknown transfer encoding');
    return { kind: 'chunked' };
  }
  if (length === null) return { kind: 'until close' };
  if (!/^\d{1,10}$/.test(length)) throw new MalformedAnswer('an unreadable length');
  return { kind: 'length', length: Number(length) };
}

const patterns = new Map<string, RegExp>();

/** Null when it is not there. Throws when it is there twice with different values. */
function headerOf(head: string, name: string): string | null {
  let pattern = patterns.get(name);
  if (!pattern) patterns.set(name, pattern = new RegExp(`\\r\\n${name}:[ \\t]*([^\\r\\n]*)`, 'gi'));
  pattern.lastIndex = 0;
  const found = pattern.exec(head)?.[1]?.trimEnd() ?? null;
  if (found === null) return null;
  const again = pattern.exec(head)?.[1]?.trimEnd();
  if (again !== undefined && again !== found) throw new MalformedAnswer(`two headers ${name}`);
  return found;
}

/** A body in chunks, without their sizes. */
class ChunkReader {
  readonly parts: Buffer[] = [];
  #left = 0;
  #line = '';
  #expects: 'size' | 'end of chunk' | 'trailer' = 'size';

  /** True when the last chunk and the trailers have come. */
  push(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at);
        this.parts.push(Buffer.from(bytes.subarray(at, at + taken)));
        this.#left -= taken;
        at += taken;
        continue;
      }
      const newline = bytes.indexOf(10, at);
      const end = newline === -1 ? bytes.length : newline + 1;
      this.#line += bytes.toString('latin1', at, end);
      at = end;
      if (this.#line.length > maxLineBytes) throw new MalformedAnswer('a line between chunks is too long');
      if (newline !== -1 && this.#endLine()) {
        if (at < bytes.length) throw new MalformedAnswer('something follows its last chunk');
        return true;
      }
    }
    return false;
  }

  /** True after the last line. */
  #endLine(): boolean {
    const line = this.#line.replace(/\r?\n$/, '');
    this.#line = '';
    if (this.#expects === 'trailer') return line === '';
    if (this.#expects === 'end of chunk') {
      if (line !== '') throw new MalformedAnswer('a chunk is longer than announced');
      this.#expects = 'size';
      return false;
    }
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i.exec(line)?.[1];
    if (size === undefined) throw new MalformedAnswer('an unreadable chunk size');
    this.#left = Number.parseInt(size, 16);
    this.#expects = this.#left === 0 ? 'trailer' : 'end of chunk';
    return false;
  }
}
