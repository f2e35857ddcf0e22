// The live wire: the darkest way from a click to wherever the pointer is. No imports: its text also runs in a worker.
// As studio/annotation/assists/{ridges,trace}.py, on a window of the photograph.
const SIGMAS = [1, 2, 4]; // pixels; fewer than there, as this is only shown: the server finds the crack that is taken
const FLOOR = 0.05; // cost is 1 / (this + strength): a way over bare wall costs 21 times one along the crack
const STEPS = 16; // of cost 1: costs are whole numbers, so that a pixel waits in the bucket of its cost
const AROUND = [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]];
const NONE = 255; // in `from`: the start, which has no pixel before it

/** Grey levels 0..255 of RGBA bytes: Float32Array, one a pixel. */
export function grey(data) {
  const level = new Float32Array(data.length / 4);
  for (let at = 0, byte = 0; at < level.length; at++, byte += 4)
    level[at] = 0.299 * data[byte] + 0.587 * data[byte + 1] + 0.114 * data[byte + 2];
  return level;
}

/** How bold a dark line each pixel lies on: Sato's filter, the largest answer of all sigmas, 0 where there is none. */
export function ridges(level, width, height, sigmas = SIGMAS) {
  const strength = new Float32Array(level.length);
  let blurred = level, sofar = 0;
  for (const sigma of sigmas) {
    blurred = blur(blurred, width, height, Math.sqrt(sigma * sigma - sofar * sofar)); // blurs add up by their squares
    sofar = sigma;
    curve(blurred, width, height, sigma * sigma, strength);
  }
  return strength;
}

/** A Gaussian blur; the border's pixels go on outside. */
export function blur(level, width, height, sigma) {
  const reach = Math.ceil(3 * sigma);
  const weights = Float32Array.from({ length: reach + 1 }, (_, by) => Math.exp(-by * by / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight, by) => total + (by ? 2 : 1) * weight, 0);
  weights.forEach((weight, by) => weights[by] = weight / sum);
  const rows = new Float32Array(level.length), both = new Float32Array(level.length);
  const line = new Float32Array(width + 2 * reach);
  for (let y = 0, start = 0; y < height; y++, start += width) {
    line.fill(level[start], 0, reach);
    line.set(level.subarray(start, start + width), reach);
    line.fill(level[start + width - 1], reach + width);
    for (let x = 0; x < width; x++) {
      let value = line[x + reach] * weights[0];
      for (let by = 1; by <= reach; by++) value += (line[x + reach - by] + line[x + reach + by]) * weights[by];
      rows[start + x] = value;
    }
  }
  for (let y = 0, start = 0; y < height; y++, start += width) { // row by row, as they lie in memory
    for (let x = 0; x < width; x++) both[start + x] = rows[start + x] * weights[0];
    for (let by = 1; by <= reach; by++) {
      const above = Math.max(0, y - by) * width, below = Math.min(height - 1, y + by) * width, weight = weights[by];
      for (let x = 0; x < width; x++) both[start + x] += (rows[above + x] + rows[below + x]) * weight;
    }
  }
  return both;
}

/** Where the larger eigenvalue of the Hessian, times `factor`, is above `strength`, put it there. */
function curve(level, width, height, factor, strength) {
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width, here = y * width, below = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = x ? x - 1 : 0, right = x < width - 1 ? x + 1 : x;
      const a = level[above + left], b = level[above + x], c = level[above + right];
      const d = level[here + left], e = level[here + x], f = level[here + right];
      const g = level[below + left], h = level[below + x], i = level[below + right];
      const corners = a + c + g + i;
      const xx = corners + 2 * (d + f - b - h) - 4 * e;
      const yy = corners + 2 * (b + h - d - f) - 4 * e;
      const xy = a - c - g + i, half = (xx - yy) / 2;
      const answer = ((xx + yy) / 2 + Math.sqrt(half * half + xy * xy)) * 0.25 * factor;
      if (answer > strength[here + x]) strength[here + x] = answer;
    }
  }
}

/** What a step onto each pixel costs, whole numbers: little where the line is as bold as the boldest hundredth. */
export function costs(strength) {
  const high = percentile(strength, 0.99);
  const cost = new Uint16Array(strength.length).fill(STEPS);
  if (!high) return cost;
  for (let at = 0; at < cost.length; at++)
    cost[at] = STEPS / (FLOOR + Math.min(1, strength[at] / high)) + 0.5;
  return cost;
}

function percentile(values, part) {
  const bins = new Uint32Array(4096);
  let most = 0;
  for (let at = 0; at < values.length; at++) if (values[at] > most) most = values[at];
  if (!most) return 0;
  for (let at = 0; at < values.length; at++) bins[Math.min(4095, values[at] / most * 4096 | 0)]++;
  let bin = 0;
  for (let count = bins[0]; count < part * values.length; count += bins[++bin]);
  return (bin + 0.5) / 4096 * most;
}

/** The cheapest ways from `start` (an index) to every pixel (Dijkstra): for each the number of its neighbour before it
 *  (see AROUND), Uint8Array. A step costs the mean of its two pixels, times its length. */
export function search(cost, width, height, start) {
  const wide = width + 2; // with a border that is done from the start, no step leaves the window
  const dear = framed(cost, width, height, 0), size = dear.length;
  const done = framed(new Uint8Array(cost.length), width, height, 1);
  const from = new Uint8Array(size).fill(NONE), total = new Int32Array(size).fill(0x7fffffff);
  const steps = Int32Array.from(AROUND, ([x, y]) => y * wide + x);
  const lengths = Int32Array.from(AROUND, ([x, y]) => x && y ? 7 : 5); // 7 / 5 is the root of 2 to a hundredth
  let dearest = 0;
  for (let at = 0; at < size; at++) if (dear[at] > dearest) dearest = dear[at];
  const last = 2 ** Math.ceil(Math.log2(dearest * 2 * 7 + 1)) - 1; // buckets, used over and over
  const first = new Int32Array(last + 1).fill(-1);
  let next = new Int32Array(2 * size), pixel = new Int32Array(2 * size), used = 1, waiting = 1; // lists of the buckets
  const begin = (Math.floor(start / width) + 1) * wide + start % width + 1;
  total[begin] = first[0] = 0;
  pixel[0] = begin;
  next[0] = -1;
  for (let sum = 0; waiting; sum++) {
    const bucket = sum & last;
    for (let entry = first[bucket]; entry >= 0; entry = first[bucket]) {
      first[bucket] = next[entry];
      waiting--;
      const at = pixel[entry];
      if (done[at]) continue;
      done[at] = 1;
      const own = dear[at];
      for (let way = 0; way < 8; way++) {
        const to = at + steps[way];
        if (done[to]) continue;
        const reached = sum + (own + dear[to]) * lengths[way];
        if (reached >= total[to]) continue;
        total[to] = reached;
        from[to] = 7 - way;
        if (used === next.length) [next, pixel] = [grown(next), grown(pixel)];
        pixel[used] = to;
        next[used] = first[reached & last];
        first[reached & last] = used++;
        waiting++;
      }
    }
  }
  const inner = new Uint8Array(cost.length);
  for (let y = 0; y < height; y++) inner.set(from.subarray((y + 1) * wide + 1, (y + 1) * wide + 1 + width), y * width);
  return inner;
}

/** A picture with a border of one value, a pixel wide. */
function framed(values, width, height, value) {
  const wide = width + 2, all = new values.constructor(wide * (height + 2)).fill(value);
  for (let y = 0; y < height; y++) all.set(values.subarray(y * width, (y + 1) * width), (y + 1) * wide + 1);
  return all;
}

const AROUND_X = Int8Array.from(AROUND, ([x]) => x), AROUND_Y = Int8Array.from(AROUND, ([, y]) => y);

function grown(values) {
  const larger = new Int32Array(2 * values.length);
  larger.set(values);
  return larger;
}

/** The way from the start of `search` to a pixel: [[x, y], ...], pixels of the window. */
export function follow(from, width, [x, y]) {
  const points = [[x, y]];
  for (let way = from[y * width + x]; way !== NONE; way = from[y * width + x]) {
    x += AROUND_X[way];
    y += AROUND_Y[way];
    points.push([x, y]);
  }
  return points.reverse();
}

/** All of it: `from` for RGBA bytes of a window and the pixel [x, y] that was clicked. */
export function ways(data, width, height, [x, y]) {
  return search(costs(ridges(grey(data), width, height)), width, height, y * width + x);
}
