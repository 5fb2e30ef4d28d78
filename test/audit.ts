import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { serveSupergraph } from '../gateway/supergraph-server.ts';

/**
 * Runs the public audit of federation gateways against ours: https://github.com/graphql-hive/federation-gateway-audit, whose own server has the
 * supergraphs, the subgraphs and what must be answered (`npm install && npm start serve` in a clone of it). Then, here:
 * `npm run audit -- http://localhost:4200`, and names of its suites for some of them. It judges as the audit's own runner does.
 */
type Expected = { data?: unknown; errors?: boolean };
type AuditTest = { query: string; expected: Expected };
type Answer = { data?: unknown; errors?: object[] };

const [address, ...chosen] = process.argv.slice(2);
if (address === undefined) throw new Error('Usage: npm run audit -- http://localhost:4200 [suite…]');

/** What of an answer is judged: its data, and whether there are errors where the audit says. */
const judged = ({ data, errors }: Answer | Expected, counts: boolean): unknown => ({ data: data ?? null, errors: counts && (typeof errors === 'object' ? errors.length > 0 : errors ?? false) });

const read = async (path: string): Promise<Response> => {
  const response = await fetch(new URL(path, address), { headers: { accept: '*/*' } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
};

/** How many tests of a suite there are, and what is wrong. */
async function audit(suite: string, folder: string): Promise<{ count: number; wrong: string[] }> {
  const file = join(folder, `${suite}.graphql`);
  await writeFile(file, await (await read(`/${suite}/supergraph`)).text());
  const tests = await (await read(`/${suite}/tests`)).json() as AuditTest[];
  const server = await serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: [], log: pino({ level: 'silent' }) });
  const wrong: string[] = [];
  try {
    for (const [index, { query, expected }] of tests.entries()) {
      const response = await fetch(server.url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify({ query }) });
      const answer = await response.json() as Answer;
      const counts = typeof expected.errors === 'boolean';
      if (!isDeepStrictEqual(judged(answer, counts), judged(expected, counts))) wrong.push(`${suite} ${index}: ${query.trim()}\n  expected ${JSON.stringify(expected)}\n  answered ${JSON.stringify(answer)}`);
    }
  } finally {
    await server.stop();
  }
  return { count: tests.length, wrong };
}

const folder = await mkdtemp(join(tmpdir(), 'audit-'));
let [total, failed] = [0, 0];
try {
  const suites = chosen.length > 0 ? chosen : await (await read('/ids')).json() as string[];
  for (const suite of suites) {
    const { count, wrong } = await audit(suite, folder).catch((error: unknown) => ({ count: 1, wrong: [`${suite}: ${String(error)}`] }));
    process.stdout.write(`${String(count - wrong.length).padStart(3)} of ${String(count).padStart(3)} ${suite}\n${wrong.map((one) => `${one}\n`).join('')}`);
    total += count;
    failed += wrong.length;
  }
} finally {
  await rm(folder, { recursive: true });
}
process.stdout.write(`${total - failed} of ${total} pass\n`);
process.exitCode = failed > 0 || total === 0 ? 1 : 0;
