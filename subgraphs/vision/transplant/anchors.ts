import type { PreparedPhoto } from '../engine.ts';
import { FACE_OVAL, LEFT_BROW, RIGHT_BROW } from '../mesh.ts';
import { fitHead, project } from '../strands/head.ts';
import type { Head } from '../strands/head.ts';
import { scalpAt } from '../strands/skull.ts';

/** The same places of any head, x0, y0, x1, y1 … in px: the face's outline and brows, the scalp, and what hangs straight down beside and below. */
export type Anchors = number[];
type Shape = Pick<PreparedPhoto, 'landmarks' | 'person' | 'width' | 'height'>;
type Point = readonly [x: number, y: number];

/** Directions on the scalp that are seen from the front: degrees round the head, and head centimetres up. */
const SCALP = [-100, -75, -50, -25, 0, 25, 50, 75, 100].flatMap((azimuth) => [6.5, 9, 11, 12.6].map((y) => [azimuth, y] as const));
/** Centimetres beside and below the chin, in the picture's upright frame: hair hangs down however the head is held. */
const HANGING = [-16, -8, 8, 16].flatMap((x) => [6, 14, 22].map((y) => [x, y] as const));

/** `origin` becomes 0, 0. */
export function anchorsOf(shape: Shape, origin: { x: number; y: number } = { x: 0, y: 0 }): Anchors {
  const { landmarks } = shape;
  const head = fitHead(landmarks);
  const face = [...FACE_OVAL, ...LEFT_BROW, ...RIGHT_BROW].map((index): Point => [landmarks[index * 3]!, landmarks[index * 3 + 1]!]);
  const scalp = SCALP.map(([azimuth, y]): Point => {
    const [px, py] = project(head, ...scalpAt((azimuth * Math.PI) / 180, y));
    return withinPerson(shape, head, [px, py]);
  });
  const [x, y] = project(head, 0, -9, -3);
  const hanging = HANGING.map(([aside, down]): Point => [x + aside * head.pxPerCm, y + down * head.pxPerCm]);
  return [...face, ...scalp, ...hanging].flatMap(([px, py]) => [px - origin.x, py - origin.y].map((value) => Math.round(value * 100) / 100));
}

/** The middle of the skull as seen. */
export const skullMiddle = (head: Head): Point => {
  const [x, y] = project(head, 0, 4.2, -4);
  return [x, y];
};

/** Draws a place in where the model's skull is larger than the head that is seen, as it may be on a bald one: nothing of a head is outside of the person. */
function withinPerson({ person, width, height }: Shape, head: Head, [px, py]: Point): Point {
  const [cx, cy] = skullMiddle(head);
  const [dx, dy] = [px - cx, py - cy];
  const far = Math.hypot(dx, dy);
  let seen = 0;
  for (let r = 0; r < far * 1.6; r += Math.max(1, head.pxPerCm * 0.1)) {
    const [x, y] = [Math.round(cx + (dx / far) * r), Math.round(cy + (dy / far) * r)];
    // A head that the frame cuts off goes on.
    if (x < 0 || y < 0 || x >= width || y >= height) return [px, py];
    if (person[y * width + x]! > 0.5) seen = r;
  }
  const edge = far / rimShare(far, head);
  const share = seen > 0 && seen < edge ? Math.max(0.8, seen / edge) : 1;
  return [cx + dx * share, cy + dy * share];
}

/** How far out towards the skull's rim something at this distance from its middle lies, 0..1: what faces the camera is not on the rim. */
const rimShare = (far: number, head: Head): number => Math.min(1, Math.max(0.2, far / (head.pxPerCm * 8.4)));
