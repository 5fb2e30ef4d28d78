import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, type Dispatcher, WebSocket } from 'undici';

export type OutboundReason =
  /** Not http or https, a user name or password in it, or a port other than 80 and 443. */
  | 'URL'
  /** The host has no public address. */
  | 'ADDRESS'
  | 'REDIRECT'
  | 'TIMEOUT'
  | 'TOO_LARGE'
  /** No such host, no connection, or a broken answer. */
  | 'NETWORK';

/** An outgoing request that was not allowed or did not succeed. What an address answers with, a 404 too, is no refusal. */
export class OutboundRefused extends Error {
  readonly reason: OutboundReason;

  constructor(reason: OutboundReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OutboundRefused';
    this.reason = reason;
  }
}

export type OutboundOptions = {
  method?: 'GET' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** For all of it: name, connection, redirects and body. */
  timeoutMs: number;
  maxBytes: number;
  /** What to do with a body of more than `maxBytes`. Default: refuse. */
  overflow?: 'refuse' | 'cut';
  /** How many redirects to follow, each checked like the first address. Default 0: a redirect is the answer. */
  redirects?: number;
  signal?: AbortSignal;
};
export type OutboundAnswer = { status: number; headers: Dispatcher.ResponseData['headers']; bytes: Uint8Array; url: string };

/** The one way by which this program calls addresses that others gave it. */
export type Outbound = {
  /** What is known of an address without asking anybody. @throws OutboundRefused URL or ADDRESS. */
  check(url: string): void;
  /** Throws OutboundRefused, whose words are ours and never the other side's, or the reason of `signal`. */
  fetchBytes(url: string, options: OutboundOptions): Promise<OutboundAnswer>;
  /** A WebSocket at an http or https address, through the same checks. Throws OutboundRefused for the address; all else is its `error` and `close`. */
  openSocket(url: string, headers: Readonly<Record<string, string>>): WebSocket;
  close(): Promise<void>;
};

/** Whether an address is on the public internet: no private, local, shared, documentation, translated or tunnelled range. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  // Of IPv6 only 2000::/3 is given out as global unicast; NAT64 of RFC 8215 and old site-local ranges lie outside of it.
  return address.kind() === 'ipv4' || address.match(ipaddr.parse('2000::'), 3);
}

/**
 * `allow`: `host:port` pairs that may be reached although they are private, for development and tests. `nameServers`: whom to ask for names, as
 * `address:port`; by default those of the machine.
 */
export function createOutbound({ allow, nameServers }: { allow: readonly string[]; nameServers?: readonly string[] }): Outbound {
  const allowed = new Set(allow.map((entry) => entry.trim().toLowerCase()));
  const isAllowed = (hostname: string, port: string): boolean => allowed.has(`${hostname.toLowerCase()}:${port}`);
  const connect = guardedConnector(isAllowed, createLookup(nameServers));
  const agent = new Agent({ connect, keepAliveTimeout: 1000, keepAliveMaxTimeout: 5000, maxResponseSize: -1, maxHeaderSize: mostHeaderBytes });
  return {
    check: (url) => checkLiteral(checkedUrl(url, isAllowed), isAllowed),
    async fetchBytes(url, options) {
      const deadline = AbortSignal.timeout(options.timeoutMs);
      const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
      try {
        return await follow(agent, checkedUrl(url, isAllowed), { ...options, signal }, isAllowed);
      } catch (error) {
        if (error instanceof OutboundRefused) throw error;
        options.signal?.throwIfAborted();
        if (deadline.aborted) throw new OutboundRefused('TIMEOUT', `no complete answer within ${options.timeoutMs} ms`, error);
        throw new OutboundRefused('NETWORK', wordsFor(error), error);
      }
    },
    openSocket(url, headers) {
      const checked = checkedUrl(url, isAllowed);
      checked.protocol = checked.protocol === 'https:' ? 'wss:' : 'ws:';
      return new WebSocket(checked, { dispatcher: agent, headers: { ...headers } });
    },
    close: () => agent.destroy(),
  };
}

const mostHeaderBytes = 16_384;

const words: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|ENODATA|ESERVFAIL|EAI_|ETIMEOUT|EREFUSED|EBADNAME|EBADRESP)/, 'the name was not found'],
  [/^ECONNREFUSED/, 'the connection was refused'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)/, 'the address was not reached'],
  [/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/, 'the certificate or encryption is not valid'],
  [/^UND_ERR_HEADERS_OVERFLOW|^HPE_HEADER_OVERFLOW/, `the headers of the answer are over ${mostHeaderBytes} bytes`],
  [/^HPE_|^UND_ERR_(RESPONSE|RES_|INVALID)/, 'the answer is not valid HTTP'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)/, 'the connection was cut'],
];

/** A closed list: messages of the network may hold what the other side has put there, and addresses behind a name. */
function wordsFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return words.find(([pattern]) => pattern.test(code))?.[1] ?? 'the connection failed';
}

type IsAllowed = (hostname: string, port: string) => boolean;

function checkedUrl(text: string, isAllowed: IsAllowed): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new OutboundRefused('URL', 'only http and https addresses may be called');
  if (url.username || url.password) throw new OutboundRefused('URL', 'an address may not hold a user name or password');
  // URL leaves out the default port of its scheme; the other scheme's default is fine as well.
  const port = portOf(url);
  if (port !== '80' && port !== '443' && !isAllowed(bare(url.hostname), port)) throw new OutboundRefused('URL', 'only ports 80 and 443 may be called');
  return url;
}

const portOf = ({ port, protocol }: { port: string; protocol: string }): string => port || (protocol === 'https:' ? '443' : '80');
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

function checkLiteral(url: URL, isAllowed: IsAllowed): void {
  const hostname = bare(url.hostname);
  const isInside = isIP(hostname) === 0 ? localName.test(hostname) : !isPublicAddress(hostname);
  if (isInside && !isAllowed(hostname, portOf(url))) throw notPublic();
}

/** Always this machine (RFC 6761), whatever a name server says. */
const localName = /(^|\.)localhost\.?$/i;

const notPublic = (): OutboundRefused => new OutboundRefused('ADDRESS', 'the address is not on the public internet');

type Lookup = (hostname: string, allowed: boolean) => Promise<string[]>;

/**
 * All addresses of a name. The machine's own names are for those that are allowed; all others are asked of name servers alone, and not in the few threads that
 * the whole process has for files and the system's lookup: a name server that hangs holds up nobody else.
 */
function createLookup(nameServers: readonly string[] | undefined): Lookup {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  if (nameServers) resolver.setServers(nameServers);
  return async (hostname, allowed) => {
    if (!allowed && localName.test(hostname)) throw notPublic();
    if (allowed) return (await lookup(hostname, { all: true })).map(({ address }) => address);
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    if (four.status === 'rejected' && six.status === 'rejected') throw four.reason;
    return [four, six].flatMap((found) => (found.status === 'fulfilled' ? found.value : []));
  };
}

/** Connects to an address that was checked, never to a name: between a check and a second look-up the answer may change. */
function guardedConnector(isAllowed: IsAllowed, find: Lookup): buildConnector.connector {
  const connect = buildConnector({ timeout: 5_000, allowH2: false });
  return (options, callback) => {
    const hostname = bare(options.hostname);
    const servername = isIP(hostname) === 0 ? { servername: hostname } : {};
    const tryNext = ([address = '', ...others]: readonly string[]): void => connect({ ...options, hostname: address, ...servername }, (...[error, socket]) => {
      if (error && others.length > 0) tryNext(others);
      else if (error) callback(error, null);
      else callback(null, socket);
    });
    const refuse = (error: Error): void => callback(error, null);
    checkedAddresses(hostname, isAllowed(hostname, portOf(options)), find).then(tryNext, refuse);
  };
}

/** How many of a name's addresses are tried. */
const mostTried = 3;

async function checkedAddresses(hostname: string, allowed: boolean, find: Lookup): Promise<string[]> {
  const found = isIP(hostname) === 0 ? await find(hostname, allowed) : [hostname];
  const usable = allowed ? found : found.filter(isPublicAddress);
  // A name that also points inside is someone's attempt, not a mistake of ours to route around.
  if (usable.length < found.length || usable.length === 0) throw notPublic();
  return usable.slice(0, mostTried);
}

async function follow(agent: Agent, start: URL, options: OutboundOptions & { signal: AbortSignal }, isAllowed: IsAllowed): Promise<OutboundAnswer> {
  let url = start;
  for (let left = options.redirects ?? 0; ; left -= 1) {
    const { statusCode, headers, body } = await agent.request({
      origin: url.origin, path: `${url.pathname}${url.search}`, method: options.method ?? 'GET', body: options.body ?? null, signal: options.signal,
      headers: { 'user-agent': 'Lookgraph', accept: '*/*', 'accept-encoding': 'identity', ...options.headers },
    });
    const location = [301, 302, 303, 307, 308].includes(statusCode) ? headers['location'] : undefined;
    if (typeof location !== 'string' || options.redirects === undefined || options.redirects === 0) {
      return { status: statusCode, headers, bytes: await readAtMost(body, options), url: url.href };
    }
    await body.dump({ limit: mostHeaderBytes, signal: options.signal });
    if (left === 0) throw new OutboundRefused('REDIRECT', `more than ${options.redirects} redirects`);
    url = checkedUrl(URL.parse(location, url.href)?.href ?? '', isAllowed);
  }
}

async function readAtMost(body: Dispatcher.ResponseData['body'], { maxBytes, overflow = 'refuse' }: OutboundOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes && overflow === 'refuse') throw new OutboundRefused('TOO_LARGE', `the answer is over ${maxBytes} bytes`);
    if (sizeBytes > maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}
