import type { Strands } from './groom.ts';
import { clamp, normalize, type Vector } from './numbers.ts';
import { gauge } from './skull.ts';

/** How much light reaches each place inside the hair: a grid of cells in head space. */
export type Illumination = {
  low: Vector;
  cellCm: number;
  size: readonly [number, number, number];
  /** Two numbers a cell: share of the key light, share of the light from all around. */
  light: Float32Array;
};

type Grid = { low: Vector; cellCm: number; size: readonly [number, number, number]; matter: Float32Array };

function boundsOf(all: readonly Strands[]): { low: Vector; high: Vector } {
  const low: Vector = [-9, -2, -15], high: Vector = [9, 14, 7];
  for (const strands of all) {
    for (let i = 0; i < strands.count * strands.points * 3; i += 9) {
      for (const c of [0, 1, 2] as const) {
        const value = strands.at[i + c]!;
        if (value < low[c]) low[c] = value;
        if (value > high[c]) high[c] = value;
      }
    }
  }
  return { low, high };
}

/** Fills cells with the hair's opacity per centimetre; the skull lets no light through. */
function fill(all: readonly Strands[], cellCm: number): Grid {
  const { low, high } = boundsOf(all);
  const size = ([0, 1, 2] as const).map((c) => Math.ceil((high[c] - low[c]) / cellCm) + 3) as [number, number, number];
  const start: Vector = [low[0] - cellCm, low[1] - cellCm, low[2] - cellCm];
  const matter = new Float32Array(size[0] * size[1] * size[2]);
  const perStrand = 1200 / Math.max(1, all.reduce((sum, strands) => sum + strands.count, 0));
  for (const strands of all) {
    for (let i = 0; i < strands.count; i += 1) {
      const piece = strands.length[i]! / strands.points * perStrand * strands.width[i]! * strands.alpha[i]! / cellCm ** 3;
      for (let j = 0; j < strands.points; j += 1) {
        const o = (i * strands.points + j) * 3;
        const x = Math.floor((strands.at[o]! - start[0]) / cellCm), y = Math.floor((strands.at[o + 1]! - start[1]) / cellCm), z = Math.floor((strands.at[o + 2]! - start[2]) / cellCm);
        matter[(z * size[1] + y) * size[0] + x]! += piece;
      }
    }
  }
  const grid: Grid = { low: start, cellCm, size, matter };
  fillSkull(grid);
  return grid;
}

function fillSkull(grid: Grid): void {
  const [w, h, d] = grid.size;
  for (let z = 0; z < d; z += 1) for (let y = 0; y < h; y += 1) for (let x = 0; x < w; x += 1) {
    const p: Vector = [grid.low[0] + (x + 0.5) * grid.cellCm, grid.low[1] + (y + 0.5) * grid.cellCm, grid.low[2] + (z + 0.5) * grid.cellCm];
    if (gauge(p) < 0.95) grid.matter[(z * h + y) * w + x] = 6;
  }
}

/** Share of light from `direction` left at each cell: every slice reads the one before it, nearer to the light. */
function shine(grid: Grid, direction: Vector, opacity: number): Float32Array {
  const { size, matter } = grid;
  const strides = [1, size[0], size[0] * size[1]] as const;
  const main = ([0, 1, 2] as const).reduce((best, c) => Math.abs(direction[c]) > Math.abs(direction[best]) ? c : best);
  const [u, v] = ([0, 1, 2] as const).filter((c) => c !== main) as [0 | 1 | 2, 0 | 1 | 2];
  const sign = Math.sign(direction[main]), scale = 1 / Math.abs(direction[main]);
  const du = direction[u] * scale, dv = direction[v] * scale;
  const left = new Float32Array(matter.length).fill(1);
  const thick = opacity * grid.cellCm * scale;
  for (let k = 1; k < size[main]; k += 1) {
    const here = sign > 0 ? size[main] - 1 - k : k, before = here + sign;
    for (let b = 0; b < size[v]; b += 1) {
      const fv = clamp(b + dv, 0, size[v] - 1.001), jv = Math.floor(fv), sv = fv - jv;
      for (let a = 0; a < size[u]; a += 1) {
        const fu = clamp(a + du, 0, size[u] - 1.001), ju = Math.floor(fu), su = fu - ju;
        const from = before * strides[main] + jv * strides[v] + ju * strides[u];
        const right = from + strides[u], over = from + strides[v], both = over + strides[u];
        const through = (i: number): number => left[i]! / (1 + matter[i]! * thick);
        left[here * strides[main] + b * strides[v] + a * strides[u]] =
          (through(from) * (1 - su) + through(right) * su) * (1 - sv) + (through(over) * (1 - su) + through(both) * su) * sv;
      }
    }
  }
  return left;
}

/** Lets the photo's light and the light of its surroundings into the hair; `cellCm` is the finest shade. */
export function illuminate(all: readonly Strands[], cellCm: number, keyDirection: Vector): Illumination {
  const grid = fill(all, cellCm);
  const opacity = 0.3;
  const key = shine(grid, keyDirection, opacity);
  const around = ([[0, 1, 0.35], [0.15, 0.25, 1], [-1, 0.35, 0.25], [1, 0.35, 0.25]] as Vector[]).map((d) => shine(grid, normalize(d), opacity));
  const light = new Float32Array(key.length * 2);
  for (let i = 0; i < key.length; i += 1) {
    light[i * 2] = key[i]!;
    light[i * 2 + 1] = (around[0]![i]! * 1.3 + around[1]![i]! + around[2]![i]! * 0.85 + around[3]![i]! * 0.85) / 4;
  }
  return { low: grid.low, cellCm: grid.cellCm, size: grid.size, light };
}

/** Reads both shares at a point, blended between cells, into `out`. */
export function lightAt(field: Illumination, x: number, y: number, z: number, out: Float32Array): void {
  const { size, light, cellCm, low } = field;
  const fx = clamp((x - low[0]) / cellCm - 0.5, 0, size[0] - 1.001), fy = clamp((y - low[1]) / cellCm - 0.5, 0, size[1] - 1.001);
  const fz = clamp((z - low[2]) / cellCm - 0.5, 0, size[2] - 1.001);
  const i = Math.floor(fx), j = Math.floor(fy), k = Math.floor(fz), u = fx - i, v = fy - j, w = fz - k;
  const row = size[0] * 2, slice = row * size[1];
  const o = k * slice + j * row + i * 2;
  for (let c = 0; c < 2; c += 1) {
    const q = o + c;
    const near = (light[q]! * (1 - u) + light[q + 2]! * u) * (1 - v) + (light[q + row]! * (1 - u) + light[q + row + 2]! * u) * v;
    const far = (light[q + slice]! * (1 - u) + light[q + slice + 2]! * u) * (1 - v) + (light[q + slice + row]! * (1 - u) + light[q + slice + row + 2]! * u) * v;
    out[c] = near * (1 - w) + far * w;
  }
}
