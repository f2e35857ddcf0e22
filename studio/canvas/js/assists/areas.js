// Areas that the server found, {box, counts, pixels}: seen over the photograph, pointed at, taken.
import { whereOf } from "../rasterise.js";
import { anchored, fitScale, middle } from "../view.js";

/** A colour that no wall has. */
export const SHOWN = "#ff2bd6";
const MOST = 4_000_000; // pixels of an area's picture

/** Whether an area has an image point's pixel. */
export function holds({ box: [left, top, width, height], counts }, [x, y]) {
  const [column, row] = [Math.floor(x) - left, Math.floor(y) - top];
  if (column < 0 || row < 0 || column >= width || row >= height) return false;
  let before = column * height + row;
  for (let run = 0; run < counts.length; run++) {
    if (before < counts[run]) return run % 2 === 1;
    before -= counts[run];
  }
  return false;
}

/** The index of the area at a point, or of the nearest within `reach`, in image pixels; -1 where there is none. */
export function areaAt(areas, [x, y], reach) {
  const step = Math.max(1, reach / 6);
  const near = areas.map((area, index) => [area, index]).filter(([{ box: [left, top, width, height] }]) =>
    x >= left - reach && y >= top - reach && x < left + width + reach && y < top + height + reach);
  for (let away = 0; away <= reach; away += step) { // rings about the point
    const places = Math.max(1, Math.ceil(2 * Math.PI * away / step));
    for (let place = 0; place < places; place++) {
      const angle = 2 * Math.PI * place / places;
      const point = [x + away * Math.cos(angle), y + away * Math.sin(angle)];
      const found = near.findLast(([area]) => holds(area, point)); // smaller ones come later and lie on top
      if (found) return found[1];
    }
  }
  return -1;
}

/** An area shrunk by a whole number: {width, height, where}, 1 where any of its pixels is, 2 where that is its edge. */
export function shrunk(area, step) {
  const [, , wide, high] = area.box;
  const [width, height] = [Math.ceil(wide / step), Math.ceil(high / step)];
  const inside = whereOf(area), where = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < high; y++) {
    const start = Math.floor(y / step) * width;
    for (let x = 0; x < wide; x++, at++) if (inside[at]) where[start + Math.floor(x / step)] = 1;
  }
  const empty = (x, y) => x < 0 || y < 0 || x >= width || y >= height || !where[y * width + x];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
    if (where[y * width + x] && (empty(x - 1, y) || empty(x + 1, y) || empty(x, y - 1) || empty(x, y + 1)))
      where[y * width + x] = 2;
  return { width, height, where };
}

/** How much an area is shrunk so that a pixel of its picture is about one of the screen. */
export function stepFor({ box: [, , width, height] }, scale) {
  let step = 1;
  while (2 * step * scale <= 1 || width * height / (step * step) > MOST) step *= 2;
  return step;
}

const pictures = new WeakMap(); // by area: {step, colour, canvas}

/** Draw an area on a context in stage pixels: its edge plainly, the rest so that the photograph is seen through it. */
export function drawArea(context, view, area, colour = SHOWN, alpha = 0.5) {
  const [left, top] = area.box, { scale } = view, ratio = context.getTransform().a;
  const step = stepFor(area, scale * ratio);
  let kept = pictures.get(area);
  if (kept?.step !== step || kept.colour !== colour || kept.alpha !== alpha)
    pictures.set(area, kept = { step, colour, alpha, canvas: picture(area, step, colour, alpha) });
  context.save();
  context.imageSmoothingEnabled = step * scale * ratio < 1;
  context.drawImage(kept.canvas, left * scale + view.x, top * scale + view.y,
    kept.canvas.width * step * scale, kept.canvas.height * step * scale);
  context.restore();
}

function picture(area, step, colour, alpha) {
  const { width, height, where } = shrunk(area, step);
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height), words = new Uint32Array(pixels.data.buffer);
  const [inside, edge] = [255 * alpha, 255 * Math.min(1, 2 * alpha)].map((opacity) => wordOf(colour, opacity));
  for (let at = 0; at < where.length; at++) if (where[at]) words[at] = where[at] === 2 ? edge : inside;
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** A colour "#rrggbb" with an opacity 0..255 as one word of RGBA bytes. */
export function wordOf(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return new Uint32Array(Uint8Array.of(red, green, blue, Math.round(opacity)).buffer)[0];
}

/** The view that shows a box with its surroundings: a third of what is seen, no closer than 8 screen pixels a pixel. */
export function viewOf([left, top, width, height], stage, image) {
  const around = { width: 3 * width, height: 3 * height };
  const scale = Math.max(fitScale(image, stage), Math.min(fitScale(around, stage), 8));
  return anchored(scale, [left + width / 2, top + height / 2], middle(stage), image, stage);
}
