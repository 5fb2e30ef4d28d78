/** Box mean along every row. */
function alongRows(from: Float32Array, to: Float32Array, width: number, height: number, radius: number): void {
  const scale = 1 / (2 * radius + 1), last = width - 1;
  for (let y = 0; y < height; y += 1) {
    const start = y * width;
    let sum = from[start]! * (radius + 1);
    for (let i = 1; i <= radius; i += 1) sum += from[start + Math.min(i, last)]!;
    for (let x = 0; x < width; x += 1) {
      to[start + x] = sum * scale;
      sum += from[start + Math.min(last, x + radius + 1)]! - from[start + Math.max(0, x - radius)]!;
    }
  }
}

/** Box mean down every column, a row of running sums at a time: columns one by one would miss the cache at each step. */
function downColumns(from: Float32Array, to: Float32Array, width: number, height: number, radius: number): void {
  const scale = 1 / (2 * radius + 1), sums = new Float64Array(width);
  const row = (y: number): number => Math.max(0, Math.min(height - 1, y)) * width;
  for (let y = -radius; y <= radius; y += 1) { const o = row(y); for (let x = 0; x < width; x += 1) sums[x]! += from[o + x]!; }
  for (let y = 0; y < height; y += 1) {
    const here = y * width, next = row(y + radius + 1), gone = row(y - radius);
    for (let x = 0; x < width; x += 1) {
      to[here + x] = sums[x]! * scale;
      sums[x]! += from[next + x]! - from[gone + x]!;
    }
  }
}

/** Near-Gaussian blur that needs two planes of memory whatever its width: two box passes each way. */
export function blurred(plane: Float32Array, width: number, height: number, sigma: number): Float32Array {
  const radius = Math.max(1, Math.round(Math.sqrt(1.5 * sigma * sigma + 0.25) - 0.5));
  const one = new Float32Array(plane.length), two = new Float32Array(plane.length);
  alongRows(plane, one, width, height, radius);
  alongRows(one, two, width, height, radius);
  downColumns(two, one, width, height, radius);
  downColumns(one, two, width, height, radius);
  return two;
}
