import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createTestDatabase, onPostgres } from '../support/database.ts';
import { startTestPlatform } from '../support/platform.ts';

test('200 as long as database and queue answer, 503 naming what does not', async (t) => {
  const { rest, platform } = await startTestPlatform({ after: (stop) => t.after(stop) });
  const ready = async () => {
    const { status, body, headers } = await rest('/readyz');
    assert.equal(headers.get('cache-control')?.includes('no-store') ?? false, true);
    return [status, body['status']];
  };
  assert.deepEqual(await ready(), [200, 'ready']);
  await platform.connection.execute('alter table jobs.queue rename to queue_elsewhere');
  assert.deepEqual(await ready(), [503, 'queue does not answer']);
  await platform.connection.execute('alter table jobs.queue_elsewhere rename to queue');
  assert.deepEqual(await ready(), [200, 'ready']);
  assert.equal((await rest('/livez')).status, 200);
});

test('503 in time for a database that takes connections and says nothing', { skip: !onPostgres && 'only PostgreSQL is behind a network' }, async (t) => {
  const drops: (() => Promise<void>)[] = [];
  const database = new URL(await createTestDatabase({ after: (drop) => drops.push(drop) }));
  const through = { isOpen: true, sockets: new Set<Socket>() };
  const proxy = createServer((socket) => {
    const onwards = connect(Number(database.port), database.hostname);
    for (const [from, to] of [[socket, onwards], [onwards, socket]] as const) {
      through.sockets.add(from);
      from.on('data', (chunk) => {
        if (through.isOpen) to.write(chunk);
      }).on('close', () => to.destroy()).on('error', () => undefined);
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  after(async () => {
    for (const socket of through.sockets) socket.destroy();
    proxy.close();
    for (const drop of drops) await drop();
  });
  const proxied = new URL(database);
  proxied.port = String((proxy.address() as AddressInfo).port);
  const { rest } = await startTestPlatform({ after: (stop) => t.after(stop) }, { variables: { DATABASE_URL: proxied.href } });
  assert.equal((await rest('/readyz')).status, 200);
  through.isOpen = false;
  const { status, body } = await rest('/readyz');
  assert.deepEqual([status, body['status']], [503, 'database does not answer']);
  assert.equal((await rest('/livez')).status, 200);
  // What was swallowed is lost; the connections are, too, and new ones work.
  through.isOpen = true;
  for (const socket of through.sockets) socket.destroy();
});
