import assert from 'node:assert/strict';
import autocannon from 'autocannon';
import { GetGeneration, ListColors } from '../../schema/types/operations.ts';
import { portrait } from '../support/photos.ts';
import { startServer } from '../support/server.ts';
import { usageOf } from './gateway/contestants.ts';

const connections = 8;
const warmUpSeconds = 3;
const roundSeconds = 1;
const rounds = 6;

type Target = { path: string; body?: string };
type Workload = { name: string; rest: Target; graph: Target };
const graph = ({ source }: { source: string }, variables: object = {}): Target => ({ path: '/graphql', body: JSON.stringify({ query: source, variables }) });

/** What a REST route costs beside the GraphQL operation that it stands for: requests per CPU second of the server's process over real sockets. */
export async function run(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  try {
    const server = await startServer({ after: (end) => ends.push(end) }, { variables: { COST_PER_MINUTE: '1000000000000', REQUESTS_PER_MINUTE: '1000000000' } });
    const { personalKey: key } = await server.demo();
    await server.upload(key, await portrait());
    const id = await server.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
    await server.ended(key, id);
    const workloads: Workload[] = [
      { name: 'colors', rest: { path: '/api/v1/colors' }, graph: graph(ListColors) },
      { name: 'styles', rest: { path: '/api/v1/styles' }, graph: graph({ source: '{ hairstyles(first: 100) { nodes { id description sex tags } } }' }) },
      { name: 'a generation', rest: { path: `/api/v1/generation/${id}` }, graph: graph(GetGeneration, { id: id.replace('job_', 'gen_') }) },
    ];
    const headers = { 'x-api-key': key, 'content-type': 'application/json' };
    const measure = async ({ path, body }: Target, duration: number): Promise<number> => {
      const child = server.process();
      assert.ok(child);
      const before = usageOf(child).cpuSeconds;
      const { requests, non2xx, errors } = await autocannon({ url: `${server.url}${path}`, method: body === undefined ? 'GET' : 'POST', ...body !== undefined && { body }, headers, connections, duration });
      assert.equal(non2xx + errors, 0, path);
      return requests.total / (usageOf(child).cpuSeconds - before);
    };
    process.stdout.write('requests per CPU second         REST       GraphQL   REST costs\n');
    for (const { name, ...ways } of workloads) {
      const best = { rest: 0, graph: 0 };
      for (const way of ['rest', 'graph'] as const) await measure(ways[way], warmUpSeconds);
      for (let round = 0; round < rounds; round++) for (const way of ['rest', 'graph'] as const) best[way] = Math.max(best[way], await measure(ways[way], roundSeconds));
      process.stdout.write(`${name.padEnd(24)} ${best.rest.toFixed(0).padStart(11)} ${best.graph.toFixed(0).padStart(13)} ${(best.graph / best.rest).toFixed(2).padStart(11)}x\n`);
    }
  } finally {
    for (const end of ends) await end();
  }
}

if (import.meta.main) await run();
