import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseEnvironment } from '../../subgraphs/env.ts';
import { startTestPlatform } from '../support/platform.ts';

const folder = await mkdtemp(join(tmpdir(), 'trusted-'));
after(() => rm(folder, { recursive: true }));
await writeFile(join(folder, 'ids.json'), JSON.stringify({ styles: 'query Styles { hairstyles(first: 100) { nodes { id description } } }', me: 'query Me { viewer { scopes } }' }));
const platform = await startTestPlatform({ after }, { workers: 0, variables: { TRUSTED_DOCUMENTS: folder, TRUSTED_ONLY: 'true', BATCH_LIMIT: '2' } });

test('only trusted documents are executed, one by one or in batches; REST goes on', async () => {
  const { key } = await platform.tenant();
  const text = await platform.rest<{ errors: { extensions: { code: string } }[] }>('/graphql', { key, json: { query: '{ viewer { scopes } }' } });
  assert.deepEqual([text.status, text.body.errors[0]?.extensions.code], [400, 'UNTRUSTED_DOCUMENT']);
  const batch = await platform.rest<unknown>('/graphql', { key, json: [{ documentId: 'me' }, { query: '{ viewer { scopes } }' }] });
  assert.match(batch.text, /^\[\{"data":\{"viewer":\{"scopes":\[.*\]\}\}\},\{"errors":\[.*UNTRUSTED_DOCUMENT.*\]\}\]\n$/);
  assert.equal((await platform.rest('/graphql', { key, json: Array.from({ length: 3 }, () => ({ documentId: 'me' })) })).status, 400);
  assert.equal((await platform.rest('/api/v1/styles', { key })).status, 200);
});

test('long answers are compressed, and caches are told what they depend on', async () => {
  const { headers } = await platform.send('/graphql', { json: { documentId: 'styles' }, headers: { 'accept-encoding': 'br' } });
  assert.deepEqual([headers.get('content-encoding'), headers.get('vary')?.includes('Accept-Encoding')], ['br', true]);
});

test('a browser of another site may reserve a stream and end an operation', async () => {
  for (const method of ['PUT', 'DELETE']) {
    const answer = await platform.send('/graphql', { method: 'OPTIONS', headers: { origin: 'https://shop.example', 'access-control-request-method': method, 'access-control-request-headers': 'x-graphql-event-stream-token' } });
    assert.deepEqual([answer.headers.get('access-control-allow-methods')?.includes(method), answer.headers.get('access-control-allow-headers')], [true, 'x-graphql-event-stream-token'], method);
  }
});

test('a wrong switch stops the start', () => {
  assert.throws(() => parseEnvironment({ TRUSTED_ONLY: 'true' }), /TRUSTED_ONLY needs TRUSTED_DOCUMENTS/);
  assert.throws(() => parseEnvironment({ TRUSTED_ONLY: 'yes', BATCH_LIMIT: '1000' }), /TRUSTED_ONLY must be true or false[^]*BATCH_LIMIT must be at most 100/);
});
