import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildSchema, isObjectType } from 'graphql';
import { breakingChanges, compose, staleFiles } from '../../schema/compose.ts';
import { apiSdl } from '../../schema/sdl.ts';

const root = join(import.meta.dirname, '../..');

test('supergraph.graphql, api.graphql and the generated types are current', async () => {
  assert.deepEqual(await staleFiles(await compose()), []);
});

test('every type and field of the public graph says what it is, or its name and type do', () => {
  const schema = buildSchema(apiSdl());
  const bare = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && !/(Connection|Edge|Error)$/.test(type.name))
    .filter((type) => !type.description && !['Query', 'Mutation', 'Subscription', 'ApiKey', 'UploadHeader'].includes(type.name))
    .map((type) => type.name);
  assert.deepEqual(bare, []);
});

test('a removed field is found to break clients and an added one is not', async () => {
  const before = 'type Query { a: Int b: Int }';
  assert.deepEqual(await breakingChanges(before, 'type Query { a: Int }'), ["Field 'b' was removed from object type 'Query'"]);
  assert.deepEqual(await breakingChanges(before, 'type Query { a: Int b: Int c: Int }'), []);
});

test('what broke clients since the last version of api.graphql is written down', async (t) => {
  const versions = git('log', '-2', '--format=%H', '--', 'schema/api.graphql').split('\n').filter(Boolean);
  const committed = versions.length > 0 && git('show', `${versions[0]}:schema/api.graphql`) === apiSdl().trim();
  const before = committed ? versions[1] : versions[0];
  if (!before) return t.skip('api.graphql has no earlier version');
  const accepted: unknown = JSON.parse(readFileSync(join(import.meta.dirname, 'breaking-changes.json'), 'utf8'));
  assert.ok(Array.isArray(accepted));
  const changes = await breakingChanges(git('show', `${before}:schema/api.graphql`), apiSdl());
  assert.deepEqual(changes.filter((change) => !accepted.includes(change)), []);
});

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
