import type { PreparedPhoto } from '../engine.ts';
import { fillPolygon, LEFT_EYE, LIPS, NOSE, RIGHT_EYE } from '../mesh.ts';
import { blurred } from './blur.ts';
import { clamp } from './numbers.ts';

const CHEEKS = [33, 111, 50, 206, 61, 181, 17, 405, 291, 426, 280, 340, 263, 362, 168, 133];

/** Outline of some landmarks, grown by `share` of its own size and two pixels, so that whole pixels are safe. */
function grown(landmarks: Float32Array, indices: readonly number[], share: number): number[] {
  const points = indices.map((i): [number, number] => [landmarks[i * 3]!, landmarks[i * 3 + 1]!]);
  const x = points.reduce((sum, p) => sum + p[0], 0) / points.length, y = points.reduce((sum, p) => sum + p[1], 0) / points.length;
  return points.flatMap((p) => {
    const far = Math.hypot(p[0] - x, p[1] - y) || 1, scale = 1 + share + 2 / far;
    return [x + (p[0] - x) * scale, y + (p[1] - y) * scale];
  });
}

/** Where nothing may be painted: exactly 1 over eyes, nose, mouth and the cheeks between them, falling softly to 0 round them. */
export function protectFace(photo: PreparedPhoto, pxPerCm: number): Float32Array {
  const { landmarks } = photo;
  const xs = CHEEKS.map((i) => landmarks[i * 3]!), ys = CHEEKS.map((i) => landmarks[i * 3 + 1]!), margin = pxPerCm * 4;
  const left = Math.floor(Math.min(...xs) - margin), top = Math.floor(Math.min(...ys) - margin);
  const width = Math.ceil(Math.max(...xs) + margin) - left, height = Math.ceil(Math.max(...ys) + margin) - top;
  const areas: [readonly number[], number, number][] = [[RIGHT_EYE, 0.15, 0.35], [LEFT_EYE, 0.15, 0.35], [NOSE, 0.06, 0.2], [LIPS, 0.12, 0.32], [CHEEKS, 0, 0.08]];
  const inner = new Float32Array(width * height), outer = new Float32Array(width * height);
  const shifted = (outline: number[]): number[] => outline.map((value, i) => value - (i % 2 === 0 ? left : top));
  for (const [indices, core, rim] of areas) {
    fillPolygon(width, height, shifted(grown(landmarks, indices, core)), inner);
    fillPolygon(width, height, shifted(grown(landmarks, indices, rim)), outer);
  }
  const soft = blurred(outer, width, height, Math.max(0.6, pxPerCm * 0.16));
  const out = new Float32Array(photo.width * photo.height);
  for (let y = Math.max(0, -top); y < Math.min(height, photo.height - top); y += 1) for (let x = Math.max(0, -left); x < Math.min(width, photo.width - left); x += 1) {
    const i = y * width + x;
    out[(y + top) * photo.width + x + left] = inner[i]! > 0 ? 1 : clamp(soft[i]! * 1.02 - 0.01, 0, 1);
  }
  return out;
}
