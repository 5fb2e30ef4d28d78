import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/**
 * The address that a request came from. `X-Forwarded-For` is believed from its end on for as long as the address before it is that of a
 * trusted proxy (addresses or CIDR ranges): what stands before the first other address anybody may have written.
 */
export function addressOf({ socket, headers }: IncomingMessage, trustedProxies: readonly string[]): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').map((part) => part.trim()).filter(Boolean);
  let address = socket.remoteAddress ?? '0.0.0.0';
  while (isTrusted(address, trustedProxies)) {
    const before = withoutPort(forwarded.pop() ?? '');
    if (!ipaddr.isValid(before)) break;
    address = before;
  }
  return address;
}

/** Some proxies add the port. */
function withoutPort(text: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
}

function isTrusted(address: string, trustedProxies: readonly string[]): boolean {
  if (trustedProxies.length === 0) return false;
  const parsed = ipaddr.process(address);
  return trustedProxies.some((proxy) => {
    const [range, bits] = proxy.includes('/') ? ipaddr.parseCIDR(proxy) : [ipaddr.process(proxy), null] as const;
    return range.kind() === parsed.kind() && parsed.match(range, bits ?? (range.kind() === 'ipv4' ? 32 : 128));
  });
}
