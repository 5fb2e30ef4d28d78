import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createOutbound, OutboundRefused, type OutboundOptions, type OutboundReason } from '../../subgraphs/outbound.ts';
import { openNameServer } from '../support/name-server.ts';
import { openReceiver } from '../support/receiver.ts';

/** Public by its range, given to nobody: nothing ever answers there. */
const nowhere = '2fff:ffff::1';
const inside = [
  '127.0.0.1', '127.8.8.8', '10.0.0.1', '172.16.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1', '240.0.0.1', '255.255.255.255', '192.0.0.8', '192.88.99.1', '198.18.0.1',
  '::1', '::', 'fe80::1', 'fc00::1', 'fec0::1', 'ff02::1', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2001::1', '2001:db8::1', '3fff::1', '5f00::1', 'fd00:ec2::254',
];
const files = { after: (work: () => Promise<void> | void) => after(work) };
const names = await openNameServer(files, {
  ...Object.fromEntries(inside.map((address, index) => [`inside${index}.test`, () => [address]])),
  'both.test': () => [nowhere, '10.0.0.1'],
  'rebinding.test': (question) => [question === 1 ? nowhere : '127.0.0.1'],
  'silent.test': () => null,
  'nothing.test': () => [],
});
const receiver = await openReceiver(files);
const client = createOutbound({ allow: [receiver.host], nameServers: [names.address] });
after(() => client.close());

const limits: OutboundOptions = { timeoutMs: 2000, maxBytes: 1000 };
async function refusal(request: Promise<unknown>): Promise<{ reason: OutboundReason; message: string }> {
  const error: unknown = await request.then(() => assert.fail('it was answered'), (reason: unknown) => reason);
  assert.ok(error instanceof OutboundRefused, String(error));
  return { reason: error.reason, message: error.message };
}

test('a name that leads to any special range is refused, and one that leads there among others', async () => {
  for (const [index, address] of inside.entries()) assert.equal((await refusal(client.fetchBytes(`http://inside${index}.test/`, limits))).reason, 'ADDRESS', address);
  assert.equal((await refusal(client.fetchBytes('https://both.test/', limits))).reason, 'ADDRESS');
  assert.equal((await refusal(client.fetchBytes('http://INSIDE0.test./', limits))).reason, 'ADDRESS');
});

test('a name that changes after it was checked leads to the address that was checked: it is asked once for a connection, and checked at the next', async () => {
  const first = await refusal(client.fetchBytes('http://rebinding.test/', { ...limits, timeoutMs: 700 }));
  assert.ok(first.reason === 'NETWORK' || first.reason === 'TIMEOUT', first.reason);
  assert.equal(names.asked('rebinding.test'), 1);
  assert.equal((await refusal(client.fetchBytes('http://rebinding.test/', limits))).reason, 'ADDRESS');
  assert.equal(names.asked('rebinding.test'), 2);
});

test('every spelling of an address inside is refused, in a redirect as well', async () => {
  const spellings = [
    'http://2130706433/', 'http://0x7f000001/', 'http://0x7f.0.0.1/', 'http://0177.0.0.1/', 'http://017700000001/', 'http://127.1/', 'http://127.0.1/', 'http://0/', 'http://①②⑦.⓪.⓪.①/', 'http://127。0。0。1/',
    'http://%31%32%37.0.0.1/', 'http://127.0.0.1./', 'http://[::ffff:7f00:1]/', 'http://[0:0:0:0:0:ffff:127.0.0.1]/', 'http://[::1]/', 'http://[64:ff9b::a9fe:a9fe]/', 'http://[2002:a9fe:a9fe::]/', 'http://3232235521/', 'http://0xa9fea9fe/',
    'http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://localhost/', 'http://localhost:443/',
  ];
  for (const url of spellings) {
    const { reason } = await refusal(client.fetchBytes(url, limits));
    assert.equal(reason, 'ADDRESS', url);
    assert.throws(() => client.check(url), OutboundRefused, url);
  }
  for (const url of [...spellings, 'http://inside0.test/', 'http://user:secret@example.com/', 'ftp://example.com/', 'http://example.com:6379/', 'file:///etc/passwd', 'gopher://example.com/', 'data:text/plain,x', 'javascript:1']) {
    receiver.redirects('/to', url);
    const { reason } = await refusal(client.fetchBytes(receiver.url('/to'), { ...limits, redirects: 3 }));
    assert.ok(['ADDRESS', 'URL'].includes(reason), `${url}: ${reason}`);
  }
});

test('a name server that is silent holds up nobody else, and a name that is not there is a refusal in our words', async () => {
  const order: string[] = [];
  const silent = Array.from({ length: 16 }, (_, index) => refusal(client.fetchBytes(`http://silent.test/${index}`, { ...limits, timeoutMs: 1500 })).then(({ reason }) => order.push(reason)));
  const answered = await client.fetchBytes(receiver.url('/ok'), limits);
  order.push(String(answered.status));
  await Promise.all(silent);
  assert.deepEqual(order, ['204', ...silent.map(() => 'TIMEOUT')]);
  assert.deepEqual(await refusal(client.fetchBytes('http://nobody.test/', limits)), { reason: 'NETWORK', message: 'the name was not found' });
  assert.deepEqual(await refusal(client.fetchBytes('http://nothing.test/', limits)), { reason: 'NETWORK', message: 'the name was not found' });
});

test('nothing of what a server says gets into the words of a refusal', async () => {
  const secret = 'do-not-repeat-me';
  const answers = [`HTTP/9.9 ${secret}\r\n\r\n`, `HTTP/1.1 200 OK\r\n${secret}\r\n\r\n`, `HTTP/1.1 200 OK\r\nContent-Length: ${secret}\r\n\r\n`, `HTTP/1.1 200 OK\r\nx: ${secret.repeat(3000)}\r\n\r\n`, secret, `HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n${secret}`];
  let next = '';
  const server = createTcpServer((socket) => void socket.on('error', () => {}).end(next)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = createOutbound({ allow: [host] });
  try {
    for (const answer of answers) {
      next = answer;
      const { reason, message } = await refusal(open.fetchBytes(`http://${host}/`, limits));
      assert.equal(reason, 'NETWORK', answer.slice(0, 60));
      assert.doesNotMatch(message, /repeat/);
      assert.match(message, /^(the answer is not valid HTTP|the headers of the answer are over 16384 bytes|the connection was cut|the connection failed)$/);
    }
  } finally {
    await open.close();
    server.close();
  }
});
