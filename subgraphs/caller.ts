import type { IncomingHttpHeaders } from 'node:http';
import type { Keys } from './keys.ts';
import type { Caller } from './subgraph.ts';

/** Who a request or a connection comes from: `invalid` is a key that nobody has, or no longer. */
export type Identity = { kind: 'anonymous' } | { kind: 'invalid' } | { kind: 'caller'; caller: Caller };

/** What is said to whoever brings an invalid one to a graph, over HTTP or a socket. */
export const invalidKeyMessage = 'Invalid API key';

/** Headers that carry a key. Every key works in each of them; the documented APIs differ only in which one they name. */
const keyHeaders = ['x-api-key', 'x-partner-api-key'] as const;

/** The key that was sent, or null. */
export function credentialOf(headers: Readonly<Record<string, unknown>>): string | null {
  for (const name of keyHeaders) {
    const value = headers[name];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  const authorization = headers['authorization'];
  const bearer = typeof authorization === 'string' ? /^bearer\s+(\S+)\s*$/i.exec(authorization) : null;
  return bearer?.[1] ?? null;
}

/** Asks for the account of the key in these headers. */
export async function identify(keys: Pick<Keys, 'findCaller'>, headers: IncomingHttpHeaders | Readonly<Record<string, unknown>>): Promise<Identity> {
  const secret = credentialOf(headers);
  if (secret === null) return { kind: 'anonymous' };
  const caller = await keys.findCaller(secret);
  return caller ? { kind: 'caller', caller } : { kind: 'invalid' };
}

/** The key in a WebSocket's `connection_init` payload: named as the headers are, in any case, or `apiKey`. */
export async function identifyConnection(keys: Pick<Keys, 'findCaller'>, params: Readonly<Record<string, unknown>> | undefined, headers: IncomingHttpHeaders): Promise<Identity> {
  const given = Object.fromEntries(Object.entries(params ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const named = { ...given, 'x-api-key': given['x-api-key'] ?? given['apikey'] };
  return identify(keys, credentialOf(named) === null ? headers : named);
}
