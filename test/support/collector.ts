import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

type Scope = { after(work: () => Promise<void>): void };
type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string } };
/** A span as OTLP has it in JSON. Kinds: 1 internal, 2 server, 3 client, 5 consumer. */
export type ReceivedSpan = { traceId: string; spanId: string; parentSpanId?: string; name: string; kind: number; attributes: Attribute[]; status: { code?: number } };
type Export = { resourceSpans: { scopeSpans: { spans: ReceivedSpan[] }[] }[] };

/** A collector of spans on loopback, by OTLP over HTTP. */
export async function startCollector(scope: Scope): Promise<{ endpoint: string; spans(): readonly ReceivedSpan[] }> {
  const received: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const sent = await json(request) as Export;
      if (request.method !== 'POST' || request.url !== '/v1/traces') return response.writeHead(404).end();
      received.push(...sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
      return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans: () => received };
}
