// Sizes, points and boxes of the tools, as values. Points and sizes are in pixels of the image.

/** The least and the largest size of a pen on an image. */
export const sizeLimits = ({ width, height }) => [1, Math.max(20, Math.floor(Math.max(width, height) / 8))];

const LEAST_START = 6; // pixels: cracks on crops of some hundred pixels are wide

/** The size of a pen that was never chosen: by the longer side of the photograph. */
export const startSize = ({ width, height }) => Math.max(LEAST_START, Math.floor(Math.max(width, height) / 80));

/** A size within limits; fractions of a pixel only where one is larger than a pixel of the screen. */
export function roundSize(size, scale, [least, most]) {
  const rounded = scale > 1 ? Math.round(size * 10) / 10 : Math.round(size);
  return Math.min(Math.max(rounded || least, least), most);
}

/** The next larger (direction 1) or smaller (-1) size: about a tenth more or less, at least one step. */
export function stepSize(size, direction, scale, limits) {
  const least = scale > 1 && size + direction / 2 < 5 ? 0.5 : 1;
  const step = Math.max(least, Math.round(size / 10));
  const from = (direction > 0 ? Math.floor(size / least) : Math.ceil(size / least)) * least;
  return roundSize(from + direction * step, scale, limits);
}

export const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

/** Points to a thousandth of a pixel: short enough for the log. */
export const rounded = (points) => points.map((point) => point.map((value) => Math.round(value * 1000) / 1000));

/** Index of the point within reach of another that is nearest to it, or -1. */
export function nearest(points, point, reach) {
  let [found, least] = [-1, reach];
  points.forEach((other, index) => {
    const far = distance(other, point);
    if (far <= least) [found, least] = [index, far];
  });
  return found;
}

/** The box of whole pixels between two corners, at least one pixel, cut to the image; null outside of it. */
export function boxBetween([x0, y0], [x1, y1], square, image) {
  if (square) {
    const side = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0));
    [x1, y1] = [x0 + (x1 < x0 ? -side : side), y0 + (y1 < y0 ? -side : side)];
  }
  const [left, right] = span(x0, x1, image.width);
  const [top, bottom] = span(y0, y1, image.height);
  return left < right && top < bottom ? [left, top, right - left, bottom - top] : null;
}

function span(from, to, most) {
  let [begin, end] = [Math.round(Math.min(from, to)), Math.round(Math.max(from, to))];
  if (begin === end) [begin, end] = [Math.floor(Math.min(from, to)), Math.floor(Math.min(from, to)) + 1];
  return [Math.max(begin, 0), Math.min(end, most)];
}

/** The four corners of a box, clockwise from the top left. */
export const cornersOf = ([left, top, width, height]) =>
  [[left, top], [left + width, top], [left + width, top + height], [left, top + height]];

/** What outlines the pixels of a box, `where` row by row: lines [x0, y0, x1, y1] along their edges, in image pixels. */
export function edges([left, top, width, height], where) {
  const lines = [];
  const inside = (x, y) => x >= 0 && x < width && y >= 0 && y < height && where[y * width + x] === 1;
  const runs = (count, differs, line) => {
    for (let at = 0, begin = -1; at <= count; at++) {
      const edge = at < count && differs(at);
      if (edge && begin < 0) begin = at;
      if (!edge && begin >= 0) {
        line(begin, at);
        begin = -1;
      }
    }
  };
  for (let y = 0; y <= height; y++)
    runs(width, (x) => inside(x, y - 1) !== inside(x, y), (a, b) => lines.push([left + a, top + y, left + b, top + y]));
  for (let x = 0; x <= width; x++)
    runs(height, (y) => inside(x - 1, y) !== inside(x, y),
      (a, b) => lines.push([left + x, top + a, left + x, top + b]));
  return lines;
}
