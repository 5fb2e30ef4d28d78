import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { colors } from '../../../subgraphs/palette.ts';
import { styles, type HairStyle } from '../../../subgraphs/hairstyle/catalogue/styles.ts';
import { rgbToLab, toLinear } from '../../../subgraphs/vision/color.ts';
import type { PreparedPhoto } from '../../../subgraphs/vision/engine.ts';
import { mannequin } from '../../../subgraphs/vision/strands/mannequin.ts';
import { renderLook, type RenderOptions } from '../../../subgraphs/vision/strands/render.ts';

const bust = mannequin(176, 216);
const still: Omit<RenderOptions, 'color'> = { forceNewHairline: false, seed: 3, onProgress: () => {} };
const draw = (style: HairStyle, hex: string, change: Partial<typeof still> = {}, photo: PreparedPhoto = bust) =>
  renderLook(photo, style.look, { ...still, ...change, color: { hex } });
const styleOf = (description: string): HairStyle => {
  const found = styles.find((style) => style.description === description);
  assert.ok(found, description);
  return found;
};

function changedPixels(a: Uint8ClampedArray, b: Uint8ClampedArray, least = 12): number[] {
  const changed: number[] = [];
  for (let i = 0; i < a.length; i += 3) {
    if (Math.max(Math.abs(a[i]! - b[i]!), Math.abs(a[i + 1]! - b[i + 1]!), Math.abs(a[i + 2]! - b[i + 2]!)) >= least) changed.push(i / 3);
  }
  return changed;
}

const meanDifference = (a: Uint8ClampedArray, b: Uint8ClampedArray): number => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

/** Landmarks on lids, pupils' middle, nose tip and lips. */
const untouched = [33, 133, 159, 145, 263, 362, 386, 374, 1, 4, 5, 195, 0, 13, 14, 17, 61, 291];

test('every catalogue look grows hair of a sensible size and leaves eyes, nose and mouth as they are', () => {
  for (const style of styles) {
    const { rgb } = draw(style, '#5b3a26');
    const share = changedPixels(rgb, bust.plate).length / (bust.width * bust.height);
    assert.ok(share > 0.012 && share < 0.6, `${style.description} covers ${share}`);
    for (const index of untouched) {
      const i = (Math.round(bust.landmarks[index * 3 + 1]!) * bust.width + Math.round(bust.landmarks[index * 3]!)) * 3;
      assert.deepEqual(rgb.subarray(i, i + 3), bust.plate.subarray(i, i + 3), `${style.description} at landmark ${index}`);
    }
  }
});

/** Size of the piece of `pixels` that hangs together with its first pixel. */
function pieceFrom(pixels: number[], width: number): number {
  const left = new Set(pixels), queue = pixels.slice(0, 1);
  left.delete(queue[0]!);
  for (let i = queue.pop(), size = 1; ; i = queue.pop(), size += 1) {
    if (i === undefined) return size - 1;
    for (const near of [i - 1, i + 1, i - width, i + width, i - width - 1, i - width + 1, i + width - 1, i + width + 1]) if (left.delete(near)) queue.push(near);
  }
}

test('hair hangs together: no piece of it floats', () => {
  for (const description of ['Bob - classic', 'Long - straight', 'Afro - rounded', 'Mohawk - classic', 'Bun - high']) {
    const pixels = changedPixels(draw(styleOf(description), '#1c1817').rgb, bust.plate, 40);
    assert.ok(pieceFrom(pixels, bust.width) > pixels.length * 0.97, description);
  }
});

test('the same seed draws the same bytes and another seed other hair', () => {
  const style = styleOf('Bob - disheveled');
  assert.deepEqual(draw(style, '#5b3a26').rgb, draw(style, '#5b3a26').rgb);
  assert.notDeepEqual(draw(style, '#5b3a26').rgb, draw(style, '#5b3a26', { seed: 4 }).rgb);
});

test('a look survives the way to another thread', () => {
  for (const { look } of styles) assert.deepEqual(structuredClone(look), JSON.parse(JSON.stringify(look)));
});

/** Mean of the lit hair: changed pixels without the darkest 45 % and the brightest 5 %. */
function litColor(rgb: Uint8ClampedArray, pixels: number[]): [number, number, number] {
  const light = (i: number): number => toLinear(rgb[i * 3]!) * 0.21 + toLinear(rgb[i * 3 + 1]!) * 0.72 + toLinear(rgb[i * 3 + 2]!) * 0.07;
  const sorted = pixels.toSorted((a, b) => light(a) - light(b));
  const lit = sorted.slice(Math.floor(sorted.length * 0.45), Math.floor(sorted.length * 0.95));
  const sum = lit.reduce((total, i) => { rgbToLab(rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!).forEach((v, c) => { total[c]! += v; }); return total; }, [0, 0, 0]);
  return [sum[0]! / lit.length, sum[1]! / lit.length, sum[2]! / lit.length];
}

test('lit hair shows the asked color', () => {
  const style = styleOf('Long - blunt bangs');
  // Hair is where two very different colors are drawn differently.
  const hair = changedPixels(draw(style, '#ffffff').rgb, draw(style, '#000000').rgb, 130);
  for (const name of ['Brown', 'Black', 'Golden blond', 'Copper', 'Silver', 'Ocean blue']) {
    const { hex } = colors.find((color) => color.name === name)!;
    const value = Number.parseInt(hex.slice(1), 16);
    const want = rgbToLab(value >> 16 & 255, value >> 8 & 255, value & 255), seen = litColor(draw(style, hex).rgb, hair);
    const distance = Math.hypot(want[0] - seen[0], want[1] - seen[1], want[2] - seen[2]);
    assert.ok(distance < 8, `${name}: ${distance.toFixed(1)} from ${want.map(Math.round).join()} to ${seen.map(Math.round).join()}`);
  }
});

test('without a color the hair keeps the one of the photo', () => {
  const photo = { ...bust, hairLab: [68, 6, 28] as [number, number, number] };
  const style = styleOf('Long - straight');
  const kept = renderLook(photo, style.look, { ...still, color: null }).rgb;
  assert.ok(meanDifference(kept, draw(style, '#1c1817').rgb) > 4);
});

test('a new hairline lies lower than the person\'s own', () => {
  const style = styleOf('Slick back - classic');
  const own = changedPixels(draw(style, '#1c1817').rgb, bust.plate), fresh = changedPixels(draw(style, '#1c1817', { forceNewHairline: true }).rgb, bust.plate);
  const lowest = (pixels: number[]): number => Math.max(...pixels.filter((i) => Math.abs(i % bust.width - bust.width / 2) < 6).map((i) => Math.floor(i / bust.width)).filter((y) => y < bust.height * 0.45));
  assert.ok(lowest(fresh) >= lowest(own) + 2, `${lowest(own)} to ${lowest(fresh)}`);
});

test('tied and short hair passes behind the ears, long hair over them', () => {
  const ears = bust.ears.reduce((sum, value) => sum + value, 0);
  const hidden = (description: string): number => changedPixels(draw(styleOf(description), '#1c1817').rgb, bust.plate, 40).filter((i) => bust.ears[i] === 1).length / ears;
  assert.ok(ears > 100, `${ears} px of ears`);
  for (const description of ['Bun - low', 'Slick back - classic', 'Crop - textured']) assert.ok(hidden(description) < 0.25, `${description} hides ${hidden(description)}`);
  assert.ok(hidden('Long - straight') > 0.8, `long hair hides ${hidden('Long - straight')}`);
});

test('different styles look different', () => {
  const chosen = ['Bob - classic', 'Long - straight', 'Pixie - classic', 'Afro - rounded', 'Braids - box', 'Bun - high', 'Crop - textured', 'Pompadour - classic'];
  const drawn = chosen.map((description) => draw(styleOf(description), '#5b3a26').rgb);
  drawn.forEach((a, i) => drawn.slice(i + 1).forEach((b, j) => {
    assert.ok(meanDifference(a, b) > 1.2, `${chosen[i]} and ${chosen[i + 1 + j]}: ${meanDifference(a, b).toFixed(2)}`);
  }));
});

test('a head that touches the border is drawn without fault', () => {
  const high = mannequin(200, 200, { x: 100, y: 62, pxPerCm: 8 });
  for (const description of ['Afro - large', 'Pompadour - classic', 'Long - layered']) {
    assert.equal(draw(styleOf(description), '#8f1f2c', {}, high).rgb.length, high.rgb.length);
  }
});

test('progress only rises and ends at one', () => {
  const seen: number[] = [];
  draw(styleOf('Bob - wavy'), '#5b3a26', { onProgress: (fraction) => { seen.push(fraction); } });
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  assert.equal(seen.at(-1), 1);
});

test('every style and color has its preview pictures in the right size', async () => {
  const wanted = [
    ...styles.map((style) => [`${style.id}.webp`, 384, 480] as const),
    ...colors.flatMap(({ id }) => [[`${id}-thumb.webp`, 128, 128], [`${id}-full.webp`, 512, 512]] as const),
  ];
  for (const [name, width, height] of wanted) {
    const seen = await sharp(fileURLToPath(new URL(`../../../subgraphs/hairstyle/catalogue/previews/${name}`, import.meta.url))).metadata();
    assert.deepEqual([seen.format, seen.width, seen.height], ['webp', width, height], name);
  }
});

test('ids of styles are six digits, and nothing in the catalogue is there twice', () => {
  assert.ok(styles.every(({ id }) => Number.isInteger(id) && id >= 100_000 && id <= 999_999));
  for (const list of [styles.map(({ id }) => id), styles.map(({ description }) => description), colors.map(({ id }) => id), colors.map(({ name }) => name), colors.map(({ hex }) => hex)]) {
    assert.equal(new Set<unknown>(list).size, list.length);
  }
});
