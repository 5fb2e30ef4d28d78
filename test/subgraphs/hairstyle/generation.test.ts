import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import type { GenerationId } from '../../../subgraphs/ids.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { EngineFault, EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import { until } from '../../support/database.ts';
import { generate, type Generated, openSalon, painter, progress, type ProgressEvent, type Salon, styleIds, wholeFile } from './salon.ts';

const engine = painter();
const salon = await openSalon(wholeFile, { vision: engine });
beforeEach(() => engine.does(() => {}));

const cancelIt = 'mutation ($id: ID!) { cancelGeneration(id: $id) { generation { id progress { status percent } images { id } completedAt } errors { code } } }';
type Canceled = { generation: { progress: { status: string }; images: unknown[] } | null; errors: { code: string }[] };

async function order(salon: Salon, me: Caller, input: Record<string, unknown> = {}): Promise<Generated> {
  const imageId = 'imageName' in input || 'imageUrl' in input || 'imageId' in input ? undefined : await salon.photo(me.accountId);
  return salon.get<Generated>(me, generate, { input: { gender: 'FEMININE', styleIds: styleIds.slice(0, 2), ...(imageId && { imageId }), ...input } });
}

async function ordered(salon: Salon, me: Caller, input: Record<string, unknown> = {}) {
  const { generation, errors } = await order(salon, me, input);
  assert.deepEqual(errors, []);
  assert.ok(generation);
  return generation;
}

/** A door that engine calls wait at. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const pass = async (signal: AbortSignal): Promise<void> => {
    arrived.resolve();
    await Promise.race([promise, once(signal, 'abort').then(() => signal.throwIfAborted())]);
  };
  return { open: resolve, arrived: arrived.promise, pass };
}

function assertWhole(events: ProgressEvent[]): void {
  assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => (events[0]?.seq ?? 0) + index), 'numbers without a gap');
  const percents = events.map((event) => event.progress.percent);
  assert.deepEqual(percents, [...percents].sort((a, b) => a - b), 'a percentage that never falls');
  assert.deepEqual(events.map(({ terminal }) => terminal), events.map((_, index) => index === events.length - 1), 'one terminal event, the last');
}

test('a generation makes one picture per style, tells of each, and is paid', async () => {
  const me = await salon.account(10);
  const generation = await ordered(salon, me, { styleIds, hairColor: 'BROWN' });
  assert.deepEqual([generation.mode, generation.cost, generation.progress, generation.hairColor?.name], ['LIVE', 4, { status: 'QUEUED', stage: 'queued', percent: 0, seq: 1 }, 'Brown']);
  const events = await salon.listen<ProgressEvent>(me, progress, { id: generation.id, afterSeq: 0 });
  assertWhole(events);
  assert.equal(events[0]?.seq, 1);
  assert.deepEqual(events.filter(({ kind }) => kind !== 'PROGRESS').map(({ kind }) => kind), ['STATUS', 'STATUS', 'IMAGE_READY', 'IMAGE_READY', 'IMAGE_READY', 'IMAGE_READY', 'COMPLETED']);
  assert.deepEqual(events.at(-1)?.progress, { status: 'COMPLETED', stage: 'done', percent: 100, seq: events.length, etaSeconds: null });
  const told = events.flatMap(({ image }) => (image ? [image.style.id] : []));
  assert.deepEqual(told.sort(), [...styleIds].sort());
  const whole = await salon.get<{ images: { style: { id: string }; width: number; url: string; lowQuality: boolean }[]; completedAt: string }>(me, `query ($id: ID!) { hairstyleGeneration(id: $id) { completedAt images { width lowQuality url(width: 64) style { id } } } }`, { id: generation.id });
  assert.deepEqual(whole.images.map(({ style, width, lowQuality }) => [style.id, width, lowQuality]), styleIds.map((id) => [id, 96, false]));
  assert.match(whole.images[0]?.url ?? '', /^https:\/\/look\.example\/files\/.+w=64/);
  assert.ok(whole.completedAt);
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 6, reserved: 0 });
  assert.deepEqual((await salon.platform.credits.charges(me.accountId, generation.id)).map(({ kind, amount }) => [kind, amount]), [['reserve', 4], ['consume', 4]]);
  assert.deepEqual(salon.faults, []);
});

test('TEST mode costs nothing and needs no credits', async () => {
  const modes: string[] = [];
  engine.does((_, _request, { mode }) => void modes.push(mode));
  const me = await salon.account(0);
  const generation = await ordered(salon, me, { mode: 'TEST' });
  assert.equal((await salon.ended(me.accountId, generation.id)).status, 'COMPLETED');
  assert.deepEqual([generation.cost, modes, await salon.platform.credits.charges(me.accountId, generation.id)], [0, ['test', 'test'], []]);
});

test('without credits nothing is begun', async () => {
  const me = await salon.account(1);
  const { generation, errors } = await order(salon, me, { idempotencyKey: 'k' });
  assert.deepEqual([generation, errors[0]?.type, errors[0]?.code, errors[0]?.required, errors[0]?.available], [null, 'InsufficientCreditsError', 'INSUFFICIENT_CREDITS', 2, 1]);
  assert.equal(await salon.store.countGenerations(me.accountId, {}), 0);
  assert.deepEqual(await salon.platform.connection.execute('select 1 from enterprise.request_key where account_id = $1', [me.accountId]), []);
});

test('wrong input is refused with its place, and nothing is begun', async () => {
  const [me, stranger] = [await salon.account(), await salon.account()];
  const foreign = await salon.photo(stranger.accountId, 'theirs.jpg');
  const cases: [Record<string, unknown>, string, string[]][] = [
    [{ styleIds: [] }, 'VALIDATION', ['input', 'styleIds']],
    [{ styleIds: ['817941', '123456'] }, 'VALIDATION', ['input', 'styleIds', '1']],
    [{ styleIds: ['817941', '817941'] }, 'VALIDATION', ['input', 'styleIds', '1']],
    [{ hairColor: 'plaid' }, 'VALIDATION', ['input', 'hairColor']],
    [{ imageUrl: null }, 'VALIDATION', ['input', 'imageUrl']],
    [{ imageId: foreign }, 'NOT_FOUND', ['input', 'imageId']],
    [{ imageId: 'nonsense' }, 'NOT_FOUND', ['input', 'imageId']],
    [{ imageName: 'theirs.jpg' }, 'NOT_FOUND', ['input', 'imageName']],
    [{ clientId: 'client_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 'NOT_FOUND', ['input', 'clientId']],
    [{ idempotencyKey: '' }, 'VALIDATION', ['input', 'idempotencyKey']],
  ];
  for (const [input, code, path] of cases) {
    const { generation, errors } = await order(salon, me, input);
    assert.deepEqual([generation, errors.map((error) => [error.code, error.path])], [null, [[code, path]]], JSON.stringify(input));
  }
  assert.equal(await salon.store.countGenerations(me.accountId, {}), 0);
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 100, reserved: 0 });
});

test('ten requests with one idempotency key are one generation, billed once; another request with it is refused', async () => {
  const me = await salon.account(100);
  const input = { imageId: await salon.photo(me.accountId), idempotencyKey: 'once' };
  const made = await Promise.all(Array.from({ length: 10 }, async () => ordered(salon, me, input)));
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  await salon.ended(me.accountId, made[0]?.id ?? '');
  assert.equal((await ordered(salon, me, input)).id, made[0]?.id);
  const { errors } = await order(salon, me, { ...input, mode: 'TEST' });
  assert.deepEqual([errors[0]?.type, errors[0]?.code], ['ConflictError', 'IDEMPOTENCY_CONFLICT']);
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 98, reserved: 0 });
  const other = await salon.account();
  assert.notEqual((await ordered(salon, other, { idempotencyKey: 'once' })).id, made[0]?.id);
});

test('a queued generation is canceled before it begins', async (t) => {
  const salon = await openSalon(t, { work: false });
  const me = await salon.account(5);
  const { id } = await ordered(salon, me);
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 3, reserved: 2 });
  const { generation } = await salon.get<Canceled>(me, cancelIt, { id: id.replace('gen_', 'job_') });
  assert.equal(generation?.progress.status, 'CANCELED');
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 5, reserved: 0 });
  const events = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assert.deepEqual(events.map(({ kind, terminal }) => [kind, terminal]), [['STATUS', false], ['CANCELED', true]]);
  assert.deepEqual((await salon.get<Canceled>(me, cancelIt, { id })).errors, [], 'again changes nothing');
});

test('cancel while it runs stops the engine, withdraws the pictures and returns the credits', async () => {
  const door = gate();
  const reasons: unknown[] = [];
  engine.does(async (picture, _, { signal }) => {
    if (picture < 2) return;
    await door.pass(signal).catch((error: unknown) => Promise.reject(reasons.push(error) && error));
  });
  const me = await salon.account(5);
  const { id } = await ordered(salon, me, { styleIds: styleIds.slice(0, 3) });
  await door.arrived;
  const before = await until(async () => (await salon.store.listPictures(me.accountId, [id as GenerationId]))[0] ?? null);
  const file = join(salon.platform.env.dataDir, 'blobs', before.blobKey.slice(0, 2), before.blobKey, 'original');
  await access(file);
  const { generation } = await salon.get<Canceled>(me, cancelIt, { id });
  assert.deepEqual([generation?.progress.status, generation?.images], ['CANCELED', []]);
  const events = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assertWhole(events);
  assert.equal(events.at(-1)?.kind, 'CANCELED');
  assert.ok(events.every(({ image }) => image === null), 'a withdrawn picture is not shown again');
  await until(() => reasons.length > 0);
  await until(async () => access(file).then(() => null, () => true));
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 5, reserved: 0 });
});

test('an engine that does not hear the cancel cannot bring the generation back', async (t) => {
  const door = gate();
  const salon = await openSalon(t, { vision: painter(async () => door.pass(new AbortController().signal)) });
  const me = await salon.account(5);
  const { id } = await ordered(salon, me);
  await door.arrived;
  await salon.get<Canceled>(me, cancelIt, { id });
  door.open();
  await salon.stop();
  const row = await salon.ended(me.accountId, id);
  assert.deepEqual([row.status, await salon.store.listPictures(me.accountId, [row.id])], ['CANCELED', []]);
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 5, reserved: 0 });
});

test('of cancel and completion exactly one wins, and the books agree with it', async () => {
  const me = await salon.account(100);
  const outcomes = await Promise.all(Array.from({ length: 16 }, async (_, index) => {
    const { id } = await ordered(salon, me, { styleIds: styleIds.slice(0, 1) });
    const stream = salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
    if (index % 2 === 0) await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 }, 2 + (index % 4));
    await salon.get<Canceled>(me, cancelIt, { id });
    const [row, events] = [await salon.ended(me.accountId, id), await stream];
    assertWhole(events);
    assert.equal(events.at(-1)?.kind, row.status);
    const charges = (await salon.platform.credits.charges(me.accountId, id)).map(({ kind }) => kind);
    assert.deepEqual(charges, ['reserve', row.status === 'COMPLETED' ? 'consume' : 'release']);
    assert.equal((await salon.store.listPictures(me.accountId, [row.id])).length, row.status === 'COMPLETED' ? 1 : 0);
    return row.status;
  }));
  const paid = outcomes.filter((status) => status === 'COMPLETED').length;
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 100 - paid, reserved: 0 });
});

test('a refusal of the engine fails the generation at once, with its code, and returns the credits', async () => {
  engine.does((picture) => {
    if (picture === 2) throw new EngineRefusal('HEAD_COVERED', 'The head is covered.');
  });
  const me = await salon.account(5);
  const { id } = await ordered(salon, me);
  const events = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assertWhole(events);
  assert.deepEqual(events.at(-1)?.failure, { code: 'HEAD_COVERED', message: 'The head is covered.', retryable: false, refunded: true });
  assert.deepEqual(events.at(-1)?.generation.images, []);
  assert.equal(engine.pictures(), 2);
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 5, reserved: 0 });
});

test('a fault is tried again, and pictures that are there are not made twice', async () => {
  engine.does((picture) => {
    if (picture === 2) throw new EngineFault('UNAVAILABLE', 'no engine');
  });
  const me = await salon.account(5);
  const { id } = await ordered(salon, me, { styleIds: styleIds.slice(0, 3) });
  const events = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assertWhole(events);
  const told = events.flatMap(({ kind, image }) => (kind === 'IMAGE_READY' ? [image?.style.id] : []));
  assert.deepEqual(told.sort(), styleIds.slice(0, 3).sort());
  assert.equal(events.at(-1)?.kind, 'COMPLETED');
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 2, reserved: 0 });
});

test('after the last attempt a fault fails the generation, and it may be asked for again', async () => {
  for (const [error, code] of [[new EngineFault('TIMEOUT', 'slow'), 'TIMEOUT'], [new Error('a secret of the inside'), 'INTERNAL']] as const) {
    engine.does(() => Promise.reject(error));
    const me = await salon.account(5);
    const { id } = await ordered(salon, me, { styleIds: styleIds.slice(0, 1) });
    const failure = (await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 })).at(-1)?.failure;
    assert.deepEqual([failure?.code, failure?.retryable, failure?.refunded, engine.pictures()], [code, true, true, 3]);
    assert.doesNotMatch(failure?.message ?? '', /inside|slow/);
    assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 5, reserved: 0 });
  }
});

test('a stopped worker hands its generation back, and the next one goes on where it was', async (t) => {
  const door = gate();
  const first = await openSalon(t, { vision: painter(async (picture, _, { signal }) => (picture > 2 ? door.pass(signal) : undefined)) });
  const me = await first.account(10);
  const { id } = await ordered(first, me, { styleIds });
  const stream = first.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  await door.arrived;
  await first.stop();
  const engine = painter();
  await openSalon(t, { vision: engine, connection: first.platform.connection, dataDir: first.platform.env.dataDir });
  const events = await stream;
  assertWhole(events);
  assert.deepEqual(events.filter(({ kind }) => kind === 'IMAGE_READY').length, 4);
  assert.ok(engine.pictures() <= 3, `${engine.pictures()} pictures were made again`);
  assert.equal((await first.ended(me.accountId, id)).status, 'COMPLETED');
  assert.deepEqual(await first.platform.credits.balance(me.accountId), { available: 6, reserved: 0 });
});
