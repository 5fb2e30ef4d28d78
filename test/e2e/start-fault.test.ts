import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** What a server that cannot start says, and its exit code. */
async function startWith(variables: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../gateway/main.ts')], { env: { ...inherited, NODE_ENV: 'development', DATABASE_URL: '', ...variables }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = await once(child, 'close') as [number | null];
  return { code, said };
}

test('what its operator can mend is said in one sentence', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'faults-'));
  const neighbour = createServer().listen(0, '127.0.0.1');
  t.after(async () => {
    neighbour.close();
    await rm(folder, { recursive: true });
  });
  await once(neighbour, 'listening');
  const { port } = neighbour.address() as { port: number };
  await writeFile(join(folder, 'file'), '');
  const faults: [Record<string, string>, string][] = [
    [{ PORT: String(port), DATA_DIR: join(folder, 'one') }, `Port ${port} is in use by another program. Stop that, or set PORT.\n`],
    [{ PORT: '0', DATA_DIR: join(folder, 'file') }, `${join(folder, 'file')} is no folder. Set DATA_DIR.\n`],
    [{ PORT: '0', DATA_DIR: join(folder, 'two'), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }, 'The database of DATABASE_URL does not answer.\n'],
  ];
  for (const [variables, said] of faults) assert.deepEqual(await startWith(variables), { code: 1, said });
});
