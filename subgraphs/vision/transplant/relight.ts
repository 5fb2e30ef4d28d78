import type { Cranium } from '../cranium.ts';
import type { PreparedPhoto } from '../engine.ts';
import { pushPull } from '../inpaint.ts';
import { blur, clamp } from '../raster.ts';
import type { Plane } from '../raster.ts';

type Light = PreparedPhoto['light'];
type Normal = readonly [number, number, number];

/** How bright a surface of this normal is against the mean of the head. */
function brightness({ direction: [x, y, z], keyRatio }: Light, [nx, ny, nz]: Normal): number {
  const key = clamp(keyRatio, 1, 3.5) - 1;
  return 1 + key * Math.max(0, x * nx + y * ny + z * nz);
}

/** How much lighter each place is in the photo's light than in the piece's, on the planes of the cranium; round the skull its rim goes on. */
export function lightChange(cranium: Cranium, width: number, height: number, from: Light, to: Light): Plane {
  const normals = cranium.normals.map((plane) => pushPull(plane, cranium.inside, width, height));
  const change = new Float32Array(width * height);
  let [sum, count] = [0, 0];
  for (let i = 0; i < change.length; i++) {
    const normal: Normal = [normals[0]![i]!, normals[1]![i]!, normals[2]![i]!];
    change[i] = (brightness(to, normal) / brightness(from, normal)) ** 0.6;
    if (cranium.inside[i]! > 0) [sum, count] = [sum + change[i]!, count + 1];
  }
  const mean = count > 0 ? sum / count : 1;
  return blur(change.map((value) => clamp(value / mean, 0.72, 1.35)), width, height, Math.max(1, cranium.head.pxPerCm * 1.5));
}
