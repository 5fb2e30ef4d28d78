import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, type Dispatcher } from 'undici';

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
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
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
  /** Throws OutboundRefused, or the reason of `signal`. */
  fetchBytes(url: string, options: OutboundOptions): Promise<OutboundAnswer>;
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

/** `allow`: `host:port` pairs that may be reached although they are private, for development and tests. */
export function createOutbound({ allow }: { allow: readonly string[] }): Outbound {
  const allowed = new Set(allow.map((entry) => entry.trim().toLowerCase()));
  const isAllowed = (hostname: string, port: string): boolean => allowed.has(`${hostname.toLowerCase()}:${port}`);
  const agent = new Agent({ connect: guardedConnector(isAllowed), keepAliveTimeout: 1000, keepAliveMaxTimeout: 5000, maxResponseSize: -1 });
  return {
    async fetchBytes(url, options) {
      const deadline = AbortSignal.timeout(options.timeoutMs);
      const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
      try {
        return await follow(agent, checkedUrl(url, isAllowed), { ...options, signal }, isAllowed);
      } catch (error) {
        if (error instanceof OutboundRefused) throw error;
        options.signal?.throwIfAborted();
        if (deadline.aborted) throw new OutboundRefused('TIMEOUT', `no complete answer within ${options.timeoutMs} ms`, error);
        throw new OutboundRefused('NETWORK', error instanceof Error ? error.message : 'the connection failed', error);
      }
    },
    close: () => agent.destroy(),
  };
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

/** Connects to an address that was checked, never to a name: between a check and a second look-up the answer may change. */
function guardedConnector(isAllowed: IsAllowed): buildConnector.connector {
  const connect = buildConnector({ timeout: 10_000, allowH2: false });
  return (options, callback) => {
    const hostname = bare(options.hostname);
    const connectTo = (address: string): void => connect({ ...options, hostname: address, ...(isIP(hostname) === 0 && { servername: hostname }) }, callback);
    const refuse = (error: Error): void => callback(error, null);
    checkedAddress(hostname, isAllowed(hostname, portOf(options))).then(connectTo, refuse);
  };
}

async function checkedAddress(hostname: string, allowed: boolean): Promise<string> {
  const found = isIP(hostname) === 0 ? (await lookup(hostname, { all: true })).map(({ address }) => address) : [hostname];
  const usable = allowed ? found : found.filter(isPublicAddress);
  // A name that also points inside is someone's attempt, not a mistake of ours to route around.
  if (usable.length < found.length || !usable[0]) throw new OutboundRefused('ADDRESS', 'the address is not on the public internet');
  return usable[0];
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
    await body.dump({ limit: 16_384 });
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
