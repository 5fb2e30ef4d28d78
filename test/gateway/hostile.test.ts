import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import { serveSupergraph } from '../../gateway/supergraph-server.ts';
import { composed, federate } from './federation.ts';
import { hostile, query, raw, subgraphs } from './hostile-requests.ts';
import { serveSubgraphs } from './served.ts';

const { subgraphs: reachable } = await federate(subgraphs, { traced: false });
const { urls } = await serveSubgraphs(reachable, { after });
const folder = await mkdtemp(join(tmpdir(), 'hostile-'));
const file = join(folder, 'supergraph.graphql');
await writeFile(file, composed(subgraphs, (name) => urls[name] ?? '').supergraphSdl);
const server = await serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: [], log: pino({ level: 'silent' }) });
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('a hostile request gets its documented answer, and a neighbour its own', () => {
  for (const [name, { sent, status, says }] of Object.entries(hostile)) {
    test(name, async () => {
      const attack = raw(server.port, sent);
      const neighbour = await raw(server.port, query('{ node { id } }'));
      assert.match(neighbour.text, /\{"data":\{"node":\{"id":"1"\}\}\}/);
      const answer = await attack;
      assert.ok([status].flat().includes(answer.status), `${answer.status} ${answer.text.slice(0, 300)}`);
      assert.match(answer.text, says);
    });
  }

  test('a body that does not come holds up nobody', async () => {
    const slow = connect(server.port, '127.0.0.1');
    await once(slow, 'connect');
    slow.write('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
    assert.equal((await raw(server.port, query('{ node { id } }'))).status, 200);
    slow.destroy();
  });
});
