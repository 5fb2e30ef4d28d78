import { once } from 'node:events';
import { connect } from 'node:net';

/** A request of an attacker, as it goes over the wire, and what is answered; 0 where the server hangs up on something that is still being sent. */
export type Hostile = { sent: string; status: number | readonly number[]; says: RegExp };

/** What the hostile requests are about. */
export const subgraphs = {
  shop: {
    sdl: `type Query { node: Node holders: [Holder!]! } type Mutation { change: Int } type Node @key(fields: "id") { id: ID! next: Node }
      union Holder = A | B type A { nodes: [Node!]! } type B { nodes: [Node!]! }`,
    resolvers: {
      Query: { node: () => ({ id: '1' }), holders: () => [{ __typename: 'A', nodes: [{ id: '1' }] }, { __typename: 'B', nodes: [{ id: '1' }] }] },
      Mutation: { change: () => 1 }, Node: { next: ({ id }: { id: string }) => ({ id: `${id}1` }) },
    },
  },
  names: { sdl: 'type Node @key(fields: "id") { id: ID! name(size: Int): String }', resolvers: { Node: { __resolveReference: ({ id }: { id: string }) => ({ id }), name: (_: unknown, { size }: { size?: number }) => 'x'.repeat(size ?? 1) } } },
};

const post = (body: string, headers = 'content-type: application/json\r\n') => `POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
export const query = (text: string, more: object = {}) => post(JSON.stringify({ query: text, ...more }));
const repeat = (count: number, make: (index: number) => string, between = ' '): string => Array.from({ length: count }, (_, index) => make(index)).join(between);

export const hostile: Record<string, Hostile> = {
  'cyclic fragments': { sent: query('{ node { ...A } } fragment A on Node { ...B } fragment B on Node { ...A }'), status: 400, says: /GRAPHQL_VALIDATION_FAILED/ },
  'a chain of 10,000 fragments': { sent: query(`{ node { ...F0 } } ${repeat(10_000, (index) => `fragment F${index} on Node{...F${index + 1}}`)} fragment F10000 on Node { id }`), status: 400, says: /OPERATION_TOO_COMPLEX/ },
  '20 doubling fragments': { sent: query(`{ node { ...F0 } } ${repeat(20, (index) => `fragment F${index} on Node { a: next { ...F${index + 1} } b: next { ...F${index + 1} } }`)} fragment F20 on Node { id }`), status: 400, says: /OPERATION_TOO_COMPLEX/ },
  '2,000 aliases': { sent: query(`{ node { ${repeat(2_000, (index) => `a${index}: id`)} } }`), status: 400, says: /OPERATION_TOO_COMPLEX/ },
  '20,000 nested brackets': { sent: query(`{ node ${'{ next '.repeat(20_000)}`), status: 400, says: /OPERATION_TOO_COMPLEX/ },
  'one key with two meanings under a union': { sent: query('{ holders { ... on A { nodes { n: name } } ... on B { nodes { n: name(size: 2) } } } }'), status: 200, says: /"n":"x"[^]*"n":"xx"/ },
  'a batch': { sent: post(JSON.stringify(Array.from({ length: 500 }, () => ({ query: '{ node { id } }' })))), status: 400, says: /BAD_REQUEST/ },
  'JSON nested 100,000 deep': { sent: post(`{"query":"{ node { id } }","variables":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`), status: 400, says: /nested too deep/ },
  'a body of 2 MB': { sent: query(`{ node { id } } #${'x'.repeat(2_000_000)}`), status: [413, 0], says: /over 1048576 bytes|^$/ },
  'a length that is not kept': { sent: 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{"a":1}', status: 400, says: /400/ },
  'two ways to find the end': { sent: 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', status: 400, says: /400/ },
  'a mutation by GET': { sent: 'GET /graphql?query=mutation%7Bchange%7D HTTP/1.1\r\nhost: x\r\nconnection: close\r\napollo-require-preflight: 1\r\n\r\n', status: 405, says: /GET requests only support query operations/ },
  'a GET as a page of another site may send': { sent: 'GET /graphql?query=%7Bnode%7Bid%7D%7D HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', status: 400, says: /Cross-Site Request Forgery/ },
  'a form as a page of another site may send': { sent: post('query=%7Bnode%7Bid%7D%7D', 'content-type: application/x-www-form-urlencoded\r\n'), status: [400, 415], says: /BAD_REQUEST/ },
  'a head of 64 KB': { sent: `GET /graphql HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(65_536)}\r\n\r\n`, status: [431, 0], says: /431|^$/ },
  'bytes that are no text': { sent: post('{"query":"{ node { id } }","operationName":"\u0000\u0001"}'), status: 400, says: /errors/ },
};

/** The status and body of what is sent as it is; 0 where the server hung up on something that was still being sent. */
export async function raw(port: number, text: string | Buffer): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  await once(socket, 'connect');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text);
  await closed;
  const answer = String(Buffer.concat(chunks));
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0), text: answer };
}
