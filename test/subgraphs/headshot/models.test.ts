import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import type { ModelId } from '../../../subgraphs/ids.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { EngineFault, EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import { until } from '../../support/database.ts';
import { addLook, type Begun, createModel, type Deleted, deleteModel, ended, gate, photographer, progress, type ProgressEvent } from './photographer.ts';
import { openStudio, type Studio, wholeFile } from './studio.ts';

const engine = photographer();
const studio = await openStudio(wholeFile, { vision: engine });
beforeEach(() => engine.does(() => {}));

async function begun(studio: Studio, me: Caller, input: Record<string, unknown> = {}) {
  const { model, errors } = await studio.get<Begun>(me, createModel, { email: 'jane@example.com', ...input, fromGenerationImageId: input['fromGenerationImageId'] ?? await addLook(studio, me.accountId) });
  assert.deepEqual(errors, []);
  assert.ok(model);
  return model;
}

function assertWhole(events: ProgressEvent[]): void {
  assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => (events[0]?.seq ?? 0) + index), 'numbers without a gap');
  const percents = events.map((event) => event.progress.percent);
  assert.deepEqual(percents, [...percents].sort((a, b) => a - b), 'a percentage that never falls');
  assert.deepEqual(events.map(({ terminal }) => terminal), events.map((_, index) => index === events.length - 1), 'one terminal event, the last');
}

const statusesOf = (events: ProgressEvent[]): string[] => events.filter(({ kind }) => ['STATUS', 'COMPLETED', 'FAILED', 'CANCELED'].includes(kind)).map(({ kind, progress: { status } }) => `${kind} ${status}`);
const filesOf = ({ platform }: Studio): string[] => globSync('blobs/*/*/original', { cwd: platform.env.dataDir }).sort();
const charges = async ({ platform }: Studio, { accountId }: Caller): Promise<[string, number][]> => (await platform.credits.ledger(accountId, { first: 50, limit: 50, after: null })).map(({ kind, amount }): [string, number] => [kind, amount]).reverse();

test('of a finished look headshots are made, each is told, and they are paid once', async () => {
  const me = await studio.account(10, 'enterprise');
  const model = await begun(studio, me);
  assert.match(model.uid, /^anon_[0-9a-f]{20}$/);
  assert.deepEqual([model.status, model.progress.status, model.isDevelopment, model.title], ['WAITING', 'QUEUED', false, null]);
  const events = await studio.listen<ProgressEvent>(me, progress, { id: model.id, afterSeq: 0 });
  assertWhole(events);
  assert.equal(events[0]?.seq, 1);
  assert.deepEqual(statusesOf(events), ['STATUS QUEUED', 'STATUS QUEUED', 'STATUS PROCESSING', 'STATUS PROCESSING', 'COMPLETED COMPLETED']);
  const told = events.flatMap(({ kind, photo }) => (kind === 'IMAGE_READY' ? [photo?.id] : []));
  assert.equal(new Set(told).size, 16);
  const { progress: last, model: { status, photos } } = events.at(-1) ?? assert.fail();
  assert.deepEqual([last, status, photos.totalCount], [{ status: 'COMPLETED', stage: 'done', percent: 100, seq: events.length, etaSeconds: null }, 'ACTIVE', 16]);
  assert.deepEqual(await charges(studio, me), [['grant', 10], ['reserve', 1], ['consume', 1]]);
  const { photos: made } = await studio.get<{ photos: { nodes: { background: string; framing: string; width: number; height: number }[] } }>(me, 'query ($id: ID!) { headshotModel(id: $id) { photos { nodes { background framing width height } } } }', { id: model.id });
  assert.deepEqual([new Set(made.nodes.map(({ background }) => background)).size, new Set(made.nodes.map(({ framing }) => framing)).size], [12, 2]);
  assert.deepEqual(studio.faults, []);
});

test('a subscriber without a number begins with the present state, and one behind the end hears nothing', async () => {
  const me = await studio.account();
  const { id } = await begun(studio, me);
  await ended(studio, me.accountId, id);
  const [snapshot, ...more] = await studio.listen<ProgressEvent>(me, progress, { id });
  assert.deepEqual([snapshot?.kind, snapshot?.progress.percent, snapshot?.terminal, more], ['SNAPSHOT', 100, true, []]);
  assert.deepEqual(await studio.listen(me, progress, { id, afterSeq: snapshot?.seq ?? 0 }), []);
  const { errors } = await studio.ask(await studio.account(), 'query ($id: ID!) { headshotModel(id: $id) { id } }', { id });
  assert.equal(errors, undefined);
});

test('development mode costs nothing, and its few pictures are small and marked', async () => {
  const asked: [string, number | undefined][] = [];
  engine.does((_, { mostHeight }, { mode }) => void asked.push([mode, mostHeight]));
  const me = await studio.account(0);
  const { id } = await begun(studio, me, { isDevelopment: true, fromGenerationImageId: await addLook(studio, me.accountId, { mode: 'TEST' }) });
  assert.equal((await ended(studio, me.accountId, id)).status, 'ACTIVE');
  assert.deepEqual([asked, await charges(studio, me)], [Array.from({ length: 4 }, () => ['test', 640]), []]);
});

test('wrong input is refused with its place, and nothing is begun or kept', async () => {
  const [me, stranger] = [await studio.account(1, 'enterprise'), await studio.account()];
  const [own, foreign] = [await addLook(studio, me.accountId), await addLook(studio, stranger.accountId)];
  const files = filesOf(studio);
  const cases: [Record<string, unknown>, string, string[] | null][] = [
    [{ fromGenerationImageId: foreign }, 'NOT_FOUND', ['fromGenerationImageId']],
    [{ fromGenerationImageId: 'nonsense' }, 'NOT_FOUND', ['fromGenerationImageId']],
    [{ fromGenerationImageId: await addLook(studio, me.accountId, { status: 'PROCESSING' }) }, 'NOT_FOUND', ['fromGenerationImageId']],
    [{ fromGenerationImageId: await addLook(studio, me.accountId, { mode: 'TEST' }) }, 'VALIDATION', ['fromGenerationImageId']],
    [{ fromGenerationImageId: own, teamId: 'team_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 'NOT_FOUND', ['teamId']],
    [{ fromGenerationImageId: own, clientId: 'client_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 'NOT_FOUND', ['clientId']],
    [{ fromGenerationImageId: own, idempotencyKey: '' }, 'VALIDATION', ['idempotencyKey']],
  ];
  const kept = files.length + 4;
  for (const [input, code, path] of cases) {
    const { model, errors } = await studio.get<Begun>(me, createModel, { email: 'jane@example.com', ...input });
    assert.deepEqual([model, errors.map((error) => [error.code, error.path])], [null, [[code, path]]], JSON.stringify(input));
  }
  await studio.platform.credits.reserve(me.accountId, 'another job', 1, 'test');
  const { errors } = await studio.get<Begun>(me, createModel, { email: 'jane@example.com', fromGenerationImageId: own });
  assert.deepEqual(errors.map(({ code, required, available }) => [code, required, available]), [['INSUFFICIENT_CREDITS', 1, 0]]);
  assert.equal(await studio.store.countModels(me.accountId, {}), 0);
  assert.equal(filesOf(studio).length, kept);
});

test('an organization needs the permission to send links, and then the person has one', async () => {
  const me = await studio.account(2);
  const ask = async (): Promise<Begun> => studio.get<Begun>(me, createModel, { email: 'jane@example.com' });
  assert.deepEqual((await ask()).errors.map(({ code }) => code), ['FORBIDDEN']);
  await studio.store.setWhitelabel(me.accountId, true);
  const { model, signedUrl } = await ask();
  assert.equal(model?.status, 'ONBOARDING');
  assert.match(signedUrl ?? '', /^https:\/\/look\.example\/auth\/social\?token=[0-9a-f]{24}\.[\w-]+\.[\w-]+&anonymous=1$/);
  assert.deepEqual(await studio.balance(me), { available: 1, reserved: 1 });
  assert.deepEqual((await studio.get<Deleted>(me, deleteModel, { id: model?.id })).errors, []);
  assert.deepEqual(await studio.balance(me), { available: 2, reserved: 0 });
});

test('ten requests with one idempotency key are one model, billed once, also when the look is gone; another request with it is refused', async () => {
  const me = await studio.account(10);
  const input = { fromGenerationImageId: await addLook(studio, me.accountId), idempotencyKey: 'once' };
  const made = await Promise.all(Array.from({ length: 10 }, async () => begun(studio, me, input)));
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  await studio.platform.connection.execute('delete from hairstyle.picture where account_id = $1', [me.accountId]);
  assert.equal((await begun(studio, me, input)).id, made[0]?.id);
  const { errors } = await studio.get<Begun>(me, createModel, { ...input, email: 'john@example.com' });
  assert.deepEqual(errors.map(({ code, path }) => [code, path]), [['IDEMPOTENCY_CONFLICT', ['idempotencyKey']]]);
  assert.deepEqual(await studio.balance(me), { available: 9, reserved: 0 });
});

test('a picture that a selfie does not hold after all is replaced by another one', async () => {
  engine.does((_, { shot }) => {
    if (shot.framing === 'close') throw new EngineRefusal('UNSUPPORTED_IMAGE', 'The photo does not hold this picture');
  });
  const me = await studio.account();
  const { id } = await begun(studio, me);
  assert.equal((await ended(studio, me.accountId, id)).status, 'ACTIVE');
  const rows = await studio.store.listPhotosOf(me.accountId, [id as ModelId], { status: 'ACTIVE' }, { first: 100, limit: 101, after: null });
  assert.deepEqual([rows.length, new Set(rows.map(({ row }) => row?.framing)), new Set(rows.map(({ row }) => row?.backdrop)).size], [12, new Set(['portrait']), 12]);
});

test('a fault is told, begun again by itself, and pictures that are there are not made twice', async () => {
  engine.does((picture) => {
    if (picture === 5) throw new EngineFault('UNAVAILABLE', 'no engine');
  });
  const me = await studio.account(5);
  const { id } = await begun(studio, me);
  await until(async () => (await studio.store.findModel(me.accountId, id as ModelId))?.status === 'FAILED');
  await studio.platform.connection.execute("update jobs.job set start_after = now() where name = 'headshot.model' and state = 'retry'");
  const events = await studio.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assertWhole(events);
  assert.deepEqual(statusesOf(events), ['STATUS QUEUED', 'STATUS QUEUED', 'STATUS PROCESSING', 'STATUS PROCESSING', 'STATUS QUEUED', 'STATUS PROCESSING', 'STATUS PROCESSING', 'COMPLETED COMPLETED']);
  assert.deepEqual(events.flatMap(({ failure }) => (failure ? [[failure.code, failure.retryable, failure.refunded]] : [])), [['UNAVAILABLE', true, false]]);
  assert.ok(engine.pictures() <= 18, `${engine.pictures()} calls`);
  assert.deepEqual(await studio.balance(me), { available: 4, reserved: 0 });
});

test('what cannot be made at all fails at once with the reason, the credit comes back, and no file stays', async () => {
  engine.does(() => Promise.reject(new EngineRefusal('NO_FACE', 'No face was found in the photo')));
  const me = await studio.account(5);
  const look = await addLook(studio, me.accountId);
  const files = filesOf(studio);
  const { id } = await begun(studio, me, { fromGenerationImageId: look });
  const events = await studio.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assertWhole(events);
  assert.deepEqual(events.at(-1)?.failure, { code: 'NO_FACE', message: 'No face was found in the photo', retryable: false, refunded: true });
  assert.deepEqual([events.at(-1)?.model.status, await studio.balance(me), await charges(studio, me)], ['FAILED', { available: 5, reserved: 0 }, [['grant', 5], ['reserve', 1], ['consume', 1], ['grant', 1]]]);
  await until(() => JSON.stringify(filesOf(studio)) === JSON.stringify(files));
});

test('deleted while it is made: the engine stops, the files are gone, the credit is back, and nothing brings it back', async () => {
  const door = gate();
  engine.does(async (picture, _, { signal }) => (picture > 3 ? door.pass(signal) : undefined));
  const me = await studio.account(5);
  const look = await addLook(studio, me.accountId);
  const files = filesOf(studio);
  const { id } = await begun(studio, me, { fromGenerationImageId: look });
  await door.arrived;
  assert.deepEqual(await studio.get<Deleted>(me, deleteModel, { id }), { deletedId: id, errors: [] });
  const events = await studio.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assertWhole(events);
  assert.equal(events.at(-1)?.kind, 'CANCELED');
  assert.ok(events.every(({ photo }) => !photo?.urls), 'a deleted photo has no address');
  await until(() => JSON.stringify(filesOf(studio)) === JSON.stringify(files));
  assert.deepEqual(await studio.balance(me), { available: 5, reserved: 0 });
  assert.deepEqual((await studio.get<Deleted>(me, deleteModel, { id })).errors.map(({ code }) => code), ['ALREADY_DELETED']);
  assert.deepEqual((await studio.get<Deleted>(await studio.account(), deleteModel, { id })).errors.map(({ code }) => code), ['NOT_FOUND']);
});

test('of deletion and completion exactly one wins, and books and files agree with it', async () => {
  const me = await studio.account(100);
  const outcomes = await Promise.all(Array.from({ length: 10 }, async (_, index) => {
    const { id } = await begun(studio, me, { isDevelopment: false });
    const whole = studio.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
    await studio.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 }, 2 + index * 2);
    const { deletedId } = await studio.get<Deleted>(me, deleteModel, { id });
    const events = await whole;
    assertWhole(events);
    assert.deepEqual([deletedId, (await studio.store.findModel(me.accountId, id as ModelId))?.status], [id, 'DELETED']);
    return events.at(-1)?.kind;
  }));
  const paid = outcomes.filter((kind) => kind === 'COMPLETED').length;
  assert.deepEqual(await studio.balance(me), { available: 100 - paid, reserved: 0 });
  const [row] = await studio.platform.connection.execute('select (select count(*)::int from headshot.photo where account_id = $1 and (blob_key is not null or status <> \'DELETED\')) as photos, (select count(*)::int from headshot.selfie where account_id = $1) as selfies', [me.accountId]);
  assert.deepEqual(row, { photos: 0, selfies: 0 });
});

test('a stopped worker hands its model back, and the next one goes on where it was', async (t) => {
  const door = gate();
  const first = await openStudio(t, { vision: photographer(async (picture, _, { signal }) => (picture > 6 ? door.pass(signal) : undefined)) });
  const me = await first.account(10);
  const { id } = await begun(first, me);
  const stream = first.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  await door.arrived;
  await first.stop();
  const next = photographer();
  await openStudio(t, { vision: next, connection: first.platform.connection, dataDir: join(first.platform.env.dataDir) });
  const events = await stream;
  assertWhole(events);
  assert.deepEqual([events.filter(({ kind }) => kind === 'IMAGE_READY').length, events.at(-1)?.kind], [16, 'COMPLETED']);
  assert.ok(next.pictures() <= 12, `${next.pictures()} pictures were made again`);
  assert.deepEqual(await first.balance(me), { available: 9, reserved: 0 });
});
