import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { bombs } from '../fuzz/bombs/index.ts';
import { type Doors, openDoors } from '../fuzz/doors.ts';
import { judge } from '../fuzz/judge.ts';
import { disguised, mutated, validPictures } from '../fuzz/pictures.ts';
import { startWatchedServer } from '../fuzz/watched-server.ts';

/** `npm run fuzz -- pictures` sends ten thousand, and looks at what each of them costs: that is no test for a machine that does other things. */
const limits = { cpuMs: Infinity, turnMs: Infinity };
const seed = 7;
/** What decoders take for their largest picture, and have not given back yet; whoever kept every picture would keep tens of gigabytes. */
const mostGrownBytes = 500 * 2 ** 20;

const server = await startWatchedServer({ after });
const doors = await openDoors(server);
const valid = await validPictures();

async function assertAnswered(door: keyof Doors, name: string, bytes: Uint8Array, fileName?: string): Promise<{ status: number; text: string }> {
  const verdict = await judge(server, doors, door, { name, bytes, ...fileName !== undefined && { fileName } }, limits);
  assert.equal(verdict.wrong, null, `${name} at ${door}`);
  return verdict;
}

let begun = 0;
test('a photo of each type is taken at every door', async () => {
  for (const [type, bytes] of Object.entries(valid)) for (const door of Object.keys(doors) as (keyof Doors)[]) {
    // A shade is read of three types only; HEIC is slow the first time, for its decoder is loaded then.
    const { status, text } = await doors[door](bytes);
    assert.equal(status, door === 'skinshade' && type === 'webp' ? 400 : 200, `${type} at ${door}: ${text}`);
  }
  begun = (await server.settled()).residentBytes;
});

describe('a file that is small to send and dear to read is answered as documented', () => {
  for (const [name, make] of Object.entries(bombs)) test(name, async () => void (await assertAnswered('images', name, await make())));
});

test('a photo that breaks off anywhere is answered as documented', async () => {
  for (const [type, bytes] of Object.entries(valid)) for (let percent = 1; percent < 100; percent += 7) {
    await assertAnswered('images', `${type} of ${percent} %`, bytes.subarray(0, Math.floor((bytes.length * percent) / 100)));
  }
});

describe('a file that is two things, or not what it is called', async () => {
  for (const [name, { name: fileName, bytes }] of Object.entries(await disguised(valid))) test(`${name} is refused, or kept as the photo alone`, async () => {
    const { status, text } = await assertAnswered('images', name, bytes, fileName);
    if (status !== 200) return;
    const { data } = JSON.parse(text) as { data: { url: string; name: string } };
    assert.ok(!/[/\\]/.test(data.name) && data.name.length <= 255, data.name);
    const { pathname, search } = new URL(data.url);
    const kept = new Uint8Array(await (await server.send(pathname + search)).arrayBuffer());
    assert.equal((await sharp(kept).metadata()).format, 'jpeg');
    assert.doesNotMatch(Buffer.from(kept).toString('latin1'), /script|php|Exif/);
  });
});

test(`200 photos with bytes changed at random (seed ${seed}) are answered as documented`, async () => {
  const names = Object.keys(doors) as (keyof Doors)[];
  for (let at = 0; at < 200; at += 1) {
    const { type, bytes } = mutated(valid, seed, at);
    await assertAnswered(names[at % names.length] ?? 'images', `${type} ${at}`, bytes);
  }
});

test('after all that, good photos are taken as before, and memory is about what it was', async (t) => {
  for (const [type, bytes] of Object.entries(valid)) assert.equal((await doors.images(bytes)).status, 200, type);
  assert.doesNotMatch(server.output(), /Decoding image failed|Could not parse/);
  const [{ residentBytes, longestTurnMs }, before] = [await server.settled(), begun];
  t.diagnostic(`${Math.round(before / 2 ** 20)} MB before, ${Math.round(residentBytes / 2 ** 20)} MB after; longest turn of the event loop since the last picture ${Math.round(longestTurnMs)} ms`);
  assert.ok(residentBytes - before < mostGrownBytes, `${residentBytes - before} bytes more`);
});
