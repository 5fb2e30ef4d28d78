import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { GraphQLError, parse } from 'graphql';
import { WebSocketServer } from 'ws';
import type { Reachable } from '../../gateway/transport.ts';

export type Asked = { subgraph: string; headers: IncomingMessage['headers']; body: string };

export type Served = {
  /** Addresses of the subgraphs by name. */
  urls: Record<string, string>;
  /** Every request for an answer, in order. */
  asked: Asked[];
};

type Scope = { after(work: () => Promise<void>): unknown };

/** Serves subgraphs over real HTTP, subscriptions over server-sent events and graphql-transport-ws. `intercept` may answer by itself and then returns true. */
export async function serveSubgraphs(subgraphs: Readonly<Record<string, Reachable>>, { after }: Scope, intercept: (asked: Asked, response: ServerResponse) => boolean = () => false): Promise<Served> {
  const asked: Asked[] = [];
  const urls: Record<string, string> = {};
  for (const [subgraph, reachable] of Object.entries(subgraphs)) {
    const streams = createHandler({ schema: reachable.schema, validate: () => [] });
    const server = createServer((request, response) => {
      if (request.headers.accept?.includes('text/event-stream')) void streams(request, response);
      else answer(subgraph, reachable, request, response).catch(() => response.destroy());
    });
    const answer = async (name: string, { execute }: Reachable, request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const one = { subgraph: name, headers: request.headers, body: await textOf(request) };
      asked.push(one);
      if (intercept(one, response)) return;
      const { query, variables = {} } = JSON.parse(one.body) as { query: string; variables?: Record<string, unknown> };
      const result = await execute({ document: parse(query), variables, request: { caller: null, requestId: 'served' } })
        .catch((error: unknown) => ({ errors: [new GraphQLError(String(error))] }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    };
    const sockets = new WebSocketServer({ server });
    const protocol = useServer({ schema: reachable.schema }, sockets);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    urls[subgraph] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    after(async () => {
      await protocol.dispose();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    });
  }
  return { urls, asked };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
