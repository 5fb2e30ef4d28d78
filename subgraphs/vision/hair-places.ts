import { FACE_OVAL, fillPolygon, LEFT_EYE, RIGHT_EYE, LIPS, LEFT_BROW, RIGHT_BROW, ring } from './mesh.ts';
import type { FaceFrame } from './mesh.ts';
import { dilate } from './dilate.ts';
import { boxBlur, smoothstep } from './raster.ts';
import type { Plane } from './raster.ts';
import { fitHead, project } from './strands/head.ts';

/** Where hair, skin and clothes usually are about a head, per pixel of a small picture. */
export type Places = {
  /** How likely a pixel of the person is hair by place alone, 0..1. */
  hair: Plane;
  /** How likely it is clothes when it is not hair, 0..1. */
  clothes: Plane;
  /** Pixels that are nearly always skin, hair, clothes. */
  skinSeed: Plane;
  hairSeed: Plane;
  clothesSeed: Plane;
  /** The skull and its surroundings: hair begins there. */
  crown: Plane;
};

/** Half width of the skull, cm. */
const SKULL_CM = 7.75;

/** Reads the places off the landmarks, already scaled to the small picture. */
export function findPlaces(points: Float32Array, frame: FaceFrame, width: number, height: number): Places {
  const head = fitHead(points);
  const [cx, cy] = project(head, 0, 3.4, -4.3);
  const scale = 1 / head.pxPerCm;
  const count = width * height;
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  const soft = boxBlur(oval, width, height, Math.max(1, Math.round(head.pxPerCm * 0.5)));
  const skinSeed = faceSkin(points, oval, head.pxPerCm, width, height);
  const plane = (): Plane => new Float32Array(count);
  const places: Places = { hair: plane(), clothes: plane(), skinSeed, hairSeed: plane(), clothesSeed: plane(), crown: plane() };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const u = ((x - cx) * frame.cos + (y - cy) * frame.sin) * scale;
      const v = ((x - cx) * frame.sin - (y - cy) * frame.cos) * scale;
      setPlace(places, i, u, v, oval[i]!, soft[i]!);
    }
  }
  return places;
}

/** `u` to the right, `v` up from the middle of the skull, cm: eyes near -1, top of the face 5, top of the skull 9.7, chin -12. */
function setPlace(places: Places, i: number, u: number, v: number, oval: number, soft: number): void {
  const aside = Math.abs(u);
  const above = Math.hypot(u / SKULL_CM, Math.max(0, v) / 9.7);
  const crown = v > 0 ? smoothstep(2.2, 1.7, above) : smoothstep(17, 12, aside) * smoothstep(-5, -1, v);
  const top = smoothstep(4.5, 7.5, v + 0.035 * u * u);
  const side = smoothstep(5.2, 8, aside) * smoothstep(-15.5, -12, v);
  const neck = smoothstep(-10, -13, v) * smoothstep(7.5, 5.5, aside);
  const low = smoothstep(-13, -18, v);
  let hair = 0.35 + 0.55 * top;
  hair += (0.62 - hair) * side * (1 - top);
  hair += (0.12 - hair) * neck;
  hair += (0.2 * smoothstep(-34, -22, v) * smoothstep(18, 12, aside) + 0.03 - hair) * low * (1 - neck);
  const face = 0.02 + 0.3 * smoothstep(1, 5.5, v) + 0.12 * smoothstep(-4, 2, v) * smoothstep(4.5, 7, aside);
  places.hair[i] = hair * (1 - soft) + face * soft;
  places.clothes[i] = smoothstep(-13, -17, v);
  places.crown[i] = Math.max(crown, soft * smoothstep(2, 4, v));
  if (oval === 0 && v > 5.5 && above > 0.82 && above < 1.35) places.hairSeed[i] = 1;
  if (v < -18.5 && aside > 2.5) places.clothesSeed[i] = 1;
}

function faceSkin(points: Float32Array, oval: Plane, pxPerCm: number, width: number, height: number): Plane {
  const inner = dilate(oval, width, height, -pxPerCm * 1.1);
  const features = new Float32Array(width * height);
  for (const part of [RIGHT_EYE, LEFT_EYE, LIPS, RIGHT_BROW, LEFT_BROW]) fillPolygon(width, height, ring(points, part), features);
  const covered = dilate(features, width, height, pxPerCm * 0.4);
  return inner.map((value, i) => (covered[i]! > 0 ? 0 : value));
}
