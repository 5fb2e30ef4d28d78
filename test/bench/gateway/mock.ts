import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parse } from 'graphql';
import type { AddressInfo } from 'node:net';
import { localShop } from './shop.ts';

/** All subgraphs of the shop in one process, at `/name`. A request's answer is computed once and then sent as bytes: what is measured is not here. */
const { subgraphs } = await localShop();
const known = new Map<string, Buffer>();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request);
  const key = `${request.url} ${body}`;
  let bytes = known.get(key);
  if (!bytes) known.set(key, bytes = await answer((request.url ?? '').slice(1), body));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
}

const server = createServer((request, response) => void serve(request, response));

async function answer(name: string, body: string): Promise<Buffer> {
  const { query, variables = {} } = JSON.parse(body) as { query: string; variables?: Record<string, unknown> };
  const result = await subgraphs[name]?.execute({ document: parse(query), variables, request: { caller: null, requestId: '' } });
  return Buffer.from(JSON.stringify(result));
}

function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).once('end', () => resolve(text));
  });
}

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
