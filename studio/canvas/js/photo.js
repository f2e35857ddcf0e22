// The photograph, drawn from a pyramid of tiles: level L is shrunk by 2^L, a tile has 512 pixels a side.
// The one tile of the highest level comes first and stays: what is not here yet is drawn from the nearest coarser tile.

import { visible } from "./view.js";

export { drawGrid } from "./view.js";

/** Pixels of a side of a tile. */
export const SIDE = 512;
const LIMIT = 96; // decoded tiles of 1 MB that are kept
const AT_ONCE = 3; // requests: a browser has six for a server, and a stroke must not wait for one
const PIXELATED = 2; // screen pixels an image pixel above which pixels are shown as squares

/** The highest level: the whole image in one tile. */
export const highest = ({ width, height }) => Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / SIDE)));

/** The level with at least one pixel a device pixel. */
export const levelFor = (scale, image) => Math.min(Math.max(0, Math.floor(-Math.log2(scale) + 1e-6)), highest(image));

/** The tiles of a level that a box of image pixels touches, nearest to its middle first: [{level, column, row}]. */
export const tilesOf = ([left, top, width, height], level) => {
  if (!(width > 0 && height > 0)) return [];
  const side = SIDE * 2 ** level;
  const tiles = [];
  for (let row = Math.floor(top / side); row * side < top + height; row++) {
    for (let column = Math.floor(left / side); column * side < left + width; column++) {
      tiles.push({ level, column, row });
    }
  }
  const far = ({ column, row }) =>
    Math.hypot((column + 0.5) * side - left - width / 2, (row + 0.5) * side - top - height / 2);
  return tiles.sort((a, b) => far(a) - far(b));
};

/** The box of image pixels that a tile covers. */
export const boxOf = ({ level, column, row }, image) => {
  const side = SIDE * 2 ** level;
  const [left, top] = [column * side, row * side];
  return [left, top, Math.min(side, image.width - left), Math.min(side, image.height - top)];
};

const nameOf = ({ level, column, row }) => `tile-${level}-${column}-${row}.jpg`;
const above = ({ level, column, row }, steps) => ({ level: level + steps, column: column >> steps, row: row >> steps });

/**
 * A photograph. `image`: {photo: address, width, height}; `onload()` is called when a better picture can be drawn.
 * draw(context, view, stage) wants a context in stage pixels; what is not photograph is cleared.
 */
export const createPhoto = (image, onload, load = loadTile) => {
  const top = { level: highest(image), column: 0, row: 0 };
  const tiles = new Map(); // name -> {bitmap?, promise?, used, failures, notBefore}
  const waiting = new Set(); // resolvers of those that wait for their turn
  const stop = new AbortController();
  let wanted = []; // tiles that the last drawing missed, most urgent first
  let running = 0;
  let drawing = 0;
  let timer = 0;
  let seen;
  const first = new Promise((resolve) => (seen = resolve));

  const entry = (tile) => {
    const name = nameOf(tile);
    if (!tiles.has(name)) tiles.set(name, { used: 0, failures: 0, notBefore: 0 });
    return tiles.get(name);
  };

  const evict = () => {
    const held = [...tiles].filter(([name, { bitmap }]) => bitmap && name !== nameOf(top));
    if (held.length < LIMIT) return;
    const idle = held.filter(([, { used }]) => used < drawing).sort(([, a], [, b]) => a.used - b.used);
    for (const [name, { bitmap }] of idle.slice(0, held.length - LIMIT + 1)) {
      bitmap.close();
      tiles.delete(name);
    }
  };

  /** The tile's bitmap; asked for once, however many want it: also a drawing that began meanwhile hears of it. */
  const fetchTile = (tile) => {
    const kept = entry(tile);
    kept.promise ??= (async () => {
      running += 1;
      try {
        const bitmap = await load(`${image.photo}/${nameOf(tile)}`, stop.signal);
        if (stop.signal.aborted) return bitmap.close();
        evict();
        Object.assign(kept, { bitmap, failures: 0, used: drawing });
        tiles.set(nameOf(tile), kept);
        if (tile.level === top.level) seen();
        onload();
        return bitmap;
      } catch (error) {
        kept.promise = undefined;
        kept.failures += 1;
        kept.notBefore = performance.now() + Math.min(30, 2 ** kept.failures / 2) * 1000;
        throw error;
      } finally {
        running -= 1;
        for (const turn of waiting) turn();
        waiting.clear();
        pump();
      }
    })();
    return kept.promise;
  };

  const pump = () => {
    if (stop.signal.aborted) return;
    const now = performance.now();
    const due = wanted.filter((tile) => !entry(tile).promise);
    for (const tile of due.filter((tile) => entry(tile).notBefore <= now)) {
      if (running >= AT_ONCE) break;
      fetchTile(tile).catch(() => {}); // it is asked for again
    }
    const later = Math.min(...due.map((tile) => entry(tile).notBefore).filter((time) => time > now));
    clearTimeout(timer);
    if (later < Infinity) timer = setTimeout(pump, later - now);
  };

  /** The tile itself or the nearest coarser one that is here. */
  const nearest = (tile) => {
    for (let steps = 0; tile.level + steps <= top.level; steps++) {
      const coarser = above(tile, steps);
      const kept = tiles.get(nameOf(coarser));
      if (kept?.bitmap) {
        kept.used = drawing;
        return { ...coarser, bitmap: kept.bitmap };
      }
    }
    return null;
  };

  const draw = (context, view, stage) => {
    drawing += 1;
    const ratio = context.getTransform().a;
    const level = levelFor(view.scale * ratio, image);
    const shown = tilesOf(visible(view, stage, image), level);
    // Edges are whole device pixels, so that neighbours meet without a seam.
    const across = (x) => Math.round((x * view.scale + view.x) * ratio);
    const down = (y) => Math.round((y * view.scale + view.y) * ratio);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    clearAround(context, across(0), down(0), across(image.width), down(image.height));
    for (const tile of shown) {
      const from = nearest(tile);
      if (!from) continue;
      const [left, upper, width, height] = boxOf(tile, image);
      const [fromLeft, fromUpper] = boxOf(from, image);
      const step = 2 ** from.level; // the last tile may reach beyond the image by a part of its last pixel
      context.imageSmoothingEnabled = view.scale <= PIXELATED || from.level > 0;
      context.drawImage(
        from.bitmap, (left - fromLeft) / step, (upper - fromUpper) / step, width / step, height / step,
        across(left), down(upper), across(left + width) - across(left), down(upper + height) - down(upper),
      );
    }
    context.restore();
    const around = level < top.level ? tilesOf(visible(view, stage, image), level + 1) : []; // for zooming out
    wanted = [top, ...shown, ...around].filter((tile) => !tiles.get(nameOf(tile))?.bitmap);
    pump();
  };

  const turn = () => new Promise((resolve) => waiting.add(resolve));
  const patient = async (tile) => {
    while (running >= AT_ONCE && !entry(tile).promise) await turn();
    return fetchTile(tile);
  };

  return {
    draw,
    /** Resolves when there is a picture, however coarse. */
    first,

    /** Draw the whole photograph, coarse, over a context of that size. */
    thumbnail(context, width, height) {
      const { bitmap } = entry(top);
      const step = 2 ** top.level;
      if (bitmap) context.drawImage(bitmap, 0, 0, image.width / step, image.height / step, 0, 0, width, height);
      return Boolean(bitmap);
    },

    /** Fetch what the first drawing of the whole image on a stage needs. */
    async prefetch(stage = { width: innerWidth, height: innerHeight }) {
      const scale = Math.min(stage.width / image.width, stage.height / image.height) * devicePixelRatio;
      const tiles = [top, ...tilesOf([0, 0, image.width, image.height], levelFor(scale, image))];
      await Promise.allSettled(tiles.map(patient)); // drawing asks again for those that failed
    },

    /**
     * The colours of a box of image pixels, at the finest level with at most `most` of them:
     * {box (grown to whole pixels of the level), scale: pixels an image pixel, width, height, data: RGBA}.
     */
    async pixels([left, upper, width, height], most) {
      let level = 0;
      while (level < top.level && (width * height) / 4 ** level > most) level += 1;
      const step = 2 ** level;
      const [x, y] = [Math.floor(left / step) * step, Math.floor(upper / step) * step];
      const right = Math.min(image.width, Math.ceil((left + width) / step) * step);
      const bottom = Math.min(image.height, Math.ceil((upper + height) / step) * step);
      const box = [x, y, right - x, bottom - y];
      const canvas = new OffscreenCanvas(Math.ceil(box[2] / step), Math.ceil(box[3] / step));
      const context = canvas.getContext("2d", { willReadFrequently: true });
      for (const tile of tilesOf(box, level)) {
        const bitmap = await patient(tile);
        const side = SIDE * step;
        context.drawImage(bitmap, (tile.column * side - x) / step, (tile.row * side - y) / step);
      }
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return { box, scale: 1 / step, width: canvas.width, height: canvas.height, data };
    },

    /** Whether everything that the last drawing wanted was there. */
    get complete() {
      return wanted.every((tile) => tiles.get(nameOf(tile))?.bitmap);
    },

    dispose() {
      stop.abort();
      clearTimeout(timer);
      for (const { bitmap } of tiles.values()) bitmap?.close();
      tiles.clear();
      wanted = [];
    },
  };
};

/** Clear a canvas but for a box of device pixels, which is drawn over. */
const clearAround = (context, left, top, right, bottom) => {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, Math.max(0, top));
  context.clearRect(0, bottom, width, Math.max(0, height - bottom));
  context.clearRect(0, top, Math.max(0, left), bottom - top);
  context.clearRect(right, top, Math.max(0, width - right), bottom - top);
};

/** A tile, decoded off the main thread with the colours that are in the file. */
const loadTile = async (address, signal) => {
  const reply = await fetch(address, { signal, priority: "low" });
  if (!reply.ok) throw new Error(`${address}: ${reply.status}`);
  return createImageBitmap(await reply.blob(), { colorSpaceConversion: "none" });
};
