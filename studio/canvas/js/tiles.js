// An index mask as pictures: tiles of 256 at every power of two, made when they are seen, where something changed only.
// A cell of a smaller level has the lowest class number shown among its four, so that a crack of one pixel stays.
const SIZE = 256;
const SLICE = 8; // ms of a frame for making tiles; what is not made by then shows as it was, or as another level has it
const MOST = 400; // canvases at once, about 100 MB
const SMALLEST = 1; // device pixels of a cell: less, and lines of one cell would fade

/** @returns {{mark(box), draw(context, view, stage, colours) -> whether all is up to date}} `values`: see mask.js. */
export function createTiles(values, width, height) {
  const levels = [levelOf(values, width, height)];
  while (levels.at(-1).width > SIZE || levels.at(-1).height > SIZE) {
    const { width: wide, height: high } = levels.at(-1);
    levels.push(levelOf(null, (wide + 1) >> 1, (high + 1) >> 1));
  }
  const rank = new Uint8Array(256); // 255 for what does not show
  const palette = new Uint32Array(256);
  let colouring = null, scratch = null, frame = 0, canvases = 0;

  /** Something changed in a box of the image. */
  function mark([x, y, wide, high]) {
    levels.forEach((level, power) => {
      const [left, top] = [x >> power, y >> power];
      const [right, bottom] = [((x + wide - 1) >> power) + 1, ((y + high - 1) >> power) + 1];
      for (const tile of tilesIn(level, left, top, right, bottom)) {
        const part = [Math.max(left, tile.left), Math.max(top, tile.top), Math.min(right, tile.right),
          Math.min(bottom, tile.bottom)];
        tile.used = true;
        tile.dirty = joined(tile.dirty, part);
        if (power) tile.stale = joined(tile.stale, part);
      }
    });
  }

  /** Other colours, or other classes shown. */
  function colour(colours) {
    const text = JSON.stringify([...colours]);
    if (text === colouring) return;
    colouring = text;
    rank.fill(255);
    palette.fill(0);
    for (const [number, [red, green, blue]] of colours) {
      rank[number] = number - 1;
      palette[number] = (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
    }
    levels.forEach((level, power) => level.tiles.filter((tile) => tile.used).forEach((tile) => {
      tile.dirty = whole(tile);
      if (power) tile.stale = whole(tile);
    }));
  }

  /** Bring a tile's cells up to date from the level below; false if the time is up before. */
  function settle(power, tile, deadline) {
    if (!tile.stale) return true;
    const [left, top, right, bottom] = tile.stale;
    if (power > 1)
      for (const below of tilesIn(levels[power - 1], 2 * left, 2 * top, 2 * right, 2 * bottom))
        if (!settle(power - 1, below, deadline)) return false;
    if (performance.now() > deadline) return false;
    levels[power].values ??= new Uint8Array(levels[power].width * levels[power].height);
    shrink(levels[power - 1], levels[power], tile.stale, rank);
    tile.stale = null;
    return true;
  }

  /** Bring a tile's picture up to date; false if the time is up before. */
  function make(power, tile, deadline) {
    if (!tile.dirty) return true;
    if (!settle(power, tile, deadline) || performance.now() > deadline) return false;
    scratch ??= new ImageData(SIZE, SIZE);
    const pixels = new Uint32Array(scratch.data.buffer), level = levels[power];
    const [left, top, right, bottom] = tile.dirty;
    let some = 0;
    for (let y = top; y < bottom; y++) {
      const to = (y - tile.top) * SIZE - tile.left;
      const from = y * level.width;
      for (let x = left; x < right; x++) some |= pixels[to + x] = palette[level.values[from + x]];
    }
    const all = right - left === tile.right - tile.left && bottom - top === tile.bottom - tile.top;
    tile.dirty = null;
    if (!some && all) discard(tile);
    if (!some && !tile.canvas) return true;
    if (!tile.canvas) {
      tile.canvas = new OffscreenCanvas(tile.right - tile.left, tile.bottom - tile.top);
      canvases += 1;
    }
    tile.context ??= tile.canvas.getContext("2d");
    tile.context.putImageData(scratch, 0, 0, left - tile.left, top - tile.top, right - left, bottom - top);
    return true;
  }

  function discard(tile) {
    if (tile.canvas) canvases -= 1;
    tile.canvas = tile.context = null;
  }

  /** Give back the pictures that were not seen for longest. */
  function sweep() {
    if (canvases <= MOST) return;
    const old = levels.slice(0, -1).flatMap((level) => level.tiles.filter((tile) => tile.canvas && tile.seen < frame));
    old.sort((one, other) => one.seen - other.seen).slice(0, canvases - MOST / 2).forEach((tile) => {
      discard(tile);
      tile.dirty = whole(tile);
    });
  }

  /** Draw cells [left, top, right, bottom] of a level from the tile that has them. */
  function show(context, place, power, tile, [left, top, right, bottom]) {
    tile.seen = frame;
    const side = 2 ** power, [x, y] = [place.x(left * side), place.y(top * side)];
    context.drawImage(tile.canvas, left - tile.left, top - tile.top, right - left, bottom - top, x, y,
      place.x(right * side) - x, place.y(bottom * side) - y);
  }

  /** Draw a part of a level from larger cells, or else from smaller ones, as they are. */
  function substitute(context, place, power, tile) {
    for (let above = power + 1; above < levels.length; above++) {
      const ratio = 2 ** (above - power), part = whole(tile).map((edge) => edge / ratio);
      const [coarse] = tilesIn(levels[above], ...part);
      if (coarse.canvas) return show(context, place, above, coarse, part);
    }
    finer(context, place, power, whole(tile));
  }

  function finer(context, place, power, part) {
    if (!power) return;
    for (const tile of tilesIn(levels[power - 1], ...part.map((edge) => 2 * edge)))
      if (tile.canvas) show(context, place, power - 1, tile, whole(tile));
      else if (tile.dirty) finer(context, place, power - 1, whole(tile));
  }

  function draw(context, view, stage, colours) {
    const deadline = performance.now() + SLICE;
    frame += 1;
    colour(colours);
    context.save();
    const ratio = context.getTransform().a, scale = view.scale * ratio; // device pixels
    const to = (offset) => (at) => Math.round(at * scale + offset * ratio);
    const place = { x: to(view.x), y: to(view.y) };
    const power = Math.min(Math.max(Math.ceil(Math.log2(SMALLEST / scale)), 0), levels.length - 1);
    const cell = view.scale * 2 ** power; // in stage pixels
    const seen = tilesIn(levels[power], -view.x / cell, -view.y / cell, (stage.width - view.x) / cell,
      (stage.height - view.y) / cell);
    let fresh = true;
    for (const tile of seen) fresh = make(power, tile, deadline) && fresh;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath(); // cells at the right and lower edge may reach beyond the image
    context.rect(place.x(0), place.y(0), place.x(width) - place.x(0), place.y(height) - place.y(0));
    context.clip();
    context.imageSmoothingEnabled = scale < 1;
    for (const tile of seen)
      if (tile.canvas) show(context, place, power, tile, whole(tile));
      else if (tile.dirty) substitute(context, place, power, tile);
    context.restore();
    const top = levels.length - 1; // it is there to be drawn whenever another level is not
    fresh = make(top, levels[top].tiles[0], deadline) && fresh;
    sweep();
    return fresh;
  }

  return { mark, draw };
}

function levelOf(values, width, height) {
  const columns = Math.ceil(width / SIZE), rows = Math.ceil(height / SIZE);
  const tiles = Array.from({ length: columns * rows }, (_, index) => {
    const left = index % columns * SIZE, top = Math.floor(index / columns) * SIZE;
    const [right, bottom] = [Math.min(left + SIZE, width), Math.min(top + SIZE, height)];
    // cells that are not as the level below says; cells whose picture is not as they are; whether it was ever painted
    return { left, top, right, bottom, stale: null, dirty: null, used: false, canvas: null, context: null, seen: 0 };
  });
  return { values, width, height, columns, rows, tiles };
}

const whole = ({ left, top, right, bottom }) => [left, top, right, bottom];

const joined = (one, other) => one ? [Math.min(one[0], other[0]), Math.min(one[1], other[1]),
  Math.max(one[2], other[2]), Math.max(one[3], other[3])] : other;

/** The tiles of a level that hold any of the cells from left, top to right, bottom. */
function tilesIn({ columns, rows, tiles }, left, top, right, bottom) {
  const found = [];
  const last = [Math.min(Math.ceil(right / SIZE), columns), Math.min(Math.ceil(bottom / SIZE), rows)];
  for (let row = Math.max(Math.floor(top / SIZE), 0); row < last[1]; row++)
    for (let column = Math.max(Math.floor(left / SIZE), 0); column < last[0]; column++)
      found.push(tiles[row * columns + column]);
  return found;
}

/** Cells [left, top, right, bottom] of a level from the four below each. */
function shrink(below, level, [left, top, right, bottom], rank) {
  const from = below.values, to = level.values;
  if (!from) return;
  for (let y = top; y < bottom; y++) {
    const upper = 2 * y * below.width, lower = 2 * y + 1 < below.height ? upper + below.width : upper;
    for (let x = left; x < right; x++) {
      const one = 2 * x, other = one + 1 < below.width ? one + 1 : one;
      const a = from[upper + one], b = from[upper + other], c = from[lower + one], d = from[lower + other];
      to[y * level.width + x] = a | b | c | d ?
        (Math.min(rank[a], rank[b], rank[c], rank[d]) + 1) & 255 : 0;
    }
  }
}
