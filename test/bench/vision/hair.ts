import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { styles } from '../../../subgraphs/hairstyle/catalogue/styles.ts';
import { EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import type { PreparedPhoto } from '../../../subgraphs/vision/engine.ts';
import { FACE_OVAL, fillPolygon, POINT, pointOf, ring } from '../../../subgraphs/vision/mesh.ts';
import { requireHairline } from '../../../subgraphs/vision/amount.ts';
import { preparePhoto } from '../../../subgraphs/vision/prepare.ts';
import { renderLook } from '../../../subgraphs/vision/strands/render.ts';
import { encodePicture } from '../../../subgraphs/vision/generate.ts';
import { identityDistance } from '../../support/identity.ts';
import { floor, mean, quantile, say, verdict } from './figures.ts';
import { beside, type Portrait } from './portraits.ts';

/** Heads whose hair a hat or a scarf hides, and heads without any: the masks say nothing of them. */
const covered = new Set(['female/9.jpg', 'female/17.jpg', 'female/21.jpg', 'female/41.jpg', 'female/73.jpg', 'male/29.jpg']);
const bare = new Set(['male/25.jpg', 'male/33.jpg', 'male/41.jpg', 'male/53.jpg', 'male/61.jpg', 'male/69.jpg']);
/** Of the skin's lightness, where it is known. */
const bands = [['dark', 0, 45], ['middle', 45, 60], ['light', 60, 101]] as const;
const looks = [817941, 619872, 160948, 946281, 614253, 320679];

type Seen = { name: string; l: number | null; iou: number | null; leak: number | null };

/** Whether hair is found where the masks have it, what a picture costs, and whether the person stays who it is. */
export async function hair(portraits: readonly Portrait[]): Promise<void> {
  const seen: Seen[] = [];
  const refused: string[] = [];
  const drawn: Drawn[] = [];
  for (const [number, { name, bytes, lab }] of portraits.entries()) {
    const started = process.cpuUsage();
    const photo = await preparePhoto(bytes).then((prepared) => (requireHairline(prepared, false), prepared)).catch((error: unknown) => refusal(error, name, refused));
    if (!photo) continue;
    const preparedMs = cpuMs(started);
    const mask = await maskOf(name, photo);
    seen.push({ name, l: lab?.[0] ?? null, iou: mask && !covered.has(name) && !bare.has(name) ? iouOf(photo.hair, mask) : null, leak: mask && !covered.has(name) ? leakOf(photo, mask) : null });
    if (number % 4 === 0) drawn.push(await draw(photo, bytes, preparedMs, looks[(number / 4) % looks.length] ?? 817941));
  }
  tellMasks(seen, refused, portraits);
  tellPictures(drawn);
}

function refusal(error: unknown, name: string, refused: string[]): null {
  if (!(error instanceof EngineRefusal)) throw error;
  refused.push(`${name} ${error.code}`);
  return null;
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** 1 where there is hair, in the photo's size; null where nobody has said. */
async function maskOf(name: string, { width, height }: PreparedPhoto): Promise<Uint8Array | null> {
  const file = join(beside, 'hairmask', `${name.replace('/', '_').replace('.jpg', '')}.png`);
  if (!existsSync(file)) return null;
  const { data } = await sharp(file).extractChannel(0).resize(width, height, { fit: 'fill' }).raw().toBuffer({ resolveWithObject: true });
  return Uint8Array.from(data, (value) => (value >= 128 ? 1 : 0));
}

function iouOf(hairPlane: Float32Array, mask: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < mask.length; i++) {
    const is = hairPlane[i]! >= 0.5;
    if (is && mask[i]) both++;
    if (is || mask[i]) either++;
  }
  return either === 0 ? 1 : both / either;
}

/** Which share of the forehead is taken for hair. */
function leakOf({ width, height, landmarks, hair: plane }: PreparedPhoto, mask: Uint8Array): number {
  const oval = fillPolygon(width, height, ring(landmarks, FACE_OVAL));
  const brow = pointOf(landmarks, POINT.noseRoot)[1];
  let [skin, taken] = [0, 0];
  for (let i = 0; i < Math.floor(brow) * width; i++) {
    if (oval[i]! < 0.5 || mask[i]) continue;
    skin++;
    if (plane[i]! >= 0.5) taken++;
  }
  return taken / Math.max(1, skin);
}

type Drawn = { preparedMs: number; drawnMs: number; identity: number };

async function draw(photo: PreparedPhoto, bytes: Uint8Array, preparedMs: number, id: number): Promise<Drawn> {
  const look = styles.find((style) => style.id === id)?.look;
  if (!look) throw new Error(`there is no style ${id}`);
  const started = process.cpuUsage();
  const { rgb } = renderLook(photo, look, { color: { hex: '#5b3a26' }, forceNewHairline: false, seed: id, onProgress: () => undefined });
  const picture = await encodePicture({ width: photo.width, height: photo.height, rgb }, 'live');
  return { preparedMs, drawnMs: cpuMs(started), identity: await identityDistance(bytes, picture) };
}

function tellMasks(seen: readonly Seen[], refused: readonly string[], portraits: readonly Portrait[]): void {
  const measured = seen.filter((one): one is Seen & { iou: number } => one.iou !== null);
  if (measured.length === 0) return say('  no masks here: ../shared/portraits is not present');
  const all = measured.map(({ iou }) => iou);
  say(floor(`intersection over union, ${all.length} heads, mean`, mean(all), 0.88));
  say(floor('intersection over union, median', quantile(all, 0.5), 0.92));
  say('  the net was trained on these heads: weights/train.py says what it finds of others, and what its labels would reach');
  say(`  worst: ${measured.toSorted((a, b) => a.iou - b.iou).slice(0, 6).map(({ name, iou }) => `${name} ${iou.toFixed(2)}`).join(', ')}`);
  const hidden = portraits.filter(({ name }) => covered.has(name) || bare.has(name)).map(({ name }) => name);
  say(floor(`covered and bald heads refused, of ${hidden.length}`, hidden.filter((name) => refused.some((one) => one.startsWith(name))).length / Math.max(1, hidden.length), 0.8));
  say(`  refused: ${refused.join(', ') || 'none'}`);
  for (const [band, from, to] of bands) {
    const leaks = seen.flatMap(({ l, leak }) => (leak !== null && l !== null && l >= from && l < to ? [leak] : []));
    if (leaks.length > 0) say(`  forehead taken for hair, ${band} skin, ${leaks.length} heads${' '.repeat(12)} ${(mean(leaks) * 100).toFixed(2)} %`);
  }
}

function tellPictures(drawn: readonly Drawn[]): void {
  say(verdict(`CPU of one picture with its preparation, s, mean of ${drawn.length}`, mean(drawn.map(({ preparedMs, drawnMs }) => (preparedMs + drawnMs) / 1000)), 2.5));
  say(`  of it preparation, shared by all styles of a job: ${(mean(drawn.map(({ preparedMs }) => preparedMs)) / 1000).toFixed(2)} s`);
  say(verdict('identity distance, median', quantile(drawn.map(({ identity }) => identity), 0.5), 0.45));
  say(verdict('identity distance, largest', Math.max(...drawn.map(({ identity }) => identity)), 0.6));
}
