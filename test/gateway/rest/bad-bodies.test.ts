import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openRest } from '../../fuzz/rest-run.ts';
import { startTestPlatform } from '../../support/platform.ts';

/** `npm run fuzz -- rest` sends two thousand to each. */
const cases = Number(process.env['FUZZ_CASES'] ?? 30);
const seed = 11;

/** All that they need is in the address, or may be left out. */
const takesNothing = new Set(['/api/v2/organization/models/:modelId/photos/download', '/api/v2/organization/photos/:photoId/favorite']);

const platform = await startTestPlatform({ after }, { workers: 0, variables: { OPERATION_TIMEOUT: '20000' } });
const rest = await openRest(platform);

test('every endpoint that takes something says what', () => {
  assert.ok(rest.routes.length > 20);
  const silent = rest.routes.filter(({ method, path, body }) => (method === 'POST' || method === 'PUT') && body === undefined && !takesNothing.has(path));
  assert.deepEqual(silent.map(({ method, path }) => `${method} ${path}`), []);
});

describe(`${cases} bad requests (seed ${seed}) are answered as the family documents, and never with a fault`, () => {
  for (const route of rest.routes) test(`${route.method} ${route.path}`, async () => rest.try(route, { cases, seed }));
});

test('after all that, the server is well', async () => {
  assert.equal((await platform.rest('/readyz')).status, 200);
});
