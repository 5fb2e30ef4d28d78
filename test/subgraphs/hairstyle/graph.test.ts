import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { parse } from 'graphql';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { generate, type Generated, openSalon, painter, progress, type ProgressEvent, styleIds, wholeFile } from './salon.ts';

const engine = painter();
const salon = await openSalon(wholeFile, { vision: engine });
beforeEach(() => engine.does(() => {}));

const feed = 'subscription ($after: String) { generationFeed(after: $after) { cursor event { seq kind terminal generation { id } } } }';
type FeedEvent = { cursor: string; event: { seq: number; kind: string; terminal: boolean; generation: { id: string } } };

async function ordered(me: Caller, input: Record<string, unknown> = {}): Promise<string> {
  const imageId = await salon.photo(me.accountId);
  const { generation, errors } = await salon.get<Generated>(me, generate, { input: { gender: 'UNISEX', styleIds: styleIds.slice(0, 2), imageId, ...input } });
  assert.deepEqual(errors, []);
  return generation?.id ?? assert.fail();
}

async function finished(me: Caller, input: Record<string, unknown> = {}): Promise<string> {
  const id = await ordered(me, input);
  assert.equal((await salon.ended(me.accountId, id)).status, 'COMPLETED');
  return id;
}

async function refusedStream(caller: Caller | null, source: string, variables: Record<string, unknown>): Promise<unknown> {
  const answer = await salon.hairstyle.subscribe({ document: parse(source), variables, request: { caller, requestId: 'test' } });
  assert.ok(!(Symbol.asyncIterator in answer), 'it was not refused');
  return answer.errors?.[0]?.extensions['code'];
}

test('without afterSeq a stream begins with the present and goes on from there', async () => {
  const door = Promise.withResolvers<void>();
  engine.does(async (picture) => (picture === 2 ? door.promise : undefined));
  const me = await salon.account();
  const id = await ordered(me);
  await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 }, 2);
  const stream = await salon.hairstyle.subscribe({ document: parse(progress), variables: { id }, request: { caller: me, requestId: 'test' } });
  assert.ok(Symbol.asyncIterator in stream);
  const next = async (): Promise<ProgressEvent> => (await stream.next()).value.data.generationProgress;
  const first = await next();
  assert.deepEqual([first.kind, first.seq, first.progress.seq, first.progress.status], ['SNAPSHOT', first.progress.seq, first.seq, 'PROCESSING']);
  door.resolve();
  let last = first;
  while (!last.terminal) {
    const event = await next();
    assert.equal(event.seq, last.seq + 1);
    last = event;
  }
  assert.equal(last.kind, 'COMPLETED');
  assert.equal((await stream.next()).done, true);
});

test('a finished generation answers with its present alone, and with nothing behind its last event', async () => {
  const me = await salon.account();
  const id = await finished(me);
  const [only, ...others] = await salon.listen<ProgressEvent>(me, progress, { id });
  assert.deepEqual([only?.kind, only?.terminal, only?.progress.percent, others], ['SNAPSHOT', true, 100, []]);
  assert.deepEqual(await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: only?.seq }), []);
  const all = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  const tail = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 2 });
  assert.deepEqual(tail.map(({ seq, kind }) => [seq, kind]), all.slice(2).map(({ seq, kind }) => [seq, kind]));
});

test('the feed tells of all generations of an account, resumes behind a cursor and never of another account', async () => {
  const [me, stranger] = [await salon.account(), await salon.account()];
  const first = await finished(me);
  const before = await salon.listen<FeedEvent>(me, feed, { after: Buffer.from('c1:0').toString('base64url') }, 4);
  assert.deepEqual(before.map(({ event }) => [event.seq, event.generation.id]), [1, 2, 3, 4].map((seq) => [seq, first]));
  const stream = await salon.hairstyle.subscribe({ document: parse(feed), variables: {}, request: { caller: me, requestId: 'test' } });
  assert.ok(Symbol.asyncIterator in stream);
  const waiting = stream.next();
  await finished(stranger);
  const ids = await Promise.all([ordered(me), ordered(me)]);
  const seen: FeedEvent[] = [(await waiting).value.data.generationFeed];
  while (seen.filter(({ event }) => event.terminal).length < 2) seen.push((await stream.next()).value.data.generationFeed);
  await stream.return?.();
  for (const id of ids) assert.deepEqual(seen.filter(({ event }) => event.generation.id === id).map(({ event }) => event.seq), seen.filter(({ event }) => event.generation.id === id).map((_, index) => index + 1));
  assert.ok(seen.every(({ event }) => ids.includes(event.generation.id)));
  const [resumed] = await salon.listen<FeedEvent>(me, feed, { after: seen[2]?.cursor }, 1);
  assert.deepEqual({ ...resumed }, JSON.parse(JSON.stringify(seen[3])));
  assert.equal(await refusedStream(me, feed, { after: 'nonsense' }), 'VALIDATION');
});

test('another account gets nothing of a generation, anywhere', async () => {
  const [me, foreign] = [await salon.account(), await salon.account()];
  const id = await finished(me);
  const row = await salon.ended(me.accountId, id);
  const [picture] = await salon.store.listPictures(me.accountId, [row.id]);
  const references = [['HairstyleGeneration', id], ['GenerationImage', picture?.id], ['SourceImage', row.sourceId], ['Account', me.accountId]].map(([__typename, key]) => ({ __typename, id: key }));
  const entities = 'query ($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Account { id } } }';
  for (const caller of [foreign, null]) {
    assert.deepEqual(await salon.get<unknown[]>(caller, entities, { of: references }), [null, null, null, null]);
    assert.equal(await salon.get(caller, 'query ($id: ID!) { hairstyleGeneration(id: $id) { id } }', { id }), null);
    assert.equal(await salon.get(caller, 'query ($id: ID!) { sourceImage(id: $id) { id } }', { id: row.sourceId }), null);
  }
  assert.equal(await refusedStream(foreign, progress, { id }), 'NOT_FOUND');
  assert.equal(await refusedStream(foreign, progress, { id, afterSeq: 0 }), 'NOT_FOUND');
  assert.equal(await refusedStream(me, progress, { id: 'gen_01ARZ3NDEKTSV4RRFFQ69G5FAV' }), 'NOT_FOUND');
  assert.equal(await refusedStream(null, progress, { id }), 'UNAUTHENTICATED');
  const canceled = await salon.get<{ errors: { code: string }[] }>(foreign, 'mutation ($id: ID!) { cancelGeneration(id: $id) { errors { code } } }', { id });
  assert.deepEqual(canceled.errors, [{ code: 'NOT_FOUND' }]);
  assert.equal((await salon.get<unknown[]>(me, entities, { of: references })).filter(Boolean).length, 4);
});

test('references are answered in their order, doubles and both prefixes too', async () => {
  const me = await salon.account();
  const ids = await Promise.all(Array.from({ length: 5 }, () => finished(me, { styleIds: styleIds.slice(0, 1) })));
  const of = ids.flatMap((id) => [{ __typename: 'HairstyleGeneration', id }, { __typename: 'HairstyleGeneration', id: id.replace('gen_', 'job_') }]);
  const answers = await salon.get<{ id: string; images: { generation: { id: string } }[] }[]>(me, `query ($of: [_Any!]!) { _entities(representations: $of) {
    ... on HairstyleGeneration { id images { generation { id } } } } }`, { of });
  assert.deepEqual(answers.map(({ id }) => id), ids.flatMap((id) => [id, id]));
  assert.ok(answers.every(({ id, images }) => images.length === 1 && images[0]?.generation.id === id));
});

test('an account lists its generations and images, newest first, by status and page', async () => {
  const me = await salon.account();
  const ids = [];
  for (let index = 0; index < 3; index += 1) ids.push(await finished(me, { styleIds: styleIds.slice(0, 1) }));
  const list = `query ($of: [_Any!]!, $after: String, $status: JobStatus) { _entities(representations: $of) { ... on Account {
    generations(first: 2, after: $after, status: $status) { totalCount nodes { id } pageInfo { hasNextPage endCursor } }
    images(first: 1) { totalCount edges { cursor node { name width issues createdAt } } } } } }`;
  type Listed = { generations: { totalCount: number; nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } }; images: { totalCount: number; edges: { node: { name: string } }[] } };
  const of = [{ __typename: 'Account', id: me.accountId }];
  const [first] = await salon.get<Listed[]>(me, list, { of });
  assert.deepEqual([first?.generations.totalCount, first?.generations.nodes.map(({ id }) => id), first?.generations.pageInfo.hasNextPage], [3, [ids[2], ids[1]], true]);
  assert.deepEqual([first?.images.totalCount, first?.images.edges[0]?.node.name], [3, 'me.jpg']);
  const [second] = await salon.get<Listed[]>(me, list, { of, after: first?.generations.pageInfo.endCursor });
  assert.deepEqual([second?.generations.nodes.map(({ id }) => id), second?.generations.pageInfo.hasNextPage], [[ids[0]], false]);
  const [failed] = await salon.get<Listed[]>(me, list, { of, status: 'FAILED' });
  assert.deepEqual([failed?.generations.totalCount, failed?.generations.nodes], [0, []]);
});

test('a generation is made for a client of its own business only', async () => {
  const [business, other] = [await salon.account(10, 'enterprise'), await salon.account(10, 'enterprise')];
  const made = await salon.enterprise.execute({
    document: parse('mutation { createClient(input: { email: "ada@example.com" }) { client { id } errors { code } } }'), variables: {}, request: { caller: business, requestId: 'test' },
  });
  const client = (JSON.parse(JSON.stringify(made.data)) as { createClient: { client: { id: string } } }).createClient.client;
  const id = await ordered(business, { clientId: client.id });
  const list = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Client { generations { nodes { id client { id } } } } } }';
  const of = [{ __typename: 'Client', id: client.id }];
  assert.deepEqual(await salon.get(business, list, { of }), [{ generations: { nodes: [{ id, client }] } }]);
  assert.deepEqual(await salon.get(other, list, { of }), [{ generations: { nodes: [] } }]);
  const refused = await salon.get<Generated>(other, generate, { input: { gender: 'UNISEX', styleIds: styleIds.slice(0, 1), imageId: await salon.photo(other.accountId), clientId: client.id } });
  assert.deepEqual(refused.errors.map(({ code, path }) => [code, path]), [['NOT_FOUND', ['input', 'clientId']]]);
  await salon.ended(business.accountId, id);
});

test('the catalogue is open to everybody', async () => {
  const styles = await salon.get<{ totalCount: number; nodes: { id: string; preview: string }[] }>(null, '{ hairstyles(first: 3, sex: MASCULINE, search: "fade") { totalCount nodes { id sex preview tags } } }');
  assert.ok(styles.totalCount > 0);
  assert.match(styles.nodes[0]?.preview ?? '', /^https:\/\/look\.example\/catalogue\/\d{6}\.webp\?v=[0-9a-f]{12}$/);
  assert.equal(await salon.get(null, '{ hairstyle(id: "000000") { id } }'), null);
  const colors = await salon.get<{ hex: string; previewImages: { thumbnail: string } }[]>(null, '{ hairColors(family: "black") { hex previewImages { thumbnail full } } }');
  assert.ok(colors.every(({ hex }) => /^#[0-9a-f]{6}$/.test(hex)));
});
