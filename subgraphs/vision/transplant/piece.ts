import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { dilate } from '../dilate.ts';
import { pushPull } from '../inpaint.ts';
import type { PreparedPhoto } from '../engine.ts';
import { clamp } from '../raster.ts';
import type { Plane } from '../raster.ts';
import { fitHead } from '../strands/head.ts';
import { faceFrame } from '../mesh.ts';
import { anchorsOf } from './anchors.ts';
import type { Anchors } from './anchors.ts';
import { trimmedAlpha } from './trim.ts';

/** What is kept of a portrait whose hair others may wear: the hair alone, and where on the head it sat. Nothing of the face is in the picture. */
export type HairPiece = {
  /** WebP with alpha: the hair's own colors, without what shone through it. */
  picture: Uint8Array;
  about: PieceGeometry;
};

/** Places in px of the piece's picture. Plain data, safe to store as JSON. */
export type PieceGeometry = {
  width: number;
  height: number;
  anchors: Anchors;
  /** Median CIELAB (D65) of the hair. */
  lab: [number, number, number];
  light: PreparedPhoto['light'];
  sharpness: number;
  pxPerCm: number;
  /** Turn of the head to the side in degrees, positive to the right of the picture. */
  yaw: number;
};

/** A piece that was decoded: `rgb` 0..255 interleaved, `alpha` 0..1. */
export type OpenPiece = { about: PieceGeometry; rgb: Uint8ClampedArray; alpha: Plane };

/** Width of the hair's rim whose color is doubted. */
const RIM_PX = 3;

type Box = { x: number; y: number; width: number; height: number };

/** Cuts the hair of an analysed photo out. `lab` as in the photo. */
export async function cutPiece(photo: PreparedPhoto, lab: [number, number, number], yaw: number): Promise<HairPiece> {
  const { unit } = faceFrame(photo.landmarks);
  const cut = { ...photo, hair: trimmedAlpha(photo, unit) };
  const box = hairBox(cut);
  const { width, height } = box;
  const own = ownColor(cut, box);
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const from = at(photo, box, i);
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = clamp(Math.round(own[c]![i]!), 0, 255);
    rgba[i * 4 + 3] = Math.round(clamp(cut.hair[from]!, 0, 1) * 255);
  }
  const picture = await sharp(rgba, { raw: { width, height, channels: 4 } }).webp({ quality: 95, alphaQuality: 100, exact: true, effort: 4 }).toBuffer();
  const { light, sharpness } = photo;
  return { picture: new Uint8Array(picture), about: { width, height, anchors: anchorsOf(photo, box), lab, light, sharpness, pxPerCm: fitHead(photo.landmarks).pxPerCm, yaw } };
}

/** Decodes a piece at `scale` times its size, so that what is drawn of it is neither coarse nor aliased. */
export async function openPiece({ picture, about }: HairPiece, scale: number): Promise<OpenPiece> {
  const [width, height] = [Math.max(8, Math.round(about.width * scale)), Math.max(8, Math.round(about.height * scale))];
  const open = (): Sharp => sharp(picture, { failOn: 'truncated' });
  const info = await open().metadata();
  if (info.width !== about.width || info.height !== about.height) throw new Error('a hair piece has not the size that it says');
  // Together they would be multiplied, and the colors under the softest rim be lost.
  const resized = async (part: Sharp): Promise<Buffer> => part.resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
  const rgb = await resized(open().removeAlpha());
  const alpha = await resized(open().ensureAlpha().extractChannel('alpha'));
  const grown = { ...about, width, height, anchors: about.anchors.map((value, i) => (value * (i % 2 === 0 ? width / about.width : height / about.height))) };
  return { about: grown, rgb: new Uint8ClampedArray(rgb), alpha: Float32Array.from(alpha, (value) => value / 255) };
}

const at = ({ width }: { width: number }, box: Box, i: number): number => (box.y + Math.floor(i / box.width)) * width + box.x + (i % box.width);

function hairBox({ hair, width, height }: PreparedPhoto): Box {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let i = 0; i < hair.length; i++) {
    if (hair[i]! < 0.02) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  }
  const margin = 4;
  [x0, y0, x1, y1] = [Math.max(0, x0 - margin), Math.max(0, y0 - margin), Math.min(width - 1, x1 + margin), Math.min(height - 1, y1 + margin)];
  return { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
}

/** The hair's color without the skin and background that show through its rim: carried outwards from where nothing does. */
function ownColor(photo: PreparedPhoto, box: Box): [Plane, Plane, Plane] {
  const count = box.width * box.height;
  const sure = new Float32Array(count);
  for (let i = 0; i < count; i++) sure[i] = photo.hair[at(photo, box, i)]! > 0.94 ? 1 : 0;
  const inner = dilate(sure, box.width, box.height, -RIM_PX);
  const one = (c: number): Plane => {
    const seen = new Float32Array(count);
    for (let i = 0; i < count; i++) seen[i] = photo.rgb[at(photo, box, i) * 3 + c]!;
    const carried = pushPull(seen, inner, box.width, box.height);
    for (let i = 0; i < count; i++) {
      const from = at(photo, box, i);
      const share = photo.hair[from]!;
      if (inner[i] === 1) continue;
      const alone = share < 0.05 ? carried[i]! : (seen[i]! - (1 - share) * photo.plate[from * 3 + c]!) / share;
      // What is hardly hair says little about its color, and a bright wall shines through the rim.
      const trust = clamp((share - 0.4) / 0.6, 0, 1) * 0.75;
      seen[i] = carried[i]! + clamp(alone - carried[i]!, -50, 25) * trust;
    }
    return seen;
  };
  return [one(0), one(1), one(2)];
}
