import type { PreparedPhoto } from '../engine.ts';
import type { Look } from '../looks/look.ts';
import { faceTriangles } from './face-model.ts';
import { project, toHeadDirection, type Head } from './head.ts';
import type { Hairline } from './hairline.ts';
import { clamp, ramp, type Vector } from './numbers.ts';
import { hiddenAt } from './roots.ts';
import { azimuthOf, craniumAt, scalpAt } from './skull.ts';

/** What a strand passes behind: nothing but the head, the ears too, or neck and shoulders. */
export type Under = 'head' | 'ears' | 'body';

/** What stands before the hair, and where the scalp shows. */
export type Occlusion = {
  /** Nearest surface of head and neck per pixel, in pixels towards the camera; -Infinity where there is none. */
  depth: Float32Array;
  /** Share of hair growing on the scalp seen at each pixel. */
  scalp: Float32Array;
  /** How much of a strand at this pixel and depth is seen. */
  visible(x: number, y: number, z: number, under: Under): number;
};

export type Surface = { width: number; height: number; depth: Float32Array; mark: Float32Array };

/** Draws one triangle of [x, y, depth, mark] corners where it is nearer than what is there. */
export function drawTriangle(surface: Surface, a: readonly number[], b: readonly number[], c: readonly number[]): void {
  const [ax, ay, az, am] = a as [number, number, number, number], [bx, by, bz, bm] = b as [number, number, number, number];
  const [cx, cy, cz, cm] = c as [number, number, number, number];
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  if (Math.abs(area) < 1e-6) return;
  const x0 = Math.max(0, Math.floor(Math.min(ax, bx, cx))), x1 = Math.min(surface.width - 1, Math.ceil(Math.max(ax, bx, cx)));
  const y0 = Math.max(0, Math.floor(Math.min(ay, by, cy))), y1 = Math.min(surface.height - 1, Math.ceil(Math.max(ay, by, cy)));
  for (let y = y0; y <= y1; y += 1) for (let x = x0; x <= x1; x += 1) {
    const u = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area, v = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area;
    if (u < -0.001 || v < -0.001 || u + v > 1.001) continue;
    const z = az + (bz - az) * u + (cz - az) * v, i = y * surface.width + x;
    if (z <= surface.depth[i]!) continue;
    surface.depth[i] = z;
    surface.mark[i] = am + (bm - am) * clamp(u, 0, 1) + (cm - am) * clamp(v, 0, 1);
  }
}

/** Draws a grid of points as a skin of triangles. */
export function drawGrid(surface: Surface, rows: number, columns: number, point: (row: number, column: number) => number[]): void {
  const grid = Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (__, column) => point(row, column)));
  for (let r = 0; r + 1 < rows; r += 1) for (let c = 0; c + 1 < columns; c += 1) {
    drawTriangle(surface, grid[r]![c]!, grid[r + 1]![c]!, grid[r]![c + 1]!);
    drawTriangle(surface, grid[r]![c + 1]!, grid[r + 1]![c]!, grid[r + 1]![c + 1]!);
  }
}

function drawHead(surface: Surface, photo: PreparedPhoto, head: Head, look: Look, hairline: Hairline): void {
  drawGrid(surface, 110, 121, (row, column) => {
    const azimuth = (column * 3 - 180) * Math.PI / 180, y = 13.09 - row * row * 0.00155;
    const at = craniumAt(azimuth, y), scalp = scalpAt(azimuth, y);
    return [...project(head, at[0], at[1], at[2]), hiddenAt(look, hairline, scalp, azimuthOf(scalp))];
  });
  const down = toHeadDirection(head, [0, -1, 0]);
  drawGrid(surface, 14, 25, (row, column) => {
    const angle = (column * 15 - 180) * Math.PI / 180, fallen = row * 0.9;
    return [...project(head, Math.sin(angle) * 5.4 + down[0] * fallen, -4 + down[1] * fallen, -5 + Math.cos(angle) * 5 + down[2] * fallen), 0];
  });
  const mark = surface.mark.slice();
  const corner = (i: number): Vector => [photo.landmarks[i * 3]!, photo.landmarks[i * 3 + 1]!, -photo.landmarks[i * 3 + 2]!];
  for (let t = 0; t < faceTriangles.length; t += 3) {
    drawTriangle(surface, [...corner(faceTriangles[t]!), 0], [...corner(faceTriangles[t + 1]!), 0], [...corner(faceTriangles[t + 2]!), 0]);
  }
  surface.mark.set(mark.map((value) => clamp(value, 0, 1)));
}

/** Share of a pixel that belongs to shoulders or chest rather than to hair or background. */
function bodyAt(photo: PreparedPhoto, head: Head, x: number, y: number): number {
  const i = y * photo.width + x;
  const shoulder = project(head, 0, -13.2, -5);
  const along = Math.abs(x - shoulder[0]) / head.pxPerCm;
  const line = shoulder[1] + Math.max(0, along - 6.5) * 0.42 * head.pxPerCm;
  const under = ramp(line - head.pxPerCm * 0.8, line + head.pxPerCm * 0.8, y);
  return photo.person[i]! * Math.max(under, 1 - photo.hair[i]!);
}

/** Builds the surfaces of head, neck and body that hide hair in this photo. */
export function occlude(photo: PreparedPhoto, head: Head, look: Look, hairline: Hairline): Occlusion {
  const { width, height } = photo;
  const surface: Surface = { width, height, depth: new Float32Array(width * height).fill(-Infinity), mark: new Float32Array(width * height) };
  drawHead(surface, photo, head, look, hairline);
  const behindEar = Math.min(project(head, 8, 1, -7.5)[2], project(head, -8, 1, -7.5)[2]);
  const jaw = project(head, 0, -6, -3)[1], soft = head.pxPerCm * 0.7;
  for (let i = 0; i < surface.mark.length; i += 1) {
    const mark = surface.mark[i]!;
    // Where this skull is wider than the photo's, the plate shows what is behind: no skin that could shine through.
    surface.mark[i] = (mark + (ramp(0, 0.3, mark) - mark) * (1 - photo.person[i]!)) * (1 - photo.ears[i]!);
  }
  const visible = (x: number, y: number, z: number, under: Under): number => {
    const px = clamp(Math.round(x), 0, width - 1), py = clamp(Math.round(y), 0, height - 1);
    const d = surface.depth[py * width + px]!;
    const shown = d === -Infinity ? 1 : clamp((z - d + soft) / soft, 0, 1);
    if (under === 'head' || shown === 0) return shown;
    const beside = under === 'ears' || z < behindEar ? shown * (1 - photo.ears[py * width + px]!) : shown;
    if (under === 'ears' || y < jaw) return beside;
    return beside * (1 - bodyAt(photo, head, px, py) * ramp(jaw, jaw + head.pxPerCm * 2, y));
  };
  return { depth: surface.depth, scalp: surface.mark, visible };
}
