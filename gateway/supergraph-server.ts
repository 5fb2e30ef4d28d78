import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { readTrace } from '../subgraphs/traces.ts';
import { type GraphServer, serveGraph } from './graph-server.ts';
import { createGraph, type Graph } from './graphql.ts';
import { followSupergraph } from './supergraph-file.ts';
import type { RemoteOptions } from './remote.ts';
import { openTexts, type TextOptions } from './texts.ts';

export type SupergraphServerOptions = {
  file: string;
  port: number;
  host: string;
  /** Headers of a client, lower case, that go on to every subgraph. */
  forward: readonly string[];
  operations?: TextOptions & { batchLimit: number };
  remote?: Omit<RemoteOptions, 'name' | 'url' | 'headersFor'>;
  /** Identical queries that are under way share one answer, where their forwarded headers are equal too. Default: no. */
  joinQueries?: boolean;
  /** See `limitTable.cost`. Default: none, for lists of a foreign graph seldom say how long they are. */
  maxCost?: number;
  log: Logger;
};

/** Serves any supergraph over its remote subgraphs. It knows no callers: fields that need one are refused. */
export async function serveSupergraph({ file, port, host, forward, operations, remote, joinQueries = false, maxCost = Number.POSITIVE_INFINITY, log }: SupergraphServerOptions): Promise<GraphServer> {
  const contextOf = (headers: IncomingHttpHeaders): ForwardingContext => ({ caller: null, requestId: randomUUID(), trace: readTrace(headers['traceparent']), ...forward.length > 0 && { [forwarded]: chosen(headers, forward) } });
  const headersFor = (request: ForwardingContext): Record<string, string> => request[forwarded] ?? noHeaders;
  const options = {
    limits: { cost: maxCost },
    remote: { ...remote, ...forward.length > 0 && { headersFor } },
    ...joinQueries && { joinQueries: (request: ForwardingContext) => JSON.stringify(forward.map((name) => headersFor(request)[name] ?? null)) },
  };
  const followed = await followSupergraph(file, (supergraphSdl) => createGraph({ supergraphSdl, ...options, log }), log);
  const current = (): Graph => followed.current();
  const server = await serveGraph({ current, contextOf, port, host, log, ...operations && { texts: await openTexts(operations, current(), log), batchLimit: operations.batchLimit } });
  return {
    ...server,
    async stop() {
      await server.stop();
      await followed.stop();
    },
  };
}

/** A property, so that copies of a context have it too: each event of a subscription has a context of its own. */
const forwarded = Symbol('forwarded headers');
type ForwardingContext = RequestContext & { [forwarded]?: Record<string, string> };

const noHeaders: Record<string, string> = {};

function chosen(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) found[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return found;
}
