import type { HairColorTarget, PreparedPhoto } from '../engine.ts';
import { fromLinear } from '../color.ts';
import type { Look } from '../looks/look.ts';
import { compose } from './composite.ts';
import { drawStrands, emptyLayer } from './draw.ts';
import { emptyStrands, type Strands } from './groom.ts';
import type { Head } from './head.ts';
import { illuminate } from './illumination.ts';
import { hashed, mix, normalize, ramp } from './numbers.ts';
import type { Occlusion } from './occlusion.ts';
import { findPigment } from './pigment.ts';
import { lightingOf, lightStrands } from './shade.ts';

/** Width and height of the swatch in centimetres. */
const spanCm = 16;

function wall(size: number): Uint8ClampedArray {
  const rgb = new Uint8ClampedArray(size * size * 3);
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) {
    const light = mix(0.86, 0.66, ramp(0, 0.8, Math.hypot(x / size - 0.4, y / size - 0.35)));
    for (let c = 0; c < 3; c += 1) rgb[(y * size + x) * 3 + c] = fromLinear(light * [1, 0.99, 0.975][c]!);
  }
  return rgb;
}

/** A thick, waving lock that hangs over the whole swatch, in sub-locks of its own. */
function layTress(look: Look, count: number, seed: number): Strands {
  const points = 90, lengthCm = 22;
  const strands = emptyStrands(count, points);
  for (let i = 0; i < count; i += 1) {
    const r = (salt: number): number => hashed(i, seed, salt);
    const lock = Math.floor(r(1) * 30), l = (salt: number): number => hashed(lock, seed + 77, salt);
    const baseX = (lock / 29 - 0.5) * 11.5 + (l(2) - 0.5), baseZ = (l(3) - 0.5) * 3.4;
    const angle = r(4) * Math.PI * 2, far = Math.sqrt(r(5)) * 1.25, stray = r(6) < 0.05 ? 0.7 : 0.16;
    for (let j = 0; j < points; j += 1) {
      const t = j / (points - 1), s = t * lengthCm;
      const turn = s / look.curl.pitchCm * 5.4 + l(4) * 1.1 + (r(10) - 0.5) * 0.35;
      const thick = far * (0.85 + 0.2 * Math.sin(s * 0.5 + l(5) * 6)), o = (i * points + j) * 3;
      const lx = Math.cos(angle + 0.12 * s) * thick, lz = Math.sin(angle + 0.12 * s) * thick;
      strands.at[o] = baseX + 0.85 * Math.sin(turn) + 0.7 * Math.sin(s * 0.24 + 0.8) + lx + stray * Math.sin(s * (0.5 + 0.5 * r(11)) + angle * 3);
      strands.at[o + 1] = 11 - s;
      strands.at[o + 2] = baseZ + 0.85 * Math.cos(turn) + lz - 4.3 + 14;
      strands.facing[o] = lx * 0.8 + 0.5 * Math.sin(turn); strands.facing[o + 1] = 0.1; strands.facing[o + 2] = 0.9 + lz * 0.5 + 0.5 * Math.cos(turn);
    }
    strands.length[i] = lengthCm;
    strands.tone[i] = 0.87 + 0.26 * l(7) + 0.55 * (r(8) - 0.5);
    strands.width[i] = 0.55 + 0.5 * r(9);
  }
  return strands;
}

/** A square swatch of real strands in a color; deterministic for a seed. */
export function renderTress(look: Look, color: HairColorTarget, size: number, seed: number): Uint8ClampedArray {
  const px = size / spanCm, none = new Float32Array(size * size), plate = wall(size);
  const head: Head = { pxPerCm: px, rows: Float64Array.of(px, 0, 0, size / 2, 0, -px, 0, size / 2, 0, 0, px, 0), rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
  const occlusion: Occlusion = { depth: none.map(() => -Infinity), scalp: none, visible: () => 1 };
  const photo: PreparedPhoto = {
    width: size, height: size, rgb: plate, plate, ears: none, plateQuality: 'ok', landmarks: new Float32Array(1404), person: none, hair: none, hairLab: null, skinLab: [60, 10, 15],
    light: { direction: [-0.4, -0.55, 0.73], keyRatio: 1.8 }, sharpness: 0.85, grain: 0,
  };
  const strands = layTress(look, 11_000, seed);
  const lighting = lightingOf(head, photo.light, (key) => illuminate([strands], 0.75, normalize(key)));
  const layer = emptyLayer(size, size);
  drawStrands(layer, [lightStrands(strands, head, lighting, occlusion)], () => {});
  return compose(photo, head, layer, occlusion, none, findPigment(layer, photo, color), seed);
}
