// From strokes to pixels: studio/annotation/pixels.py and the kinds of studio/annotation/strokes.py, to the last bit.
// A pixel is covered if its centre is. The order of operations matters: numbers are rounded as they are in Python.
// A mask is a Uint8Array, row by row. Box: [left, top, width, height] in whole pixels. A shape is given as boxes.

const PAINTS = new Set(["brush", "erase", "polyline", "polygon", "rectangle", "region"]);
const PIECE = 16; // segments of a line in a box

/** Whether a row changes pixels by itself; undo and redo do not. */
export const paints = (row) => PAINTS.has(row.kind);

const clip = (value, most) => Math.min(Math.max(0, value), most);

/** A box by its edges, cut to the image; null if nothing is left. */
function boxWithin(left, top, right, bottom, height, width) {
  [left, top, right, bottom] = [clip(left, width), clip(top, height), clip(right, width), clip(bottom, height)];
  return left < right && top < bottom ? [left, top, right - left, bottom - top] : null;
}

/** What two boxes share; null if nothing. */
export function meet([x0, y0, w0, h0], [x1, y1, w1, h1]) {
  const left = Math.max(x0, x1), top = Math.max(y0, y1);
  const right = Math.min(x0 + w0, x1 + w1), bottom = Math.min(y0 + h0, y1 + h1);
  return left < right && top < bottom ? [left, top, right - left, bottom - top] : null;
}

function around(points, reach, height, width) {
  let [left, top] = points[0], [right, bottom] = points[0];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return boxWithin(Math.trunc(left - reach) - 1, Math.trunc(top - reach) - 1, Math.trunc(right + reach) + 2,
    Math.trunc(bottom + reach) + 2, height, width);
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
function round(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + Math.abs(low % 2) : low + (value - low > 0.5 ? 1 : 0);
}

/** The radius of a pen between two of its points, in image pixels; without `end`: the largest it has. */
function radiusOf({ width, widths }, start, end) {
  return Math.max(widths && end !== undefined ? (widths[start] + widths[end]) / 2 : width, 1) / 2;
}

/** The smallest box that holds the runs of a region. */
function regionBox(counts, height, width) {
  let at = 0, left = Infinity, right = 0, top = Infinity, bottom = 0;
  for (let index = 0; index < counts.length; at += counts[index++]) {
    if (index % 2 === 0 || !counts[index]) continue;
    const last = at + counts[index] - 1;
    const [from, to] = [Math.floor(at / height), Math.floor(last / height)];
    left = Math.min(left, from);
    right = to + 1;
    top = from < to ? 0 : Math.min(top, at - from * height);
    bottom = from < to ? height : Math.max(bottom, last - to * height + 1);
  }
  return boxWithin(left, top, right, bottom, height, width);
}

/** A box of the image that holds all that a row covers; null if it covers nothing. */
export function extent({ kind, geometry }, height, width) {
  if (kind === "region") return regionBox(geometry.counts, height, width);
  if (kind === "polygon") return around(geometry.points, 0.5, height, width);
  if (kind !== "rectangle") return around(geometry.points, radiusOf(geometry), height, width);
  const [x, y, wide, high] = geometry.box;
  return boxWithin(round(x), round(y), round(x + wide), round(y + high), height, width);
}

/** Boxes that together hold all that a row covers: a long line is cut into pieces, so that little else lies in them. */
export function boxes(row, height, width) {
  const { kind, geometry } = row;
  if (!geometry.points || kind === "polygon") return [extent(row, height, width)].filter(Boolean);
  const found = [];
  for (let start = 0; start === 0 || start < geometry.points.length - 1; start += PIECE)
    found.push(around(geometry.points.slice(start, start + PIECE + 1), radiusOf(geometry), height, width));
  return found.filter(Boolean);
}

/** Tell `fill(x, y, width, height)` the pixels inside a polygon, even-odd. */
function inPolygon(points, [left, top, width, height], fill) {
  const turns = Array.from({ length: height }, () => []);
  points.forEach((point, index) => {
    const next = points[(index + 1) % points.length];
    const [x0, y0, x1, y1] = [point[0] - left, point[1] - top, next[0] - left, next[1] - top];
    const stop = clip(Math.floor(Math.max(y0, y1)) + 1, height);
    for (let row = clip(Math.floor(Math.min(y0, y1)) - 1, height); row < stop; row++) {
      if ((y0 > row + 0.5) === (y1 > row + 0.5)) continue;
      const at = (x1 - x0) * (row + 0.5 - y0) / (y1 - y0) + x0;
      turns[row].push(clip(Math.floor(at + 0.5), width));
    }
  });
  turns.forEach((places, row) => {
    places.sort((one, other) => one - other);
    for (let index = 0; index + 1 < places.length; index += 2)
      if (places[index] < places[index + 1])
        fill(left + places[index], top + row, places[index + 1] - places[index], 1);
  });
}

/** Tell `fill` the pixels within the radius of a pen's line: what a segment covers of a row is an interval. */
function underPen(geometry, [left, top, width, height], fill) {
  const points = geometry.points.map(([x, y]) => [x - left, y - top]);
  for (let start = 0; start < Math.max(points.length - 1, 1); start++) {
    const next = Math.min(start + 1, points.length - 1);
    const [[x0, y0], [x1, y1]] = [points[start], points[next]];
    const radius = radiusOf(geometry, start, next);
    const dx = x1 - x0, dy = y1 - y0, length = Math.max(dx * dx + dy * dy, 1e-12);
    const level = Math.abs(dy) < 1e-9, upright = Math.abs(dx) < 1e-9; // a division by less says nothing
    const reach = Math.abs(radius * Math.sqrt(length) / dy);
    const stop = clip(Math.floor(Math.max(y0, y1) + radius) + 2, height);
    for (let row = clip(Math.floor(Math.min(y0, y1) - radius), height); row < stop; row++) {
      const below = row + 0.5 - y0;
      let begin = Infinity, end = -Infinity;
      // the straight part: within the radius of the line, and beside the segment
      const aside = (level && (upright || Math.abs(below) > radius)) ||
        (upright && (below * dy < 0 || below * dy > length));
      if (!aside) {
        const middle = x0 + below * dx / dy, one = x0 - below * dy / dx, other = one + length / dx;
        const from = Math.max(level ? -Infinity : middle - reach, upright ? -Infinity : Math.min(one, other));
        const to = Math.min(level ? Infinity : middle + reach, upright ? Infinity : Math.max(one, other));
        if (from <= to) [begin, end] = [from, to];
      }
      // the round ends
      const first = radius * radius - below * below, last = radius * radius - (below - dy) * (below - dy);
      if (first >= 0) {
        const half = Math.sqrt(first);
        begin = Math.min(begin, x0 - half);
        end = Math.max(end, x0 + half);
      }
      if (last >= 0) {
        const half = Math.sqrt(last);
        begin = Math.min(begin, x1 - half);
        end = Math.max(end, x1 + half);
      }
      begin = clip(Math.ceil(begin - 0.5), width);
      end = clip(Math.floor(end + 0.5), width);
      if (begin < end) fill(left + begin, top + row, end - begin, 1);
    }
  }
}

/** Tell `fill` a run of pixels, column by column within a box, as one to three rectangles. */
function column(at, count, [left, top, , height], fill) {
  let from = Math.floor(at / height);
  const row = at - from * height, last = Math.min(row + count, height);
  if (row || last < height) {
    fill(left + from, top + row, 1, last - row);
    count -= last - row;
    from += 1;
  }
  const whole = Math.floor(count / height);
  if (whole) fill(left + from, top, whole, height);
  if (count % height) fill(left + from + whole, top, 1, count % height);
}

/** Tell `fill` every pixel that a row covers; pixels may come twice. `box`: its extent. */
function draw({ kind, geometry }, box, height, width, fill) {
  if (kind === "rectangle") fill(...box);
  else if (kind === "polygon") inPolygon(geometry.points, box, fill);
  else if (kind === "region") {
    let at = 0;
    geometry.counts.forEach((count, index) => {
      if (index % 2 && count) column(at, count, [0, 0, width, height], fill);
      at += count;
    });
  } else underPen(geometry, box, fill);
}

/** Set a rectangle of an array whose rows are `stride` long. */
function fillIn(values, stride, x, y, width, height, value) {
  const first = y * stride + x, last = first + height * stride;
  if (width === 1) for (let at = first; at < last; at += stride) values[at] = value;
  else if (width > 8) for (let at = first; at < last; at += stride) values.fill(value, at, at + width);
  else for (let line = first; line < last; line += stride)
    for (let at = line; at < line + width; at++) values[at] = value;
}

/** The pixels that a row covers, {box, where: Uint8Array of 0 and 1 in the box}; null if none of the image. */
export function cover(row, height, width) {
  const box = extent(row, height, width);
  if (!box) return null;
  const [left, top, wide, high] = box, where = new Uint8Array(wide * high);
  draw(row, box, height, width, (x, y, w, h) => fillIn(where, wide, x - left, y - top, w, h, 1));
  return { box, where };
}

/** Paint a row on a mask, `within` a box only if there is one. Returns the box that may have changed, or null. */
export function paint(mask, width, height, row, within = null) {
  const whole = extent(row, height, width);
  const box = whole && within ? meet(whole, within) : whole;
  if (!box) return null;
  const value = row.kind === "erase" ? 0 : row.class_number;
  const over = row.geometry.over === undefined || row.geometry.over;
  const [left, top] = box, right = left + box[2], bottom = top + box[3];
  draw(row, whole, height, width, (x, y, w, h) => {
    const from = Math.max(x, left), to = Math.min(x + w, right);
    const first = Math.max(y, top), last = Math.min(y + h, bottom);
    if (from >= to || first >= last) return;
    if (over) fillIn(mask, width, from, first, to - from, last - first, value);
    else for (let line = first * width; line < last * width; line += width)
      for (let at = line + from; at < line + to; at++) if (!mask[at]) mask[at] = value;
  });
  return box;
}

/** Set the values of a patch {box, counts, values} in a mask whose rows are `width` long. */
export function put(mask, width, { box, counts, values }) {
  const pixels = new Float64Array(256);
  counts.forEach((count, index) => { pixels[values[index]] += count; });
  const most = pixels.indexOf(Math.max(...pixels)); // usually 0: cheap in rows, dear in columns
  fillIn(mask, width, ...box, most);
  const fill = (x, y, w, h) => fillIn(mask, width, x, y, w, h, value);
  let at = 0, value = 0;
  for (let index = 0; index < counts.length; at += counts[index++]) {
    value = values[index];
    if (value !== most && counts[index]) column(at, counts[index], box, fill);
  }
}

/** Run lengths of a 0/1 array (height rows of width), column by column, beginning with the 0s. */
export function encode(where, width, height) {
  const counts = [];
  let value = 0, run = 0;
  for (let x = 0; x < width; x++) {
    for (let at = x; at < width * height; at += width) {
      if ((where[at] ? 1 : 0) !== value) {
        counts.push(run);
        value = 1 - value;
        run = 0;
      }
      run += 1;
    }
  }
  counts.push(run);
  return counts;
}

/** The 0/1 array (height rows of width) of run lengths. */
export function decode(counts, width, height) {
  const where = new Uint8Array(width * height);
  put(where, width, { box: [0, 0, width, height], counts, values: counts.map((_, index) => index % 2) });
  return where;
}

/** The area {box, counts, pixels} of a 0/1 array in a box. */
export function areaOf(box, where) {
  const counts = encode(where, box[2], box[3]);
  return { box, counts, pixels: counts.reduce((sum, count, index) => sum + (index % 2 ? count : 0), 0) };
}

/** The 0/1 array of an area, row by row in its box. */
export const whereOf = ({ box, counts }) => decode(counts, box[2], box[3]);

/** The geometry of a region, run lengths of the whole image, from an area. */
export function regionOf({ box: [left, top, wide, high], counts }, width, height) {
  const whole = [0];
  const add = (count, covered) => { // runs of the same kind are one
    if (!count) return;
    if ((whole.length - 1) % 2 === covered) whole[whole.length - 1] += count;
    else whole.push(count);
  };
  add(left * height + top, 0);
  let row = 0, column = 0;
  counts.forEach((count, index) => {
    while (count) {
      const part = Math.min(count, high - row);
      add(part, index % 2);
      count -= part;
      row += part;
      if (row < high) continue;
      row = 0;
      column += 1;
      add(column < wide ? height - high : height - high - top, 0);
    }
  });
  add((width - left - wide) * height, 0);
  return { counts: whole, size: [height, width] };
}

/** The connected pixels of one value about a pixel, {area, edge: whether they touch the image's border}; null outside
 *  of the image. A class is joined at corners too; what is empty is not, so that a thin line encloses it. */
export function flood(values, width, height, x, y) {
  if (!(x >= 0 && y >= 0 && x < width && y < height)) return null;
  [x, y] = [Math.floor(x), Math.floor(y)];
  const value = values[y * width + x], corner = value ? 1 : 0;
  const found = new Uint8Array(width * height), seeds = [y * width + x];
  let left = x, right = x, top = y, bottom = y;
  while (seeds.length) {
    const seed = seeds.pop();
    if (found[seed]) continue;
    const row = Math.floor(seed / width), line = row * width;
    let from = seed, to = seed + 1;
    while (from > line && values[from - 1] === value) from--;
    while (to < line + width && values[to] === value) to++;
    found.fill(1, from, to);
    left = Math.min(left, from - line);
    right = Math.max(right, to - line - 1);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
    for (const next of [line - width, line + width]) {
      if (next < 0 || next >= values.length) continue;
      const last = Math.min(to - line + corner, width) + next;
      let inside = false; // a seed for each run of the next row
      for (let at = Math.max(from - line - corner, 0) + next; at < last; at++) {
        const same = values[at] === value && !found[at];
        if (same && !inside) seeds.push(at);
        inside = same;
      }
    }
  }
  const box = [left, top, right - left + 1, bottom - top + 1];
  const where = new Uint8Array(box[2] * box[3]);
  for (let row = 0; row < box[3]; row++) {
    const start = (top + row) * width + left;
    where.set(found.subarray(start, start + box[2]), row * box[2]);
  }
  const edge = left === 0 || top === 0 || right === width - 1 || bottom === height - 1;
  return { area: areaOf(box, where), edge };
}
