import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { pino } from 'pino';
import sharp from 'sharp';
import { Webhook } from 'standardwebhooks';
import { createEngines, readEngines } from '../../subgraphs/engines/index.ts';
import { hairstyleMigrations } from '../../subgraphs/hairstyle/index.ts';
import { newAccountId } from '../../subgraphs/ids.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import type { EngineContext, HairstyleRequest } from '../../subgraphs/vision/engine.ts';
import { look } from '../../subgraphs/vision/looks/look.ts';
import { type Asked, startComfy, startFake } from '../support/comfy.ts';
import { openTestConnection, until } from '../support/database.ts';
import { painter } from './hairstyle/salon.ts';
import { photographer } from './headshot/photographer.ts';

const connection = await openTestConnection({ after: (close) => after(close) });
await migrate(connection, 'hairstyle', hairstyleMigrations);
const photo = new Uint8Array(await sharp({ create: { width: 320, height: 400, channels: 3, background: '#caa' } }).jpeg().toBuffer());
const png = async (width = 640, height = 800): Promise<Uint8Array> => new Uint8Array(await sharp({ create: { width, height, channels: 3, background: '#123456' } }).png().toBuffer());
const request: HairstyleRequest = { photo, photoKey: 'k', look: look({}), color: { hex: '#6b4226' }, forceNewHairline: false, words: { description: 'Bob - blunt', tags: ['bob'], color: 'Brown', gender: 'woman' } };
const workflow = { '1': { class_type: 'LoadImage', inputs: { image: '{{image}}' } }, '2': { class_type: 'KSampler', inputs: { seed: '{{seed}}', text: 'a {{gender}}, {{style}}, {{color}} hair' } }, '9': { class_type: 'SaveImage', inputs: {} } };
const key = 'r8_a-secret-of-the-test';

/** An engine of that configuration, drawing with the painter where it fails; its log. */
async function open(t: TestContext, one: object) {
  const folder = await mkdtemp(join(tmpdir(), 'engines-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'workflow.json'), JSON.stringify(workflow));
  await writeFile(join(folder, 'engines.json'), JSON.stringify({ engines: { gpu: { token: { variable: 'GPU_TOKEN' }, ...one } }, styles: { '817941': 'gpu' } }));
  const { config, faults } = readEngines(join(folder, 'engines.json'), { GPU_TOKEN: key, HOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
  assert.deepEqual(faults, []);
  const lines: string[] = [];
  const own = painter();
  const engines = createEngines({ config, own: { ...photographer(), ...own }, connection, allow: [], publicUrl: () => 'https://look.example', log: pino({}, { write: (line: string) => void lines.push(line) }) });
  t.after(() => engines.close());
  const seen: number[] = [];
  const draw = async (context: Partial<EngineContext> = {}) => (await engines.engineFor(newAccountId(), '817941'))
    .generate(request, { signal: new AbortController().signal, seed: 7, mode: 'live', onProgress: ({ stage, fraction }) => void (stage === 'remote' && seen.push(fraction)), ...context });
  return { engines, own, draw, seen, log: () => lines.join('') };
}

const comfy = (url: string) => ({ kind: 'comfyui', url, workflow: 'workflow.json' });
const isOurs = { engine: 'gpu', isFallback: false };
const isFallback = { engine: 'embedded', isFallback: true };

test('ComfyUI: the photo and the filled workflow go in, progress comes on the socket, the picture of the history comes out', async (t) => {
  const fake = await startComfy(t, png, async (say) => {
    say('executing', { node: '1' });
    say('executing', { node: '2' });
    for (const value of [1, 2, 3]) say('progress', { value, max: 4, node: '2' });
    return 'done';
  });
  const { draw, seen, own } = await open(t, comfy(fake.url));
  const image = await draw();
  assert.deepEqual([image.madeBy, image.mime, image.width, image.height, own.pictures()], [isOurs, 'image/jpeg', 320, 400, 0]);
  const { prompt } = JSON.parse(String(fake.asked.find(({ path }) => path === '/prompt')?.body)) as { prompt: typeof workflow };
  assert.deepEqual(prompt['2'].inputs, { seed: 7, text: 'a woman, Bob - blunt, Brown hair' });
  assert.match(prompt['1'].inputs.image, /^lookgraph-[0-9a-f]{24}\.jpg$/);
  assert.ok(fake.asked.find(({ path }) => path === '/upload/image')?.body.includes(Buffer.from(photo)), 'the photo is in the upload');
  assert.ok(seen.some((fraction) => fraction > 0.5 && fraction < 1) && seen.every((fraction, i) => i === 0 || fraction >= seen[i - 1]!), seen.join());
});

test('ComfyUI: a socket that breaks in the middle costs nothing but progress', async (t) => {
  const fake = await startComfy(t, png, async (say, socket) => {
    say('executing', { node: '1' });
    socket()?.terminate();
    return 'done';
  });
  assert.deepEqual((await (await open(t, comfy(fake.url))).draw()).madeBy, isOurs);
});

test('ComfyUI: a cancel reaches the queue and what runs, and nothing is drawn instead', async (t) => {
  const going = new AbortController();
  const fake = await startComfy(t, png, async () => 'never');
  const { draw, own } = await open(t, comfy(fake.url));
  const drawn = draw({ signal: going.signal });
  await until(async () => fake.paths().includes('GET /history/p-1'));
  going.abort(new Error('canceled'));
  await assert.rejects(drawn, /canceled/);
  assert.deepEqual(fake.asked.filter(({ path }) => ['/queue', '/interrupt'].includes(path)).map(({ path, body }) => [path, JSON.parse(String(body)) as object]).sort(),
    [['/interrupt', { prompt_id: 'p-1' }], ['/queue', { delete: ['p-1'] }]]);
  assert.equal(own.pictures(), 0);
});

test('ComfyUI: what hangs is interrupted at its time, and the embedded engine draws', async (t) => {
  const fake = await startComfy(t, png, async () => 'never');
  const { draw, own, log } = await open(t, { ...comfy(fake.url), timeoutSeconds: 2 });
  assert.deepEqual((await draw()).madeBy, isFallback);
  assert.deepEqual([own.pictures(), fake.paths().includes('POST /interrupt'), fake.paths().includes('POST /queue')], [1, true, true]);
  assert.deepEqual(fake.asked.filter(({ path }) => path === '/interrupt').map(({ body }) => JSON.parse(String(body)) as object), [{ prompt_id: 'p-1' }]);
  assert.match(log(), /"code":"TIMEOUT"/);
});

const failures: Record<string, () => Promise<Uint8Array>> = {
  'no picture': async () => new Uint8Array(500).fill(65),
  'a cut picture': async () => (await png()).subarray(0, 900),
  'a wrong shape': async () => png(800, 800),
  'a stamp': async () => png(64, 80),
};
for (const [name, picture] of Object.entries(failures)) {
  test(`ComfyUI: ${name} in the place of the picture is not taken`, async (t) => {
    const fake = await startComfy(t, picture, async () => 'done');
    assert.deepEqual((await (await open(t, comfy(fake.url))).draw()).madeBy, isFallback);
  });
}

test('ComfyUI: a workflow that fails, a server that answers 500 and one that is not there are fallen back from, or are faults', async (t) => {
  const failing = await startComfy(t, png, async () => 'failed');
  assert.deepEqual((await (await open(t, comfy(failing.url))).draw()).madeBy, isFallback);
  const broken = await startFake(t, (_, response) => void response.writeHead(500).end('secret of theirs'));
  assert.deepEqual((await (await open(t, comfy(broken.url))).draw()).madeBy, isFallback);
  const { draw, log } = await open(t, { ...comfy('http://127.0.0.1:9'), fallback: false });
  await assert.rejects(draw(), { name: 'EngineFault', code: 'UNAVAILABLE', retryable: true });
  assert.doesNotMatch(log(), new RegExp(key));
});

/** A prediction that is asked `steps` times before it is done. */
const cloud = (t: TestContext, steps: readonly object[], output: () => Promise<string>) => {
  let step = 0;
  return startFake(t, async ({ method, path }: Asked) => {
    if (path.endsWith('/cancel')) return {};
    if (path === '/out.png') return png();
    if (method === 'POST') return { id: 'p1', status: 'starting' };
    return steps[step] ? { id: 'p1', ...steps[step++] } : { id: 'p1', status: 'succeeded', output: [await output()] };
  });
};
const predictions = (url: string, more: object = {}) => ({ kind: 'predictions', url, model: 'salon/hair', pollSeconds: 0.05, input: { image: '{{image}}', prompt: '{{style}}', seed: '{{seed}}' }, ...more });

test('predictions: polled to the end, with the progress that the model prints, and its key for its own address alone', async (t) => {
  let place = '';
  const fake = await cloud(t, [{ status: 'processing', logs: ' 25%|██ | 5/20' }, { status: 'processing', logs: ' 25%|██\n 75%|██████' }], async () => place);
  place = `${fake.url}/out.png`;
  const { draw, seen } = await open(t, predictions(fake.url));
  assert.deepEqual((await draw()).madeBy, isOurs);
  assert.deepEqual(seen.filter((fraction) => fraction > 0.1), [0.25, 0.75]);
  const created = fake.asked[0] ?? assert.fail();
  assert.deepEqual([created.path, created.headers.authorization], ['/models/salon/hair/predictions', `Bearer ${key}`]);
  const { input } = JSON.parse(String(created.body)) as { input: { image: string; prompt: string; seed: number } };
  assert.deepEqual([input.image.slice(0, 23), input.prompt, input.seed], ['data:image/jpeg;base64,', 'Bob - blunt', 7]);
});

test('predictions: canceled and timed out ones are canceled there, failed ones are fallen back from', async (t) => {
  const slow = await cloud(t, Array.from({ length: 1000 }, () => ({ status: 'processing' })), async () => '');
  const going = new AbortController();
  const { draw, own } = await open(t, predictions(slow.url, { timeoutSeconds: 3 }));
  const canceled = draw({ signal: going.signal });
  await until(async () => slow.paths().includes('GET /predictions/p1'));
  going.abort(new Error('canceled'));
  await assert.rejects(canceled, /canceled/);
  assert.deepEqual([slow.paths().filter((path) => path === 'POST /predictions/p1/cancel').length, own.pictures()], [1, 0]);
  assert.deepEqual((await draw()).madeBy, isFallback);
  assert.equal(slow.paths().filter((path) => path === 'POST /predictions/p1/cancel').length, 2);
  const failed = await cloud(t, [{ status: 'failed' }], async () => '');
  assert.deepEqual((await (await open(t, predictions(failed.url))).draw()).madeBy, isFallback);
});

test('predictions: webhooks reach whoever waits, signed ones only where a secret is set, and a late one changes nothing', async (t) => {
  const output = `data:image/png;base64,${Buffer.from(await png()).toString('base64')}`;
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const fake = await startFake(t, () => ({ id: 'p1', status: 'starting' }));
  const { draw, engines } = await open(t, predictions(fake.url, { delivery: 'webhook', webhookSecret: { variable: 'HOOK_SECRET' } }));
  const drawn = draw();
  const { webhook } = JSON.parse(String((await until(async () => fake.asked[0] ?? null)).body)) as { webhook: string };
  const place = /^https:\/\/look\.example\/engine-callbacks\/([0-9a-f]{48})$/.exec(webhook)?.[1] ?? assert.fail(webhook);
  const body = JSON.stringify({ id: 'p1', status: 'succeeded', output });
  const [id, moment] = ['msg_1', new Date()];
  const signed = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(moment.getTime() / 1000)), 'webhook-signature': new Webhook(secret).sign(id, moment, body) };
  assert.deepEqual([await engines.isKnown(place), await engines.isKnown('0'.repeat(48)), await engines.receive(place, body, {})], [true, false, false]);
  assert.equal(await engines.receive(place, body, signed), true);
  await engines.receive(place, JSON.stringify({ id: 'p1', status: 'processing' }), signed);
  assert.deepEqual((await drawn).madeBy, isOurs);
  assert.equal(await engines.isKnown(place), false);
});

test('predictions: a container is asked by PUT with an id, and again with the same one when the line breaks', async (t) => {
  const output = `data:image/png;base64,${Buffer.from(await png()).toString('base64')}`;
  const fake = await startFake(t, ({ path }, response) => {
    const times = fake.asked.filter((one) => one.path === path).length;
    if (times === 1) return void response.destroy();
    return times === 2 ? { status: 'processing' } : { status: 'succeeded', output };
  });
  const { draw } = await open(t, predictions(fake.url, { delivery: 'cog-put', model: null }));
  assert.deepEqual((await draw()).madeBy, isOurs);
  assert.deepEqual([fake.paths().length, new Set(fake.paths()).size], [3, 1]);
  assert.match(fake.paths()[0] ?? '', /^PUT \/predictions\/[0-9a-f]{26}$/);
});

test('an account has the engine that was chosen for it, and a style’s own comes first', async (t) => {
  const { engines } = await open(t, comfy('http://127.0.0.1:9'));
  const [one, other] = [newAccountId(), newAccountId()];
  const idOf = async (accountId: typeof one, styleId: string) => (await engines.engineFor(accountId, styleId)).info().id;
  await engines.choose(one, 'gpu');
  assert.deepEqual([await idOf(one, '462817'), await idOf(other, '462817'), await idOf(other, '817941')], ['gpu', 'painter', 'gpu']);
  await engines.choose(one, null);
  assert.equal(await idOf(one, '462817'), 'painter');
});

test('every fault of the file is told at once, and no secret', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'engines-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'engines.json');
  await writeFile(file, JSON.stringify({ engines: { gpu: { ...comfy('http://gpu:8188'), token: { variable: 'NOT_SET' } } }, default: 'none' }));
  assert.deepEqual(readEngines(file, {}).faults.map((fault) => fault.replaceAll(folder, '')), [
    'ENGINES: the variable NOT_SET is not set', "ENGINES: /workflow.json cannot be read: ENOENT: no such file or directory, open '/workflow.json'",
    "ENGINES: /workflow.json is no workflow in ComfyUI's API format", 'ENGINES: there is no engine none',
  ]);
});
