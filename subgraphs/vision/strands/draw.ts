import type { LitStrands } from './shade.ts';

/** A picture of hair alone, premultiplied by its opacity: three planes of one number a pixel. */
export type HairLayer = { width: number; height: number; diffuse: Float32Array; glint: Float32Array; alpha: Float32Array };

export function emptyLayer(width: number, height: number): HairLayer {
  const size = width * height;
  return { width, height, diffuse: new Float32Array(size), glint: new Float32Array(size), alpha: new Float32Array(size) };
}

const buckets = 4096;

type Segments = { set: Uint8Array; point: Uint32Array };

/** Bucket of every visible segment, far ones first; 65535 where nothing shows. */
function bucketsOf(sets: readonly LitStrands[]): Uint16Array[] {
  let near = -Infinity, far = Infinity;
  for (const { values } of sets) for (let o = 2; o < values.length; o += 6) { const z = values[o]!; if (z > near) near = z; if (z < far) far = z; }
  const scale = (buckets - 1) / Math.max(1e-6, near - far);
  return sets.map(({ values, count, points }) => {
    const out = new Uint16Array(count * points).fill(65535);
    for (let k = 0; k + 1 < out.length; k += 1) {
      if (k % points === points - 1 || values[k * 6 + 5]! + values[k * 6 + 11]! < 0.02) continue;
      out[k] = Math.floor(((values[k * 6 + 2]! + values[k * 6 + 8]!) / 2 - far) * scale);
    }
    return out;
  });
}

/** Segments of all strands from far to near: index of the set and of the first point, one number each. */
function sortedSegments(sets: readonly LitStrands[]): Segments {
  const bucketed = bucketsOf(sets);
  const starts = new Uint32Array(buckets + 1);
  for (const list of bucketed) for (let k = 0; k < list.length; k += 1) if (list[k] !== 65535) starts[list[k]! + 1]! += 1;
  for (let b = 0; b < buckets; b += 1) starts[b + 1]! += starts[b]!;
  const set = new Uint8Array(starts[buckets]!), point = new Uint32Array(starts[buckets]!);
  for (let s = 0; s < bucketed.length; s += 1) {
    const list = bucketed[s]!;
    for (let k = 0; k < list.length; k += 1) {
      const bucket = list[k]!;
      if (bucket === 65535) continue;
      const slot = starts[bucket]!;
      starts[bucket] = slot + 1; set[slot] = s; point[slot] = k;
    }
  }
  return { set, point };
}

function blend(layer: HairLayer, index: number, coverage: number, diffuse: number, glint: number): void {
  const rest = 1 - coverage;
  layer.diffuse[index] = layer.diffuse[index]! * rest + diffuse * coverage;
  layer.glint[index] = layer.glint[index]! * rest + glint * coverage;
  layer.alpha[index] = layer.alpha[index]! * rest + coverage;
}

/** One straight piece: walks its longer axis and shares each step's width among the pixels it touches. */
function drawSegment(layer: HairLayer, v: Float32Array, a: number, b: number, widthPx: number): void {
  const steep = Math.abs(v[b + 1]! - v[a + 1]!) > Math.abs(v[b]! - v[a]!);
  const along = steep ? 1 : 0, across = 1 - along;
  const forward = v[b + along]! > v[a + along]!;
  const s = forward ? a : b, e = forward ? b : a;
  const m0 = v[s + along]!, m1 = v[e + along]!, reach = m1 - m0;
  if (reach < 1e-4) return;
  const limit = steep ? layer.height : layer.width, limitAcross = steep ? layer.width : layer.height;
  const rise = (v[e + across]! - v[s + across]!) / reach;
  const half = widthPx * Math.sqrt(1 + rise * rise) / 2;
  const first = Math.max(0, Math.ceil(m0 - 0.5)), last = Math.min(limit - 1, Math.ceil(m1 - 0.5) - 1);
  for (let m = first; m <= last; m += 1) {
    const t = (m + 0.5 - m0) / reach;
    const center = v[s + across]! + (m + 0.5 - m0) * rise;
    const low = center - half, high = center + half;
    const opacity = v[s + 5]! + (v[e + 5]! - v[s + 5]!) * t;
    const diffuse = v[s + 3]! + (v[e + 3]! - v[s + 3]!) * t, glint = v[s + 4]! + (v[e + 4]! - v[s + 4]!) * t;
    const from = Math.max(0, Math.floor(low)), to = Math.min(limitAcross - 1, Math.floor(high));
    for (let q = from; q <= to; q += 1) {
      const coverage = (Math.min(high, q + 1) - Math.max(low, q)) * opacity;
      if (coverage > 0.004) blend(layer, steep ? m * layer.width + q : q * layer.width + m, coverage, diffuse, glint);
    }
  }
}

/** Draws all strands over what the layer holds, far ones first. */
export function drawStrands(layer: HairLayer, sets: readonly LitStrands[], onProgress: (fraction: number) => void): void {
  const { set, point } = sortedSegments(sets);
  for (let i = 0; i < point.length; i += 1) {
    const { values, points, widthPx } = sets[set[i]!]!;
    const k = point[i]!;
    drawSegment(layer, values, k * 6, k * 6 + 6, widthPx[Math.floor(k / points)]!);
    if ((i & 0xffff) === 0) onProgress(i / point.length);
  }
}
