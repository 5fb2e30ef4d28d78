import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { addressOf } from '../../gateway/address.ts';

const asked = (remoteAddress: string, forwarded?: string): IncomingMessage => ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

test('without trusted proxies the connection says who asks', () => {
  assert.equal(addressOf(asked('198.51.100.1', '203.0.113.1'), []), '198.51.100.1');
  assert.equal(addressOf(asked('::1'), []), '::1');
});

test('of a trusted proxy the last address is believed, and those before it as long as they are trusted themselves', () => {
  const proxies = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'];
  const cases: [string, string | undefined, string][] = [
    ['10.1.2.3', '203.0.113.1', '203.0.113.1'], ['10.1.2.3', '203.0.113.1, 198.51.100.9', '198.51.100.9'], ['10.1.2.3', '203.0.113.1, 10.9.9.9, 192.0.2.7', '203.0.113.1'],
    ['::ffff:10.1.2.3', '203.0.113.1', '203.0.113.1'], ['2001:db8::5', '2001:db9::1', '2001:db9::1'], ['10.1.2.3', undefined, '10.1.2.3'], ['10.1.2.3', 'unknown', '10.1.2.3'],
    ['10.1.2.3', '203.0.113.1:5555', '203.0.113.1'], ['10.1.2.3', '[2001:db9::1]:80', '2001:db9::1'], ['198.51.100.1', '203.0.113.1', '198.51.100.1'], ['10.1.2.3', '203.0.113.1, ,', '203.0.113.1'],
  ];
  for (const [remote, forwarded, expected] of cases) assert.equal(addressOf(asked(remote, forwarded), proxies), expected, `${remote} ${forwarded}`);
});
