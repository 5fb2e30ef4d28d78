import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { differenceCiede2000 } from 'culori';
import sharp, { type Sharp } from 'sharp';
import { decodeRaster } from '../../../subgraphs/vision/decode.ts';
import { detectFaces } from '../../../subgraphs/vision/faces.ts';
import { createVision, EngineRefusal, type SkinShade } from '../../../subgraphs/vision/index.ts';
import { FACE_OVAL, fitMesh, ring } from '../../../subgraphs/vision/mesh.ts';
import { pyramid } from '../../../subgraphs/vision/raster.ts';
import { drawnHeic, drawnPng, nobody, portrait, profile, severalFaces, truncatedJpeg } from '../../support/photos.ts';

const vision = createVision({ workers: 2 });
after(() => vision.close());

const difference = differenceCiede2000();
const apart = (one: SkinShade, two: SkinShade): number => difference(...[one, two].map(({ lab: [l, a, b] }) => ({ mode: 'lab65' as const, l, a, b })) as [object, object] as Parameters<typeof difference>);
const original = await portrait();
const seen = await vision.detectShade(original);
const changed = async (change: (photo: Sharp) => Sharp): Promise<SkinShade> => vision.detectShade(await change(sharp(original)).jpeg({ quality: 92 }).toBuffer());

test('a portrait in the yellow light of a room is read with that doubt alone, and twice alike', async () => {
  const [l, a, b] = seen.lab;
  assert.ok(l > 60 && l < 70 && a > 3 && a < 8 && b > 22 && b < 30, seen.lab.join());
  assert.deepEqual(seen.warnings, ['COLOR_CAST']);
  assert.ok(seen.confidence > 0.7 && seen.confidence < 0.95, String(seen.confidence));
  assert.deepEqual(await vision.detectShade(original), seen);
});

test('what happens to a file on its way does not change the shade in it', async () => {
  const ways: Record<string, (photo: Sharp) => Sharp> = {
    compressed: (photo) => photo.jpeg({ quality: 40 }), small: (photo) => photo.resize({ width: 192 }), mirrored: (photo) => photo.flop(),
    cropped: (photo) => photo.extract({ left: 40, top: 60, width: 400, height: 460 }), turned: (photo) => photo.rotate(12, { background: '#888888' }),
  };
  for (const [name, change] of Object.entries(ways)) assert.ok(apart(await changed(change), seen) < 1.2, `${name}: ${apart(await changed(change), seen)}`);
});

test('all eight EXIF orientations of a picture have one shade', async () => {
  const laid: Record<number, (photo: Sharp) => Sharp> = {
    1: (photo) => photo, 2: (photo) => photo.flop(), 3: (photo) => photo.rotate(180), 4: (photo) => photo.flip(),
    5: (photo) => photo.rotate(270).flop(), 6: (photo) => photo.rotate(270), 7: (photo) => photo.rotate(90).flop(), 8: (photo) => photo.rotate(90),
  };
  for (const [orientation, lay] of Object.entries(laid)) {
    const bytes = await sharp(await lay(sharp(original)).png().toBuffer()).withMetadata({ orientation: Number(orientation) }).jpeg({ quality: 92 }).toBuffer();
    assert.ok(apart(await vision.detectShade(bytes), seen) < 0.5, `orientation ${orientation}`);
  }
});

test('PNG, JPEG and HEIC of one picture have one shade, whatever colors the HEIC counts in', async () => {
  const png = await drawnPng();
  const drawn = await vision.detectShade(png);
  for (const bytes of [await sharp(png).jpeg({ quality: 90 }).toBuffer(), drawnHeic(), drawnHeic('p3')]) assert.ok(apart(await vision.detectShade(bytes), drawn) < 1);
});

test('the same in the light of day is read without a doubt', async () => {
  const { warnings, confidence } = await changed((photo) => photo.recomb([[1.04, 0, 0], [0, 0.96, 0], [0, 0, 1.12]]));
  assert.deepEqual([confidence, warnings], [1, []]);
});

test('light from one side, glare, darkness and colored light are told, and cost confidence', async () => {
  const { width, height } = await sharp(original).metadata();
  const shadow = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><linearGradient id="g"><stop offset="0.25" stop-color="#fff"/><stop offset="0.7" stop-color="#333"/></linearGradient><rect width="${width}" height="${height}" fill="url(#g)"/></svg>`);
  const cases: [string, (photo: Sharp) => Sharp][] = [
    ['UNEVEN_LIGHT', (photo) => photo.composite([{ input: shadow, blend: 'multiply' }])], ['CLIPPED', (photo) => photo.linear(2, 0)],
    ['TOO_DARK', (photo) => photo.linear(0.2, 0)], ['COLOR_CAST', (photo) => photo.recomb([[0.5, 0, 0], [0, 0.8, 0], [0, 0, 1.5]])], ['LOW_CHROMA', (photo) => photo.modulate({ saturation: 0.25 })],
  ];
  for (const [warning, change] of cases) {
    const { warnings, confidence } = await changed(change);
    assert.ok(warnings.includes(warning as (typeof warnings)[number]) && confidence < 1, `${warning}: ${warnings.join()} ${confidence}`);
  }
});

test('a mask over the lower face is told, and the shade is that of the upper one', async () => {
  const levels = pyramid(await decodeRaster(original, 1024));
  const [face] = await detectFaces(levels);
  assert.ok(face);
  const outline = ring((await fitMesh(levels, face)).points, [...FACE_OVAL.slice(8, 29), 197]);
  const { width, height } = await sharp(original).metadata();
  for (const color of ['#bcd4e6', '#ffffff', '#111111', '#3a6b35']) {
    const mask = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><polygon points="${outline.map((value) => value.toFixed(1)).join(' ')}" fill="${color}"/></svg>`);
    const covered = await changed((photo) => photo.composite([{ input: mask }]));
    assert.ok(covered.warnings.includes('COVERED_FACE') && covered.confidence <= 0.6, `${color}: ${covered.warnings.join()}`);
    assert.ok(apart(covered, seen) < 8, `${color}: ${apart(covered, seen)}`);
  }
});

test('of a face in profile the near half is read, not the bright wall behind it, and that is told', async () => {
  const { lab: [l], warnings } = await vision.detectShade(await profile());
  assert.equal(warnings[0], 'TURNED_FACE');
  assert.ok(l > 65 && l < 78, `lightness ${l}; the wall has 100`);
});

test('a face of 40 to 80 pixels is read with a doubt, a smaller one refused', async () => {
  const { warnings } = await changed((photo) => photo.resize({ width: 150 }));
  assert.ok(warnings.includes('SMALL_FACE'), warnings.join());
});

test('nobody, several people, grey and broken pictures are refused, each with its code', async () => {
  const refused = (code: string) => (error: unknown) => error instanceof EngineRefusal && error.code === code;
  await assert.rejects(vision.detectShade(await nobody()), refused('NO_FACE'));
  await assert.rejects(vision.detectShade(await severalFaces()), refused('MULTIPLE_FACES'));
  await assert.rejects(vision.detectShade(await sharp(original).greyscale().jpeg({ quality: 60 }).toBuffer()), refused('GREYSCALE'));
  await assert.rejects(vision.detectShade(await truncatedJpeg()), refused('UNSUPPORTED_IMAGE'));
  await assert.rejects(vision.detectShade(await sharp(original).resize({ width: 70 }).extend({ left: 100, right: 100, background: '#dddddd' }).jpeg().toBuffer()), refused('FACE_TOO_SMALL'));
});
