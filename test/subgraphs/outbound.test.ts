import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createOutbound, isPublicAddress, OutboundRefused, type OutboundOptions, type OutboundReason } from '../../subgraphs/outbound.ts';

const servers: Server[] = [];
const closed: (() => Promise<void>)[] = [];

async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function outbound(...allow: string[]) {
  const client = createOutbound({ allow });
  closed.push(client.close);
  return client;
}

after(async () => {
  await Promise.all(closed.map((close) => close()));
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const limits: OutboundOptions = { timeoutMs: 2000, maxBytes: 1000 };

async function refusedWith(reason: OutboundReason, request: Promise<unknown>): Promise<void> {
  await assert.rejects(request, (error) => error instanceof OutboundRefused && error.reason === reason);
}

test('special ranges are not public, in any spelling', () => {
  const special = [
    '127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1', '192.0.2.1',
    '198.18.0.1', '240.0.0.1', '::', '::1', 'fe80::1', 'fc00::1', 'fd12::1', 'fec0::1', 'ff02::1', '::ffff:8.8.8.8', '::ffff:127.0.0.1', '64:ff9b::7f00:1',
    '64:ff9b:1::1', '2002:7f00:1::', '2001::1', '2001:db8::1', '100::1', 'not an address',
  ];
  assert.deepEqual(special.filter(isPublicAddress), []);
  assert.deepEqual(['8.8.8.8', '93.184.216.34', '2606:4700::1111'].filter((address) => !isPublicAddress(address)), []);
});

test('a literal private address, in decimal, hex or IPv6 clothes, is refused before a connection', async () => {
  const client = outbound();
  const urls = [
    'http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://169.254.169.254/latest/meta-data/', 'http://0/',
    'http://[64:ff9b::a9fe:a9fe]/', 'https://10.0.0.1/', 'http://127.0.0.1:443/',
  ];
  for (const url of urls) await refusedWith('ADDRESS', client.fetchBytes(url, limits));
});

test('a name that resolves to a private address is refused', async () => {
  await refusedWith('ADDRESS', outbound().fetchBytes('http://localhost/', limits));
});

test('other schemes, credentials and ports are refused', async () => {
  const client = outbound();
  for (const url of ['ftp://example.com/', 'file:///etc/passwd', 'http://user:secret@example.com/', 'http://example.com:22/', 'http://127.0.0.1:8080/', 'nonsense', '']) {
    await refusedWith('URL', client.fetchBytes(url, limits));
  }
});

test('an allowed host and port is reached, its neighbours are not', async () => {
  const port = await listen((_request, response) => response.end('hello'));
  const client = outbound(`127.0.0.1:${port}`);
  const answer = await client.fetchBytes(`http://127.0.0.1:${port}/x?y`, limits);
  assert.equal(answer.status, 200);
  assert.equal(Buffer.from(answer.bytes).toString(), 'hello');
  await refusedWith('URL', client.fetchBytes(`http://localhost:${port}/`, limits));
  await refusedWith('URL', client.fetchBytes(`http://127.0.0.1:${port + 1}/`, limits));
});

test('a redirect into a private address is refused, though the first address is allowed', async () => {
  let reached = false;
  const inner = await listen((_request, response) => {
    reached = true;
    response.end('secret');
  });
  const targets = [`http://127.0.0.1:${inner}/`, 'http://169.254.169.254/', 'http://[::1]/', 'file:///etc/passwd'];
  const outer = await listen((request, response) => response.writeHead(302, { location: targets[Number(request.url?.slice(1))] }).end());
  const client = outbound(`127.0.0.1:${outer}`);
  for (const [index] of targets.entries()) {
    await assert.rejects(client.fetchBytes(`http://127.0.0.1:${outer}/${index}`, { ...limits, redirects: 3 }), OutboundRefused);
  }
  assert.equal(reached, false);
});

test('three redirects are followed, a fourth is not, and none when none were asked for', async () => {
  const port = await listen((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end('arrived');
    else response.writeHead(307, { location: `/${left - 1}` }).end();
  });
  const client = outbound(`127.0.0.1:${port}`);
  const arrived = await client.fetchBytes(`http://127.0.0.1:${port}/3`, { ...limits, redirects: 3 });
  assert.equal(Buffer.from(arrived.bytes).toString(), 'arrived');
  await refusedWith('REDIRECT', client.fetchBytes(`http://127.0.0.1:${port}/4`, { ...limits, redirects: 3 }));
  assert.equal((await client.fetchBytes(`http://127.0.0.1:${port}/1`, limits)).status, 307);
});

test('a server that sends nothing, or a byte now and then, is given up at the deadline', async () => {
  const port = await listen((request, response) => {
    if (request.url === '/silent') return;
    response.writeHead(200);
    const drip = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(drip));
  });
  const client = outbound(`127.0.0.1:${port}`);
  for (const path of ['silent', 'drip']) {
    const started = Date.now();
    await refusedWith('TIMEOUT', client.fetchBytes(`http://127.0.0.1:${port}/${path}`, { timeoutMs: 200, maxBytes: 1000 }));
    assert.ok(Date.now() - started < 1500);
  }
});

test('an endless body is cut off at the limit', async () => {
  let sentBytes = 0;
  const port = await listen((_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) sentBytes += 65_536;
      response.once('drain', more);
    };
    more();
  });
  const client = outbound(`127.0.0.1:${port}`);
  await refusedWith('TOO_LARGE', client.fetchBytes(`http://127.0.0.1:${port}/`, { timeoutMs: 5000, maxBytes: 100_000 }));
  assert.equal((await client.fetchBytes(`http://127.0.0.1:${port}/`, { timeoutMs: 5000, maxBytes: 100_000, overflow: 'cut' })).bytes.byteLength, 100_000);
  assert.ok(sentBytes < 50_000_000);
});

test('a compressed answer is asked against and never unpacked', async () => {
  const port = await listen((request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(request.headers['accept-encoding']));
  const answer = await outbound(`127.0.0.1:${port}`).fetchBytes(`http://127.0.0.1:${port}/`, limits);
  assert.equal(Buffer.from(answer.bytes).toString(), 'identity');
});

test('a caller that gives up gets its own reason', async () => {
  const port = await listen(() => {});
  const gaveUp = new AbortController();
  const request = outbound(`127.0.0.1:${port}`).fetchBytes(`http://127.0.0.1:${port}/`, { ...limits, signal: gaveUp.signal });
  gaveUp.abort(new Error('enough'));
  await assert.rejects(request, /enough/);
});

test('a closed port is a network refusal', async () => {
  await refusedWith('NETWORK', outbound('127.0.0.1:1').fetchBytes('http://127.0.0.1:1/', limits));
});
