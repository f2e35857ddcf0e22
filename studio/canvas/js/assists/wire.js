// The live wire on the photograph: a window about the last click, in which the way to the pointer is known at once.
import { follow } from "./livewire.js";

const SIDE = 512; // pixels of a window

/** The box of image pixels, [left, top, width, height], in which a way from `start` to `end` is looked for: `SIDE`
 *  screen pixels wide at a view's scale (never finer than the photograph), more where the two are further apart. */
export function windowOf(start, end, scale, { width, height }) {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const half = Math.ceil(Math.max(SIDE / 2 / Math.min(1, scale), 0.75 * Math.abs(dx), 0.75 * Math.abs(dy)));
  const [left, top] = [start[0] + dx / 2, start[1] + dy / 2].map((middle) => Math.floor(middle) - half);
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  return [x, y, Math.min(width, left + 2 * half) - x, Math.min(height, top + 2 * half) - y];
}

/** The pixel of a window ({box, width, height, scale}) that holds an image point, or the nearest one. */
export function pixelOf({ box: [left, top], width, height, scale }, [x, y]) {
  return [[(x - left) * scale, width], [(y - top) * scale, height]].map(([at, size]) =>
    Math.min(size - 1, Math.max(0, Math.floor(at))));
}

const holds = ({ box: [left, top, width, height] }, [x, y]) =>
  x >= left && y >= top && x < left + width && y < top + height;

/** Ways from one point. `solve`: see solver.js; `onready()` when a way that was not known is. */
export function createWire(solve, onready) {
  let start = null, known = null, running = null, wish = null;

  const run = async () => {
    const { photo, image, scale, end } = wish;
    const own = running = { start, box: windowOf(start, end, scale, image) };
    wish = null;
    try {
      const { data, ...window } = await photo.pixels(own.box, SIDE * SIDE);
      const from = await solve(data, window.width, window.height, pixelOf(window, own.start));
      if (own.start === start) known = { ...window, from };
    } catch {
      // the photograph is not here: the way stays a straight line until the pointer moves on
    }
    running = null;
    if (own.start === start) onready();
    if (wish && !(known && holds(known, wish.end))) run();
  };

  return {
    /** Begin at a point (null: none). */
    begin(point) {
      [start, known, wish] = [point, null, null];
    },

    /** See to it that the way to `end` becomes known. */
    aim(end, photo, image, scale) {
      if (!start || (known && holds(known, end))) return;
      if (running?.start === start && holds(running, end)) return;
      wish = { end, photo, image, scale };
      if (!running) run();
    },

    /** The way to `end`, image points; a straight line as far as none is known. */
    way(end) {
      if (!known) return [start, end];
      const { box: [left, top], scale, from, width } = known;
      const pixels = follow(from, width, pixelOf(known, end)).slice(1, -1);
      return [start, ...pixels.map(([x, y]) => [left + (x + 0.5) / scale, top + (y + 0.5) / scale]), end];
    },
  };
}
