import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { pino } from 'pino';
import sharp from 'sharp';
import { createEngines, readEngines } from '../../../subgraphs/engines/index.ts';
import type { EngineContext, HeadshotRequest } from '../../../subgraphs/vision/engine.ts';
import { createVision } from '../../../subgraphs/vision/index.ts';
import { startComfy, startFake } from '../../support/comfy.ts';
import { openTestConnection, until } from '../../support/database.ts';
import { portrait, severalFaces } from '../../support/photos.ts';

const connection = await openTestConnection({ after: (close) => after(close) });
const own = createVision({ workers: 1 });
after(() => own.close());
const photo = await portrait();
const shot = { backdrop: 'studio-grey', framing: 'close', aspect: '4:5' } as const;
const request: HeadshotRequest = { photo, photoKey: 'k', shot, mostHeight: 640 };
const workflow = { '1': { class_type: 'LoadImage', inputs: { image: '{{image}}' } }, '2': { class_type: 'Sampler', inputs: { seed: '{{seed}}', width: '{{width}}', height: '{{height}}', text: '{{framing}} headshot, {{background}}, {{aspect}}' } } };
const shaped = async (bytes: Uint8Array, width = 1024, height = 1280): Promise<Uint8Array> => new Uint8Array(await sharp(bytes).resize({ width, height, fit: 'cover', position: 'top' }).jpeg().toBuffer());

/** The engine of that configuration behind the one interface, and what it says of how far it is. */
async function open(t: TestContext, one: object) {
  const folder = await mkdtemp(join(tmpdir(), 'engines-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'workflow.json'), JSON.stringify(workflow));
  await writeFile(join(folder, 'engines.json'), JSON.stringify({ engines: { studio: one }, headshots: 'studio' }));
  const { config, faults } = readEngines(join(folder, 'engines.json'), {});
  assert.deepEqual(faults, []);
  const engines = createEngines({ config, own, connection, allow: [], publicUrl: () => 'https://look.example', log: pino({ level: 'silent' }) });
  t.after(() => engines.close());
  const stages = new Set<string>();
  const shoot = async (context: Partial<EngineContext> = {}) => engines.headshots.shoot(request, { signal: new AbortController().signal, seed: 7, mode: 'live', onProgress: ({ stage }) => void stages.add(stage), ...context });
  return { shoot, stages };
}
const comfy = (url: string, more: object = {}) => ({ kind: 'comfyui', url, workflow: 'workflow.json', ...more });
const theirs = { engine: 'studio', isFallback: false };
const fallback = { engine: 'embedded', isFallback: true };

test('a selfie and the filled workflow go in, a headshot in both qualities comes out', async (t) => {
  const fake = await startComfy(t, async () => shaped(photo), async (say) => {
    say('executing', { node: '1' });
    return 'done';
  });
  const { shoot, stages } = await open(t, comfy(fake.url));
  const made = await shoot();
  assert.deepEqual([made.madeBy, made.mime, made.width, made.height, [...stages]], [theirs, 'image/jpeg', 512, 640, ['remote']]);
  assert.ok(made.original.length > made.bytes.length * 1.2);
  assert.deepEqual([(await sharp(made.bytes).metadata()).width, (await sharp(made.original).metadata()).height], [512, 640]);
  const { prompt } = JSON.parse(String(fake.asked.find(({ path }) => path === '/prompt')?.body)) as { prompt: typeof workflow };
  assert.deepEqual(prompt['2'].inputs, { seed: 7, width: 512, height: 640, text: 'close headshot, studio grey, 4:5' });
  assert.ok(fake.asked.find(({ path }) => path === '/upload/image')?.body.includes(Buffer.from(photo)), 'the selfie is in the upload');
});

test('in development mode it is marked as ours are', async (t) => {
  const fake = await startComfy(t, async () => shaped(photo), async () => 'done');
  const { shoot } = await open(t, comfy(fake.url));
  const [live, marked] = [await sharp((await shoot()).original).raw().toBuffer(), await sharp((await shoot({ mode: 'test' })).original).raw().toBuffer()];
  const changed = live.filter((value, index) => Math.abs(value - (marked[index] ?? 0)) > 24).length / live.length;
  assert.ok(changed > 0.03, `${changed}`);
});

const plain = async (): Promise<Uint8Array> => new Uint8Array(await sharp({ create: { width: 1024, height: 1280, channels: 3, background: '#8090a0' } }).jpeg().toBuffer());
const cutOff = async (): Promise<Uint8Array> => {
  const { width, height } = await sharp(photo).metadata();
  const top = Math.round(height * 0.2);
  return shaped(new Uint8Array(await sharp(photo).extract({ left: 0, top, width, height: height - top }).toBuffer()));
};
const answers: Record<string, () => Promise<Uint8Array>> = {
  'no picture': async () => new Uint8Array(500).fill(65),
  'a picture of another shape': async () => shaped(photo, 1280, 720),
  'a picture of nobody': plain,
  'a picture of several people': async () => shaped(await severalFaces()),
  'a head that is cut off': cutOff,
};
for (const [name, picture] of Object.entries(answers)) {
  test(`${name} is not delivered: the embedded engine makes the headshot`, async (t) => {
    const fake = await startComfy(t, picture, async () => 'done');
    const made = await (await open(t, comfy(fake.url))).shoot();
    assert.deepEqual([made.madeBy, (await own.assess(made.original)).issues.filter((issue) => issue !== 'BODY_CUT_OFF')], [fallback, []]);
  });
}

test('a workflow that fails, a server that answers 500, one that hangs and one that is not there are fallen back from, or are faults', async (t) => {
  const failing = await startComfy(t, async () => shaped(photo), async () => 'failed');
  const broken = await startFake(t, (_, response) => void response.writeHead(500).end('secret of theirs'));
  const hanging = await startComfy(t, async () => shaped(photo), async () => 'never');
  for (const one of [comfy(failing.url), comfy(broken.url), comfy(hanging.url, { timeoutSeconds: 1 })]) assert.deepEqual((await (await open(t, one)).shoot()).madeBy, fallback);
  assert.ok(hanging.paths().includes('POST /interrupt'), 'what hangs is stopped there');
  await assert.rejects((await open(t, comfy('http://127.0.0.1:9', { fallback: false }))).shoot(), { name: 'EngineFault', code: 'UNAVAILABLE', retryable: true });
});

test('a cancel reaches the engine, and nobody makes anything instead', async (t) => {
  const going = new AbortController();
  const fake = await startComfy(t, async () => shaped(photo), async () => 'never');
  const { shoot, stages } = await open(t, comfy(fake.url));
  const making = shoot({ signal: going.signal });
  await until(async () => fake.paths().includes('GET /history/p-1'));
  going.abort(new Error('deleted'));
  await assert.rejects(making, /deleted/);
  assert.deepEqual([fake.paths().includes('POST /interrupt'), [...stages].filter((stage) => stage !== 'remote')], [true, []]);
});

test('without another engine the embedded one makes them all, and a name that is no engine is a fault of the file', async (t) => {
  const engines = createEngines({ config: null, own, connection, allow: [], publicUrl: () => 'https://look.example', log: pino({ level: 'silent' }) });
  t.after(() => engines.close());
  const made = await engines.headshots.shoot(request, { signal: new AbortController().signal, seed: 7, mode: 'live', onProgress: () => {} });
  assert.equal(made.madeBy, undefined);
  const folder = await mkdtemp(join(tmpdir(), 'engines-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'engines.json'), JSON.stringify({ engines: {}, headshots: 'none' }));
  assert.deepEqual(readEngines(join(folder, 'engines.json'), {}).faults, ['ENGINES: there is no engine none']);
});
