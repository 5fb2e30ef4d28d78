import { dilate } from './dilate.ts';
import type { Plane } from './raster.ts';
import { fitHead, project } from './strands/head.ts';
import type { Head } from './strands/head.ts';
import { normalAt, craniumAt } from './strands/skull.ts';
import { drawGrid } from './strands/occlusion.ts';
import type { Surface } from './strands/occlusion.ts';

/** The bare head as seen: where it is (1 inside), and its normals (x right, y down, z to the viewer; 0 outside). */
export type Cranium = { head: Head; inside: Plane; normals: [Plane, Plane, Plane] };

/** Draws the skull that the hairstyles grow on, so that plate and hair agree. */
export function drawCranium(points: Float32Array, width: number, height: number): Cranium {
  const head = fitHead(points);
  const surfaces = [0, 1, 2].map((): Surface => {
    const depth = new Float32Array(width * height).fill(-Infinity);
    return { width, height, depth, mark: new Float32Array(width * height) };
  });
  surfaces.forEach((surface, axis) => {
    drawGrid(surface, 60, 73, (row, column) => {
      const at = craniumAt(((column * 5 - 180) * Math.PI) / 180, 13.09 - row * row * 0.0052);
      return [...project(head, at[0], at[1], at[2]), turned(head, normalAt(at))[axis]!];
    });
  });
  const inside = surfaces[0]!.depth.map((value) => (value > -Infinity ? 1 : 0));
  // Seams between triangles leave single holes.
  const closed = dilate(dilate(inside, width, height, 1), width, height, -1);
  const [x, y, z] = surfaces.map(({ mark }) => mark);
  return { head, inside: closed, normals: [x!, y!, z!] };
}

/** A direction of the head in the picture's frame, y down. */
function turned({ rotation: r }: Head, [x, y, z]: readonly [number, number, number]): number[] {
  return [
    r[0]! * x + r[1]! * y + r[2]! * z,
    -(r[3]! * x + r[4]! * y + r[5]! * z),
    r[6]! * x + r[7]! * y + r[8]! * z,
  ];
}
