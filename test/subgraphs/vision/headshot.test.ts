import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, describe, test } from 'node:test';
import sharp, { type Region } from 'sharp';
import { decodeRaster } from '../../../subgraphs/vision/decode.ts';
import type { EngineStage, HeadshotShot } from '../../../subgraphs/vision/engine.ts';
import { detectFaces } from '../../../subgraphs/vision/faces.ts';
import { frameOf, type Outline, standsOn } from '../../../subgraphs/vision/headshot/framing.ts';
import { backdrops, createVision } from '../../../subgraphs/vision/index.ts';
import { faceFrame, fitMesh } from '../../../subgraphs/vision/mesh.ts';
import { pyramid } from '../../../subgraphs/vision/raster.ts';
import { identityDistance } from '../../support/identity.ts';
import { nobody, portrait, severalFaces } from '../../support/photos.ts';

const vision = createVision({ workers: 1 });
after(() => vision.close());
const friends = (number: number): string => createRequire(import.meta.url).resolve(`@vladmandic/face-api/demo/sample${number}.jpg`);
const crop = async (number: number, left: number, top: number, width: number, height: number): Promise<Uint8Array> => sharp(friends(number)).extract({ left, top, width, height }).jpeg({ quality: 95 }).toBuffer();
/** A woman with curls, a hand behind her head, before a busy bar. */
const curls = await crop(3, 360, 190, 620, 760);

const shoot = async (photo: Uint8Array, shot: HeadshotShot, { mostHeight, mode = 'live', stages = [] }: { mostHeight?: number; mode?: 'live' | 'test'; stages?: EngineStage[] } = {}) =>
  vision.shoot({ photo, photoKey: createHash('sha256').update(photo).digest('hex'), shot, ...mostHeight && { mostHeight } }, { signal: AbortSignal.timeout(60_000), seed: 7, mode, onProgress: ({ stage }) => void stages.push(stage) });

describe('a selfie is looked at', () => {
  test('a usable one is ready for pictures, upright and without metadata', async () => {
    const { issues, score, framings, normalised } = await vision.assess(await portrait());
    assert.deepEqual([issues, framings], [[], [{ framing: 'close', aspect: '4:5' }]]);
    assert.ok(score > 0.2 && score < 1, `${score}`);
    const { width, height, exif } = await sharp(normalised).metadata();
    assert.deepEqual([width, height, exif], [480, 620, undefined]);
  });

  test('one with more room holds more kinds of pictures', async () => {
    const { framings } = await vision.assess(curls);
    assert.ok(framings.length >= 3, JSON.stringify(framings));
  });

  const useless: Record<string, () => Promise<Uint8Array>> = {
    NO_FACE: nobody, MULTIPLE_FACES: severalFaces,
    HEAD_CUT_OFF: async () => sharp(curls).extract({ left: 0, top: 150, width: 620, height: 610 }).jpeg().toBuffer(),
    BODY_CUT_OFF: async () => sharp(await portrait()).extract({ left: 0, top: 0, width: 480, height: 440 }).jpeg().toBuffer(),
    EYES_CLOSED: () => crop(1, 600, 250, 620, 780),
    FACE_TURNED: () => crop(2, 760, 60, 460, 620),
    TOO_DARK: async () => sharp(curls).linear(0.12, 0).jpeg().toBuffer(),
    BLURRY: async () => sharp(curls).blur(9).jpeg().toBuffer(),
  };
  for (const [issue, photo] of Object.entries(useless)) {
    test(`refused for ${issue}`, async () => {
      const { issues, score, framings } = await vision.assess(await photo());
      assert.deepEqual([issues[0], score, framings], [issue, 0, []]);
    });
  }

  test('of a picture with half a neighbour the neighbour is told', async () => assert.deepEqual((await vision.assess(await crop(3, 930, 90, 520, 720))).issues, ['MULTIPLE_FACES']));

  test('a sharper, larger face is worth more', async () => {
    const coarse = await sharp(curls).resize({ width: 300 }).jpeg({ quality: 60 }).toBuffer();
    const [fine, worse] = [await vision.assess(curls), await vision.assess(coarse)];
    assert.ok(worse.issues.length === 0 && worse.score < fine.score * 0.8, `${worse.score} against ${fine.score}`);
  });
});

/** Where the eyes are and how high the face is, in heights of the picture. */
async function measure(bytes: Uint8Array): Promise<{ eyes: number; face: number; middle: number }> {
  const levels = pyramid(await decodeRaster(bytes, 1280));
  const [face, ...others] = await detectFaces(levels);
  assert.ok(face && others.length === 0, `${others.length + 1} faces`);
  const { y, x, unit } = faceFrame((await fitMesh(levels, face)).points);
  const { width, height } = levels[0] ?? assert.fail();
  return { eyes: y / height, face: unit / height, middle: x / width };
}

/** Mean and spread of a part of a picture, each channel. */
const statsOf = async (bytes: Uint8Array, part: Region) => (await sharp(await sharp(bytes).extract(part).toBuffer()).stats()).channels;

describe('a headshot', () => {
  test('has the eyes on the upper third, room above the head, the right size, and the same person before our own background', async () => {
    const stages: EngineStage[] = [];
    const made = await shoot(curls, { backdrop: 'studio-charcoal', framing: 'portrait', aspect: '4:5' }, { stages });
    assert.deepEqual([made.mime, made.width / made.height], ['image/jpeg', 0.8]);
    assert.ok(made.height >= 1000 && made.height <= 1280, `${made.height}`);
    const { eyes, face, middle } = await measure(made.bytes);
    assert.ok(eyes > 0.33 && eyes < 0.47 && face > 0.28 && face < 0.45 && Math.abs(middle - 0.5) < 0.13, JSON.stringify({ eyes, face, middle }));
    for (const left of [10, made.width - 90]) {
      const channels = await statsOf(made.bytes, { left, top: 10, width: 80, height: 80 });
      for (const { mean, stdev } of channels) assert.ok(mean > 15 && mean < 95 && stdev < 14, `a corner of the background: ${mean} ${stdev}`);
    }
    const strip = await statsOf(made.bytes, { left: 0, top: 0, width: made.width, height: Math.round(made.height * 0.02) });
    for (const { max } of strip) assert.ok(max < 150, 'no hair and no light at the upper edge');
    const distance = await identityDistance(curls, made.bytes);
    assert.ok(distance < 0.3, `identity ${distance}`);
    assert.deepEqual([...new Set(stages)], ['detect', 'segment', 'render', 'encode']);
    assert.ok(made.original.length > made.bytes.length);
  });

  test('the background changes and the person does not', async () => {
    const [white, blue] = [await shoot(curls, { backdrop: 'studio-white', framing: 'close', aspect: '1:1' }), await shoot(curls, { backdrop: 'studio-blue', framing: 'close', aspect: '1:1' })];
    assert.deepEqual([white.width, white.height], [blue.width, blue.height]);
    assert.equal(white.width, white.height);
    const face = { left: Math.round(white.width * 0.44), top: Math.round(white.height * 0.42), width: Math.round(white.width * 0.12), height: Math.round(white.height * 0.12) };
    const means = async (bytes: Uint8Array, part: Region) => (await statsOf(bytes, part)).map(({ mean }) => Math.round(mean));
    const [a, b] = [await means(white.bytes, face), await means(blue.bytes, face)];
    a.forEach((value, channel) => assert.ok(Math.abs(value - (b[channel] ?? 0)) <= 2, `${a.join(' ')} and ${b.join(' ')}`));
    const corner = { left: 5, top: 5, width: 60, height: 60 };
    assert.ok((await means(white.bytes, corner))[0]! > 200 && (await means(blue.bytes, corner))[0]! < 80);
  });

  test('what shows between arm and hair goes with the old background, and a bare shoulder as pale as the wall stays', async () => {
    // Her hand is in her hair; behind her a white wall and somebody in pink.
    const photo = await crop(2, 1195, 0, 698, 791);
    const [white, blue] = [await shoot(photo, { backdrop: 'studio-white', framing: 'close', aspect: '4:5' }, { mostHeight: 640 }), await shoot(photo, { backdrop: 'studio-blue', framing: 'close', aspect: '4:5' }, { mostHeight: 640 })];
    /** Of a part, in hundredths of the picture: which share of its pixels changes with the background. */
    const changed = async (left: number, top: number, width: number, height: number): Promise<number> => {
      const part = { left: Math.round(left * 5.12), top: Math.round(top * 6.4), width: Math.round(width * 5.12), height: Math.round(height * 6.4) };
      const [a, b] = await Promise.all([white, blue].map(async ({ original }) => sharp(original).extract(part).greyscale().raw().toBuffer()));
      return a!.reduce((sum, value, i) => sum + Number(Math.abs(value - b![i]!) > 30), 0) / a!.length;
    };
    assert.ok(await changed(7, 85, 9, 8) > 0.9, `between arm and hair: ${await changed(7, 85, 9, 8)}`);
    assert.equal(await changed(55, 68, 40, 30), 0, 'neck and shoulder');
  });

  test('the same bytes again; a test picture is smaller on demand, and marked', async () => {
    const shot = { backdrop: 'office-plants', framing: 'close', aspect: '4:5' } as const;
    const photo = await portrait();
    const [one, two] = [await shoot(photo, shot, { mostHeight: 640 }), await shoot(photo, shot, { mostHeight: 640 })];
    assert.ok(Buffer.from(one.bytes).equals(Buffer.from(two.bytes)));
    assert.equal(one.height, 640);
    const marked = await shoot(photo, shot, { mostHeight: 640, mode: 'test' });
    assert.ok(!Buffer.from(marked.bytes).equals(Buffer.from(one.bytes)));
  });

  test('a picture that the photo does not hold is refused', async () => {
    await assert.rejects(shoot(await portrait(), { backdrop: 'studio-grey', framing: 'bust', aspect: '4:5' }), { name: 'EngineRefusal', code: 'UNSUPPORTED_IMAGE' });
  });

  test('canceled, it ends at once', async () => {
    const stop = new AbortController();
    const making = vision.shoot({ photo: curls, photoKey: 'canceled', shot: { backdrop: 'studio-grey', framing: 'portrait', aspect: '4:5' } }, { signal: stop.signal, seed: 1, mode: 'live', onProgress: () => stop.abort(new Error('enough')) });
    await assert.rejects(making, /enough/);
  });
});

test('backgrounds: studio, gradients and offices, at least three of each', () => {
  const kinds = Object.values(backdrops).map(({ kind }) => kind);
  for (const kind of ['studio', 'gradient', 'office'] as const) assert.ok(kinds.filter((one) => one === kind).length >= 3, kind);
});

describe('framing', () => {
  const frame = { x: 500, y: 400, cos: 1, sin: 0, unit: 200 };
  const outline: Outline = { width: 1000, height: 1000, frame, top: 220, leavesLeft: 1000, leavesRight: 1000, isHeadCut: false };

  test('shrinks where the photo cuts the body, until nothing would float', () => {
    const whole = frameOf(outline, 'bust', '4:5');
    assert.ok(whole && Math.abs(whole.height - 760) < 1 && Math.abs(whole.eyes - 0.355) < 0.001);
    const low = frameOf({ ...outline, height: 830 }, 'bust', '4:5');
    assert.ok(low && low.height < 680 && low.y + low.height <= 830);
    assert.equal(frameOf({ ...outline, height: 600 }, 'portrait', '4:5'), null);
  });

  test('stays within the photo on a side where the person leaves it, and only there', () => {
    const left = frameOf({ ...outline, frame: { ...frame, x: 250 }, leavesLeft: 600 }, 'portrait', '4:5');
    assert.ok(left && left.x >= 0);
    const free = frameOf({ ...outline, frame: { ...frame, x: 200 } }, 'portrait', '4:5');
    assert.ok(free && free.x < 0, 'the background goes on');
    assert.equal(frameOf({ ...outline, frame: { ...frame, x: 130 }, leavesLeft: 600 }, 'portrait', '4:5'), null);
  });

  test('leaves room above high hair, and gives up on a head that is cut off', () => {
    const high = frameOf({ ...outline, top: 130 }, 'portrait', '4:5');
    assert.ok(high && high.y < 130 - 20 && high.eyes > 0.38);
    assert.equal(frameOf({ ...outline, isHeadCut: true }, 'portrait', '4:5'), null);
  });

  test('counts what stands on the lower edge', () => {
    const alpha = new Float32Array(100 * 100);
    for (let x = 20; x < 60; x++) alpha[99 * 100 + x] = 1;
    assert.equal(standsOn(alpha, 100, 100, { x: 0, y: 0, width: 100, height: 100, eyes: 0.4 }), 0.4);
  });
});
