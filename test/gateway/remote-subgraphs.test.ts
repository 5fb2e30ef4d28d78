import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { pino } from 'pino';
import { apiSdl, subgraphNames, type SubgraphName, supergraphSdl } from '../../schema/sdl.ts';
import { createGraph } from '../../gateway/graphql.ts';
import { ownSubgraphs, remoteSubgraphs } from '../../gateway/remote-subgraphs.ts';
import { parseEnvironment } from '../../subgraphs/env.ts';
import { newAccountId, newKeyId } from '../../subgraphs/ids.ts';
import { createIdentities, identityHeader } from '../../subgraphs/identity.ts';
import { scalars } from '../../subgraphs/schema.ts';
import { timeLeftHeader } from '../../subgraphs/served/end.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import { until } from '../support/database.ts';
import { sent } from './federation.ts';

const signingSecret = 'a secret of this test, long enough';
const identities = createIdentities(signingSecret);
type Asked = { subgraph: SubgraphName; headers: IncomingHttpHeaders; query: string };
type Said = { status?: number; body: object };

/** The graph over four servers that answer as the test says. */
async function open(answer: (asked: Asked) => Promise<Said> | Said) {
  const asked: Asked[] = [];
  const logged: Record<string, unknown>[] = [];
  const entries = await Promise.all(subgraphNames.map(async (subgraph) => {
    const server = createServer((request, response) => void (async () => {
      const { query } = JSON.parse(await text(request)) as { query: string };
      const one = { subgraph, headers: request.headers, query };
      asked.push(one);
      const { status = 200, body } = await answer(one);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    })());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    after(() => {
      server.close();
      server.closeAllConnections();
    });
    return [`SUBGRAPH_${subgraph.toUpperCase()}_URL`, `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`] as const;
  }));
  const env = parseEnvironment({ DATABASE_URL: 'postgres://nowhere/x', SIGNING_SECRET: signingSecret, ...Object.fromEntries(entries) });
  assert.deepEqual(ownSubgraphs(env), []);
  const log = pino({ level: 'error' }, { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const graph = await createGraph({ supergraphSdl: supergraphSdl(), apiSdl: apiSdl(), subgraphs: remoteSubgraphs(env), scalars, log });
  after(() => graph.stop());
  let requests = 0;
  const execute = (caller: Caller | null, source: string) => graph.execute({ source, request: { caller, requestId: `request-${++requests}` } });
  return { asked, logged, execute };
}

const someone = (): Caller => ({ accountId: newAccountId(), accountKind: 'personal', keyId: newKeyId(), scopes: new Set(['generations:write']) });
const colors = { hairColors: [{ __typename: 'HairColor', id: 'c', hex: '#112233' }] };
const fits = { _entities: [{ __typename: 'HairColor', suits: { score: 0.5 } }] };
const answered = ({ subgraph }: Asked): Said => ({ body: { data: subgraph === 'hairstyle' ? colors : fits } });
const query = '{ hairColors { suits(skinShade: "#c68863") { score } } }';

test('each subgraph is told who asks, in a header that is signed for it alone', async () => {
  const { asked, execute } = await open(answered);
  const caller = someone();
  assert.deepEqual(sent(await execute(caller, query)), { data: { hairColors: [{ suits: { score: 0.5 } }] } });
  await execute(null, query);
  const read = asked.map(({ subgraph, headers }) => [subgraph, identities.read(headers[identityHeader], subgraph)]);
  assert.deepEqual(read, [caller, null].flatMap((who, index) => ['hairstyle', 'skinshade'].map((subgraph) => [subgraph, { caller: who, requestId: `request-${index + 1}` }])));
  const [first] = asked;
  assert.equal(identities.read(first?.headers[identityHeader], 'skinshade'), 'for another subgraph');
  assert.deepEqual(Object.keys(first?.headers ?? {}).filter((name) => /key|authorization|lookgraph/.test(name)), [identityHeader]);
});

test('requests of one caller that ask the same at once are one request; those of two are two', async () => {
  const released = Promise.withResolvers<void>();
  const { asked, execute } = await open(async (one) => {
    await released.promise;
    return answered(one);
  });
  const [one, two] = [someone(), someone()];
  const answers = [one, one, one, two, null, null].map((caller) => execute(caller, '{ hairColors { id } }'));
  await until(() => asked.length >= 3);
  released.resolve();
  for (const answer of await Promise.all(answers)) assert.deepEqual(sent(answer), { data: { hairColors: [{ id: 'c' }] } });
  assert.deepEqual(asked.map(({ headers }) => identities.read(headers[identityHeader], 'hairstyle')).map((read) => (typeof read === 'string' ? read : read.caller?.keyId)), [one.keyId, two.keyId, undefined]);
});

test('a change hears how long it has, a query does not', async () => {
  const { asked, execute } = await open(({ query }) => ({ body: { data: query.startsWith('mutation') ? { cancelGeneration: { errors: [] } } : colors } }));
  await execute(someone(), 'mutation { cancelGeneration(id: "gen_1") { errors { code } } }');
  await execute(someone(), '{ hairColors { id } }');
  const [change, question] = asked.map(({ headers }) => headers[timeLeftHeader]);
  assert.ok(Number(change) > 25_000 && Number(change) <= 30_000, String(change));
  assert.equal(question, undefined);
});

test('a subgraph that does not believe the gateway is a fault of ours, not of the client', async () => {
  const { execute, logged } = await open(() => ({ status: 401, body: { errors: [{ message: 'not signed with the secret of this subgraph', extensions: { code: 'UNAUTHENTICATED' } }] } }));
  const { errors } = await execute(null, '{ hairstyle(id: "1") { id } }');
  assert.deepEqual(errors?.map(({ message, extensions }) => [message, extensions['code']]), [['Internal error', 'INTERNAL']]);
  assert.match(JSON.stringify(logged), /hairstyle does not believe this gateway: .*not signed/);
});

test('a value that is wrong is refused before anybody is asked', async () => {
  const { asked, execute } = await open(answered);
  const { errors, data } = await execute(null, '{ hairColors { suits(skinShade: "red") { score } } }');
  assert.deepEqual([data, errors?.length], [undefined, 1]);
  assert.deepEqual(asked, []);
});
