import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { overHttp } from '../../gateway/remote.ts';
import { callerWith, federate, graphOver, requestOf, sent, type TestSubgraph } from './federation.ts';
import { serveSubgraphs } from './served.ts';

/** A small federation and what its operations must answer. */
export type Case = {
  why: string;
  subgraphs: Record<string, TestSubgraph>;
  operations: {
    promise: string;
    source: string;
    variables?: Record<string, unknown>;
    /** Scopes of the caller. Without them nobody is known. */
    scopes?: string[];
    answer: unknown;
    /** The subgraphs that are asked, in any order. */
    asks?: string[];
    /** How many representations each entity fetch carries, in any order. */
    representations?: number[];
  }[];
};

for (const file of globSync('cases/*/case.ts', { cwd: import.meta.dirname }).sort()) {
  const { default: { why, subgraphs, operations } } = await import(join(import.meta.dirname, file)) as { default: Case };
  describe(`${file.split('/')[1]}: ${why}`, async () => {
    const { graph, fetches, subgraphs: reachable, sdls } = await federate(subgraphs);
    const { urls } = await serveSubgraphs(reachable, { after });
    const remote = await graphOver(sdls, Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, overHttp({ name, url })])));
    after(() => remote.stop());
    for (const { promise, source, variables, scopes, answer, asks, representations } of operations) {
      test(promise, async () => {
        fetches.length = 0;
        const request = requestOf(scopes ? callerWith(...scopes) : null);
        const result = sent(await graph.execute({ source, variables, request })) as { data?: unknown };
        assert.deepEqual(result, answer);
        if (asks) assert.deepEqual(fetches.map(({ subgraph }) => subgraph).sort(), asks.toSorted());
        if (representations) {
          const sizes = fetches.flatMap((fetch) => Object.values(fetch.variables).filter(Array.isArray).map((list) => list.length));
          assert.deepEqual(sizes.toSorted((a, b) => a - b), representations.toSorted((a, b) => a - b));
        }
        const overWire = await remote.execute({ source, variables, request });
        assert.deepEqual(sent(overWire), answer, 'over HTTP');
        const bytes = await remote.answer({ source, variables, request });
        assert.equal(bytes && String(bytes), result.data === undefined ? null : `${JSON.stringify(overWire)}\n`, 'as bytes');
      });
    }
  });
}
