import type { Look } from '../looks/look.ts';
import { combAt, type Growth } from './flow.ts';
import { along, clamp, dot, mix, noise, normalize, ramp, type Vector } from './numbers.ts';
import { faceDepth, faceHalfWidth, gauge, normalAt } from './skull.ts';

/** Points of a guide strand, evenly spaced along it: 3 numbers a point, head centimetres. */
export const guidePoints = 36;

/** Is this hair that leaves the ears free: tied, clipped, or too short to be combed over them? */
export const passesEars = ({ kind }: Growth, lengthCm: number): boolean => kind === 'tied' || kind === 'clipped' || (kind !== 'fringe' && lengthCm < 8.5);

/** How thick the hair lies between this point and the skull. */
function shellHere(growth: Growth, p: Vector): number {
  const ear = Math.exp(-((p[1] - 0.8) ** 2) / 9 - ((p[2] + 4.2) ** 2) / 5) * 0.9;
  return growth.shellCm + (passesEars(growth, growth.lengthCm) ? 0 : ear);
}

/** Pushes a point out of the skull and its under-hair; returns whether it lies on them. */
function keepOffSkull(growth: Growth, p: Vector, normal: Vector, grown: number): boolean {
  const size = gauge(p);
  const meanRadius = 9;
  const shell = shellHere(growth, p) * ramp(0, 2.2, grown) + 0.04;
  const limit = 1 + shell / meanRadius;
  if (size >= limit) return size < limit + 0.04;
  const push = (limit - size) * meanRadius;
  for (const i of [0, 1, 2] as const) p[i] += normal[i] * push;
  return true;
}

function sweepGap(growth: Growth, look: Look, y: number): number {
  if (look.part === 'none' || look.part === 'middle' || look.comb === 'back') return 0;
  const away = look.part === 'left' ? -1 : 1;
  return growth.side === away ? -1.5 * ramp(3.5, 8, y) : 0;
}

/** Slides hanging hair along the outline of the face instead of over it. */
function keepOffFace(growth: Growth, look: Look, p: Vector): void {
  if (p[2] < -3.4 || p[1] > 9.4 || growth.kind === 'clipped' || (growth.kind === 'hang' && growth.lengthCm < (look.comb === 'back' ? 14 : 9))) return;
  const fringe = growth.kind === 'fringe', tied = growth.kind === 'tied';
  const curtain = fringe && look.fringe.kind === 'curtain' ? mix(-3.4, -0.5, ramp(7.5, 2.5, p[1])) : 0;
  const gap = growth.faceGapCm * ramp(9.5, 4, p[1]) + sweepGap(growth, look, p[1]) + curtain;
  const edge = faceHalfWidth(p[1]) + gap;
  const under = p[1] < -9.4 ? 0 : edge;
  if (Math.abs(p[0]) < under && !tied && (!fringe || look.fringe.kind === 'curtain')) {
    const want = growth.side * Math.max(under, 0.2);
    p[0] += clamp(want - p[0], -1.1, 1.1);
  }
  if (Math.abs(p[0]) < faceHalfWidth(p[1]) && p[1] < 6) p[2] = Math.max(p[2], faceDepth(p[0], p[1]) + 0.9);
}

/** Keeps hair out of the neck, and on its own side of the shoulders. */
function keepOffBody(growth: Growth, p: Vector, down: Vector): void {
  if (p[1] > -4) return;
  const fallen = -(p[1] + 4);
  const dx = p[0] - down[0] * fallen, dz = p[2] + 5 - down[2] * fallen, radius = 5.4;
  const away = Math.hypot(dx, dz);
  if (away < radius && away > 1e-6) { p[0] += dx / away * (radius - away) * 0.5; p[2] += dz / away * (radius - away) * 0.5; }
  const shoulder = -13.5 - 0.22 * Math.max(0, Math.abs(p[0]) - 6);
  const below = ramp(shoulder + 5, shoulder - 1, p[1]);
  if (below <= 0) return;
  p[2] = growth.behind ? Math.min(p[2], mix(p[2], -10, below)) : Math.max(p[2], mix(p[2], 1.5, below));
}

/** Where this strand turns to next. */
function heading(growth: Growth, look: Look, down: Vector, p: Vector, normal: Vector, onShell: boolean, share: number): Vector {
  const g = growth.gravity;
  const comb = combAt(look, growth, p);
  const want: Vector = [comb[0] * (1 - g) + down[0] * g, comb[1] * (1 - g) + down[1] * g, comb[2] * (1 - g) + down[2] * g];
  if (growth.kind === 'stand') return normalize(want);
  if (growth.kind === 'clipped') return normalize([want[0] + normal[0] * 0.35, want[1] - 0.5 + normal[1] * 0.35, want[2] + normal[2] * 0.35]);
  if (growth.kind === 'tied' || growth.kind === 'fringe') {
    const flat = along(want, normal);
    const cling = onShell ? 0 : 0.45;
    return normalize([flat[0] - normal[0] * cling, flat[1] - normal[1] * cling, flat[2] - normal[2] * cling]);
  }
  if (onShell && p[1] > -1) return along(want, normal);
  const { at } = growth.root;
  const bow = (0.12 + 0.3 * look.messiness) * noise(at[0] * 0.35 + 40, (at[2] + p[1]) * 0.16, at[1] * 0.35);
  // What is combed back from a lifted root is held there, and falls over the forehead no more than it does under a brush.
  const held = look.comb === 'back' ? Math.min(1, look.rootLift + look.slick) * (growth.lengthCm < 14 ? Math.max(growth.root.top, ramp(5, 7, at[1])) : ramp(-9, -4, p[2])) : 0;
  const [own, fall] = [mix(0.6, 1, held), mix(0.5, 0.06, held)];
  const free: Vector = p[1] < mix(3, -2, held) ? [down[0] + bow - p[0] * 0.02, down[1], down[2] + bow * 0.5] : [want[0] * own + down[0] * fall, want[1] * own + down[1] * fall, want[2] * own + down[2] * fall];
  if (share > 0.72 && look.ends === 'in') { free[0] -= growth.side * (share - 0.72) * 3.4; free[2] -= (p[2] + 4) * 0.06; }
  if (share > 0.74 && look.ends === 'out') free[0] += growth.side * (share - 0.74) * 5.5;
  return normalize(free);
}

function startDirection(growth: Growth, look: Look, normal: Vector): Vector {
  const comb = along(combAt(look, growth, growth.root.at), normal);
  const lift = growth.lift * (growth.kind === 'hang' ? 0.35 + 0.65 * ramp(-4, 3, growth.root.at[2]) : 1);
  // Brushed up or back, hair is lifted off the top of the head, not out of its sides.
  const styled = look.comb === 'back' || look.comb === 'up' ? 0.75 : 0;
  const out = normalize([normal[0] * (1 - styled), normal[1] + styled * 0.6, normal[2] * (1 - styled * 0.5)]);
  return normalize([comb[0] + out[0] * lift, comb[1] + out[1] * lift, comb[2] + out[2] * lift]);
}

/** Length at which the scissors meet the strand. */
function cutLength(growth: Growth, path: Float32Array, step: number): number {
  const full = growth.lengthCm;
  if (growth.tie !== null) return full;
  const short = growth.kind === 'hang' && full < 9;
  for (let i = 1; i < guidePoints; i += 1) {
    const x = Math.abs(path[i * 3]!), y = path[i * 3 + 1]!, z = path[i * 3 + 2]!;
    const overEyes = y < 4.3 && z > 0 && x < 6.4 && y > -9.4;
    const overForehead = short && y < 8.6 && z > 0 && x < faceHalfWidth(y) - 0.6;
    if (y < growth.cutY || overForehead || (growth.kind === 'fringe' && overEyes)) return Math.min(full, (i - 0.4) * step);
  }
  return full;
}

/** Spaces the first `length` centimetres of a path over all its points. */
function respaced(path: Float32Array, step: number, length: number): Float32Array {
  const out = new Float32Array(guidePoints * 3);
  for (let i = 0; i < guidePoints; i += 1) {
    const at = Math.min(guidePoints - 1.0001, i / (guidePoints - 1) * length / step);
    const from = Math.floor(at), share = at - from;
    for (let c = 0; c < 3; c += 1) out[i * 3 + c] = mix(path[from * 3 + c]!, path[from * 3 + 3 + c]!, share);
  }
  return out;
}

/** A strand's way from its root: combed, lifted, falling, kept off skull, face and body, then cut. */
export function grow(look: Look, growth: Growth, down: Vector): { path: Float32Array; lengthCm: number } {
  const path = new Float32Array(guidePoints * 3);
  const step = growth.lengthCm / (guidePoints - 1);
  const p: Vector = [...growth.root.at];
  let normal = growth.root.normal, onShell = true;
  const d = startDirection(growth, look, normal);
  const bend = 1 - Math.exp(-step * (growth.kind === 'stand' ? 0.35 : mix(0.85, 0.5, look.rootLift)));
  path.set(p, 0);
  let grown = 0, reached = guidePoints;
  for (let i = 1; i < guidePoints; i += 1) {
    const want = heading(growth, look, down, p, normal, onShell, i / guidePoints);
    for (const c of [0, 1, 2] as const) d[c] += (want[c] - d[c]) * bend;
    normalize(d);
    for (const c of [0, 1, 2] as const) p[c] += d[c] * step;
    grown += step;
    normal = normalAt(p);
    onShell = keepOffSkull(growth, p, normal, grown);
    if (onShell && dot(d, normal) < 0 && growth.kind !== 'stand') { const flat = along(d, normal); d[0] = flat[0]; d[1] = flat[1]; d[2] = flat[2]; }
    keepOffFace(growth, look, p);
    keepOffBody(growth, p, down);
    path.set(p, i * 3);
    if (growth.tie !== null && reached === guidePoints && Math.hypot(p[0] - growth.tie.at[0], p[1] - growth.tie.at[1], p[2] - growth.tie.at[2]) < 0.9 + step) reached = i;
  }
  const length = reached < guidePoints ? reached * step : cutLength(growth, path, step);
  return { path: respaced(path, step, length), lengthCm: length };
}

/** Evens out kinks left by collisions; the root stays. */
export function smoothPath(path: Float32Array, rounds: number): void {
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 3; i < path.length - 3; i += 1) path[i] = path[i]! * 0.5 + (path[i - 3]! + path[i + 3]!) * 0.25;
  }
}

