// How what is being drawn looks on the overlay. The context is in stage pixels, points in image pixels.
import { toStage } from "../view.js";

const LIGHT = "#ffffff", DARK = "#1b1b1f";
let scratch = null; // a line whose parts overlap is drawn here first, so that it covers evenly
let checks = null; // two greys: what an eraser takes away

/** Draw a pen's line {points, width, widths} in a colour; with `colour` null as an eraser's. */
export function drawLine(context, view, line, colour, opacity) {
  if (!line.points.length) return;
  const stage = line.points.map((point) => toStage(view, point));
  const widths = line.widths?.map((width) => width * view.scale);
  const width = line.width * view.scale;
  if (colour && !widths) {
    context.save();
    Object.assign(context, { globalAlpha: opacity, strokeStyle: colour });
    trace(context, stage, null, width);
    context.restore();
    return;
  }
  onScratch(context, (over) => {
    if (colour) over.strokeStyle = colour;
    else {
      over.strokeStyle = LIGHT;
      trace(over, stage, widths, width, 3);
      over.globalCompositeOperation = "destination-out";
      trace(over, stage, widths, width);
      over.globalCompositeOperation = "source-over";
      over.strokeStyle = checkered(over);
    }
    trace(over, stage, widths, width);
  }, colour ? opacity : 0.7);
}

function trace(context, points, widths, width, more = 0) {
  context.lineCap = context.lineJoin = "round";
  if (!widths) {
    context.lineWidth = Math.max(width, 1) + more;
    path(context, points);
    context.stroke();
    return;
  }
  points.forEach((point, index) => {
    const before = Math.max(index - 1, 0);
    context.lineWidth = Math.max((widths[before] + widths[index]) / 2, 1) + more;
    path(context, [points[before], point]);
    context.stroke();
  });
}

/** Begin a path along stage points; a single point is a dot. */
export function path(context, points, closed = false) {
  context.beginPath();
  points.forEach(([x, y], index) => index ? context.lineTo(x, y) : context.moveTo(x, y));
  const [[x, y], last] = [points[0], points.at(-1)];
  if (last[0] === x && last[1] === y) context.lineTo(x + 0.01, y);
  if (closed) context.closePath();
}

function onScratch(context, draw, opacity) {
  const { width, height } = context.canvas;
  scratch ??= document.createElement("canvas").getContext("2d");
  if (scratch.canvas.width !== width || scratch.canvas.height !== height) {
    Object.assign(scratch.canvas, { width, height });
  } else {
    scratch.setTransform(1, 0, 0, 1, 0, 0);
    scratch.clearRect(0, 0, width, height);
  }
  scratch.setTransform(context.getTransform());
  scratch.save();
  draw(scratch);
  scratch.restore();
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = opacity;
  context.drawImage(scratch.canvas, 0, 0);
  context.restore();
}

function checkered(context) {
  if (checks) return checks;
  const tile = document.createElement("canvas").getContext("2d");
  Object.assign(tile.canvas, { width: 12, height: 12 });
  for (const [colour, x, y] of [["#e4e4e7", 0, 0], ["#b4b4bb", 6, 0], ["#b4b4bb", 0, 6], ["#e4e4e7", 6, 6]]) {
    tile.fillStyle = colour;
    tile.fillRect(x, y, 6, 6);
  }
  return checks = context.createPattern(tile.canvas, "repeat");
}

/** Stroke a shape (Path2D), or the path that was begun, so that it is seen on light and on dark. */
export function outline(context, colour, width = 1.5, shape = null) {
  context.save();
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = "rgb(255 255 255 / 0.85)";
  context.lineWidth = width + 2;
  shape ? context.stroke(shape) : context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  shape ? context.stroke(shape) : context.stroke();
  context.restore();
}

/** The outline of a round pen about an image point: light outside, dark inside, never below 3 pixels. */
export function drawPen(context, view, at, size) {
  const [x, y] = toStage(view, at);
  const radius = Math.max(size * view.scale, 3) / 2;
  context.save();
  for (const [colour, width, wider] of [[LIGHT, 1.5, 0.75], [DARK, 1, -0.25]]) {
    context.beginPath();
    context.arc(x, y, Math.max(radius + wider, 1), 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
  if (radius > 12) { // its middle
    context.fillStyle = LIGHT;
    context.fillRect(x - 1.5, y - 1.5, 3, 3);
    context.fillStyle = DARK;
    context.fillRect(x - 0.5, y - 0.5, 1, 1);
  }
  context.restore();
}

/** Handles at corners; `strong`: index of one that is larger, as something happens there. */
export function drawHandles(context, view, points, colour, strong = -1) {
  context.save();
  Object.assign(context, { fillStyle: LIGHT, strokeStyle: colour, lineWidth: 2 });
  points.forEach((point, index) => {
    const [x, y] = toStage(view, point);
    context.beginPath();
    context.arc(x, y, index === strong ? 7 : 4, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  });
  context.restore();
}
