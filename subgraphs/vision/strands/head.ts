import { faceModel } from './face-model.ts';
import { clamp, type Vector } from './numbers.ts';

/** Where the head of a photo stands: maps head space (centimetres) to picture pixels. */
export type Head = {
  pxPerCm: number;
  /** Rows x, y (picture pixels, y down) and depth (pixels, greater = nearer), each [x, y, z, constant]. */
  rows: Float64Array;
  /** Columns are head axes seen in the picture's frame (x right, y up, z to the camera), proportions left out. */
  rotation: Float64Array;
};

export function project(head: Head, x: number, y: number, z: number): Vector {
  const m = head.rows;
  return [
    m[0]! * x + m[1]! * y + m[2]! * z + m[3]!,
    m[4]! * x + m[5]! * y + m[6]! * z + m[7]!,
    m[8]! * x + m[9]! * y + m[10]! * z + m[11]!,
  ];
}

/** A picture direction (x right, y up, z to the camera) in head space. */
export function toHeadDirection(head: Head, v: Vector): Vector {
  const r = head.rotation;
  return [r[0]! * v[0] + r[3]! * v[1] + r[6]! * v[2], r[1]! * v[0] + r[4]! * v[1] + r[7]! * v[2], r[2]! * v[0] + r[5]! * v[1] + r[8]! * v[2]];
}

function centroid(points: Float32Array): Vector {
  const sum: Vector = [0, 0, 0];
  for (let i = 0; i < points.length; i += 1) sum[i % 3 as 0 | 1 | 2] += points[i]!;
  const count = points.length / 3;
  return [sum[0] / count, sum[1] / count, sum[2] / count];
}

/** Sums of products of the two centred point sets: rows canonical, columns seen. */
function correlation(model: Float32Array, modelMean: Vector, seen: Float32Array, seenMean: Vector): Float64Array {
  const sums = new Float64Array(9);
  for (let i = 0; i < model.length; i += 3) {
    for (let a = 0; a < 3; a += 1) {
      const m = model[i + a]! - modelMean[a as 0 | 1 | 2];
      for (let b = 0; b < 3; b += 1) sums[a * 3 + b]! += m * (seen[i + b]! - seenMean[b as 0 | 1 | 2]);
    }
  }
  return sums;
}

/** Horn's closed form: the rotation is the leading eigenvector of a 4x4 matrix, read as a quaternion. */
function rotationFrom(s: Float64Array): Float64Array {
  const xx = s[0]!, xy = s[1]!, xz = s[2]!, yx = s[3]!, yy = s[4]!, yz = s[5]!, zx = s[6]!, zy = s[7]!, zz = s[8]!;
  const n = [
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ];
  const shift = Math.hypot(...n.flat());
  let q = [1, 0.01, 0.01, 0.01];
  for (let round = 0; round < 300; round += 1) {
    const next = n.map((row, i) => row.reduce((sum, value, j) => sum + value * q[j]!, shift * q[i]!));
    const length = Math.hypot(...next);
    q = next.map((value) => value / length);
  }
  const w = q[0]!, x = q[1]!, y = q[2]!, z = q[3]!;
  return Float64Array.of(
    1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
    2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
    2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
  );
}

/** Least-squares size of the seen face against the model, per head axis. */
function proportions(r: Float64Array, modelMean: Vector, seen: Float32Array, seenMean: Vector): Vector {
  const over: Vector = [0, 0, 0], under: Vector = [0, 0, 0];
  for (let i = 0; i < faceModel.length; i += 3) {
    const d = [seen[i]! - seenMean[0], seen[i + 1]! - seenMean[1], seen[i + 2]! - seenMean[2]] as const;
    for (const axis of [0, 1, 2] as const) {
      const m = faceModel[i + axis]! - modelMean[axis];
      over[axis] += m * (r[axis]! * d[0] + r[3 + axis]! * d[1] + r[6 + axis]! * d[2]);
      under[axis] += m * m;
    }
  }
  const mean = (over[0] / under[0] + over[1] / under[1]) / 2;
  const within = (value: number): number => clamp(value, mean * 0.88, mean * 1.12);
  return [within(over[0] / under[0]), within(over[1] / under[1]), clamp(over[2] / under[2], mean * 0.94, mean * 1.06)];
}

/**
 * Fits the head to 468 landmarks (x, y in pixels, y down; z in the same unit, negative towards the camera), with the person's own
 * width, height and depth of face.
 */
export function fitHead(landmarks: Float32Array): Head {
  const seen = new Float32Array(faceModel.length);
  for (let i = 0; i < seen.length; i += 3) { seen[i] = landmarks[i]!; seen[i + 1] = -landmarks[i + 1]!; seen[i + 2] = -landmarks[i + 2]!; }
  const modelMean = centroid(faceModel), seenMean = centroid(seen);
  const rotation = rotationFrom(correlation(faceModel, modelMean, seen, seenMean));
  const size = proportions(rotation, modelMean, seen, seenMean);
  const rows = new Float64Array(12);
  for (const row of [0, 1, 2] as const) {
    const sign = row === 1 ? -1 : 1;
    let constant = seenMean[row];
    for (const axis of [0, 1, 2] as const) {
      const value = rotation[row * 3 + axis]! * size[axis];
      rows[row * 4 + axis] = value * sign;
      constant -= value * modelMean[axis];
    }
    rows[row * 4 + 3] = constant * sign;
  }
  return { pxPerCm: (size[0] + size[1]) / 2, rows, rotation };
}
