// How sharp the layers are drawn while the view moves. A machine without a GPU cannot fill a dense screen thirty times
// a second: where frames come late, moving is drawn with half the pixels a side. At rest it is sharp again.

const LATE = 26; // ms between frames, on the average of the last ones
const REST = 80; // ms without a movement
const COARSEST = 0.5; // pixels of a canvas a CSS pixel
const BETTER = 0.85; // of the time between frames that half the pixels must save, or it is not the pixels
const WINDOW = 6; // frames
const FORGET = 30_000; // ms after which the other way is tried: something else may have kept the machine busy

/**
 * `canvases` fill a stage; redraw() draws them all in the next frame. Call size(stage) when it changes, moved() at each
 * change of the view, and apply() at the start of each drawing; `ratio`: pixels of a canvas a CSS pixel.
 */
export const createPace = (canvases, redraw) => {
  let stage = { width: 0, height: 0 };
  let halvings = 0; // while moving; kept from one movement to the next
  let tried = -FORGET; // when the halvings changed last
  let before = Infinity; // ms between frames with one halving less
  let fresh = false; // whether the last halving has still to show that it helps
  let moving = false;
  let rest = 0;
  let stamps = [];

  const full = () => window.devicePixelRatio || 1;
  const ratio = () => full() / (moving ? 2 ** halvings : 1);
  const apply = () => {
    const [width, height] = [Math.round(stage.width * ratio()), Math.round(stage.height * ratio())];
    const other = canvases.filter((canvas) => canvas.width !== width || canvas.height !== height);
    for (const canvas of other) Object.assign(canvas, { width, height });
    return other.length > 0;
  };
  const still = () => {
    moving = false;
    stamps = [];
    redraw();
  };
  const change = (by, time) => {
    halvings += by;
    tried = time;
    stamps = [];
    redraw();
  };
  const judge = (each, time) => {
    const first = fresh;
    fresh = false;
    if (first && each > before * BETTER) {
      before = 0; // it is not the pixels: none are saved until FORGET is over
      change(-1, time);
    } else if (each > LATE && before && full() / 2 ** (halvings + 1) >= COARSEST) {
      before = each;
      fresh = true;
      change(1, time);
    }
  };
  const watch = (time) => {
    if (!moving) return;
    stamps = [...stamps, time].slice(-WINDOW);
    if (stamps.length === WINDOW) judge((time - stamps[0]) / (WINDOW - 1), time);
    requestAnimationFrame(watch);
  };

  return {
    get ratio() {
      return ratio();
    },
    /** Give the canvases the pixels that the next drawing wants. Returns whether that emptied them. */
    apply,
    size(next) {
      stage = { width: next.width, height: next.height };
      return apply();
    },
    moved() {
      clearTimeout(rest);
      rest = setTimeout(still, REST);
      if (moving) return;
      moving = true;
      requestAnimationFrame(watch);
      if (performance.now() - tried < FORGET) return;
      before = Infinity;
      if (halvings) change(-1, performance.now());
    },
    dispose: () => clearTimeout(rest),
  };
};
