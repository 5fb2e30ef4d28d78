import { unders, type Strands } from './groom.ts';
import { toHeadDirection, type Head } from './head.ts';
import { lightAt, type Illumination } from './illumination.ts';
import { clamp, hashed, normalize, ramp, type Vector } from './numbers.ts';
import type { Occlusion } from './occlusion.ts';

/** Strand points in the picture with the light they send to the camera. */
export type LitStrands = {
  count: number;
  points: number;
  /** Six numbers a point: x, y (pixels), depth, diffuse light, highlight, opacity. */
  values: Float32Array;
  /** Drawn width in pixels, per strand. */
  widthPx: Float32Array;
};

export type Lighting = {
  /** To the light, in head space. */
  key: Vector;
  /** To the camera, in head space. */
  view: Vector;
  keyRatio: number;
  field: Illumination;
};

export function lightingOf(head: Head, light: { direction: [number, number, number]; keyRatio: number }, field: (key: Vector) => Illumination): Lighting {
  const [x, y, z] = light.direction;
  const key = normalize(toHeadDirection(head, [x, -y + 0.25, Math.max(z, 0.35)]));
  return { key, view: normalize(toHeadDirection(head, [0, 0, 1])), keyRatio: clamp(light.keyRatio, 1, 4), field: field(key) };
}

/** A highlight along the strand: bright where its (shifted) direction is square to the half vector. */
function glint(tx: number, ty: number, tz: number, h: Vector, power: number): number {
  const along = (tx * h[0] + ty * h[1] + tz * h[2]) / Math.sqrt(tx * tx + ty * ty + tz * tz + 1e-12);
  return Math.pow(Math.max(0, 1 - along * along), power);
}

const scratch = new Float32Array(2);

/** Diffuse light and highlight of one point, into out[o+3] and out[o+4]. */
function shadePoint(strands: Strands, lighting: Lighting, half: Vector, at: number, from: number, to: number, shift: number, out: Float32Array, o: number): void {
  const p = strands.at, n = strands.facing;
  let tx = p[to]! - p[from]!, ty = p[to + 1]! - p[from + 1]!, tz = p[to + 2]! - p[from + 2]!;
  const tl = Math.sqrt(tx * tx + ty * ty + tz * tz) || 1;
  tx /= tl; ty /= tl; tz /= tl;
  let nx = n[at]!, ny = n[at + 1]!, nz = n[at + 2]!;
  const nt = nx * tx + ny * ty + nz * tz;
  nx -= nt * tx * 0.8; ny -= nt * ty * 0.8; nz -= nt * tz * 0.8;
  const nl = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
  nx /= nl; ny /= nl; nz /= nl;
  const l = lighting.key;
  const tLight = tx * l[0] + ty * l[1] + tz * l[2], facing = nx * l[0] + ny * l[1] + nz * l[2];
  lightAt(lighting.field, p[at]!, p[at + 1]!, p[at + 2]!, scratch);
  const direct = scratch[0]!, around = scratch[1]!;
  const fill = 1 / lighting.keyRatio;
  const diffuse = 0.4 * Math.sqrt(Math.max(0, 1 - tLight * tLight)) + 0.6 * Math.max(0, (facing + 0.35) / 1.35);
  out[o + 3] = direct * diffuse * 0.85 + around * (0.25 + 0.5 * fill) * (0.62 + 0.2 * ny + 0.18 * Math.max(0, nz));
  const s1 = shift + 0.1, s2 = shift - 0.16;
  const first = glint(tx + nx * s1, ty + ny * s1, tz + nz * s1, half, 60), second = glint(tx + nx * s2, ty + ny * s2, tz + nz * s2, half, 12);
  const lit = (direct * 0.75 + around * 0.25) * clamp(facing + 0.25, 0, 1);
  out[o + 4] = lit * (first * 0.55 + second * 0.3);
}

/** Opacity along a strand: fine at the root, pointed at the tip. */
const taper = (t: number, lengthCm: number): number => Math.min(1, 0.35 + 0.65 * ramp(0, 0.06, t)) * (1 - ramp(lengthCm > 4 ? 0.86 : 0.6, 1.02, t) * 0.85);

/** Lights and projects strands; what head, neck or body hide becomes transparent. */
export function lightStrands(strands: Strands, head: Head, lighting: Lighting, occlusion: Occlusion): LitStrands {
  const { count, points } = strands;
  const values = new Float32Array(count * points * 6), widthPx = new Float32Array(count);
  const half = normalize([lighting.key[0] + lighting.view[0], lighting.key[1] + lighting.view[1], lighting.key[2] + lighting.view[2]]);
  const m = head.rows;
  const usual = clamp(head.pxPerCm * 0.055, 0.75, 2.2);
  for (let i = 0; i < count; i += 1) {
    widthPx[i] = usual * strands.width[i]!;
    const shift = (hashed(i, 3, 9) - 0.5) * 0.22, tone = strands.tone[i]!;
    for (let j = 0; j < points; j += 1) {
      const k = i * points + j, at = k * 3, o = k * 6;
      const hx = strands.at[at]!, hy = strands.at[at + 1]!, hz = strands.at[at + 2]!;
      const x = m[0]! * hx + m[1]! * hy + m[2]! * hz + m[3]!, y = m[4]! * hx + m[5]! * hy + m[6]! * hz + m[7]!, z = m[8]! * hx + m[9]! * hy + m[10]! * hz + m[11]!;
      const t = j / (points - 1);
      const alpha = strands.alpha[i]! * taper(t, strands.length[i]!) * occlusion.visible(x, y, z, unders[strands.under[i]!]!);
      values[o] = x; values[o + 1] = y; values[o + 2] = z; values[o + 5] = alpha;
      if (alpha < 0.01) continue;
      shadePoint(strands, lighting, half, at, j > 0 ? at - 3 : at, j < points - 1 ? at + 3 : at, shift, values, o);
      values[o + 3]! *= tone * (0.8 + 0.2 * ramp(0, 3, t * strands.length[i]!) + 0.12 * t);
    }
  }
  return { count, points, values, widthPx };
}

