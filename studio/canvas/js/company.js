// The others on the image: their cursors with names, and what they draw just now.
import { toStage } from "./view.js";

const HUES = 360 / 1.618;

/** A colour for a person, the same on every screen. */
export const colourOf = (id) => `hsl(${Math.round(id * HUES) % 360} 65% 45%)`;

/** Draw `people` ([{id, name, cursor, drawing}]) on the overlay; `classes`: [{number, colour}]. */
export function drawOthers(context, view, people, classes) {
  for (const { id, name, cursor, drawing } of people) {
    if (drawing) drawLine(context, view, drawing, classes);
    if (cursor) drawCursor(context, toStage(view, cursor), name, colourOf(id));
  }
}

function drawLine(context, view, { kind, class_number, geometry }, classes) {
  const points = (geometry.points ?? corners(geometry.box)).map((point) => toStage(view, point));
  context.save();
  context.globalAlpha = 0.6;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = kind === "erase" ? "#fff" : classes.find((one) => one.number === class_number)?.colour ?? "#888";
  context.lineWidth = Math.max(1, (geometry.width ?? 0) * view.scale || 2);
  context.beginPath();
  points.forEach(([x, y], index) => index ? context.lineTo(x, y) : context.moveTo(x, y));
  if (points.length === 1) context.lineTo(...points[0]);
  if (geometry.box) context.closePath();
  context.stroke();
  context.restore();
}

const corners = ([x, y, width, height]) => [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];

function drawCursor(context, [x, y], name, colour) {
  context.save();
  context.translate(x, y);
  context.fillStyle = colour;
  context.strokeStyle = "#fff";
  context.lineWidth = 1.5;
  context.beginPath();
  [[0, 0], [0, 16], [4.5, 12], [11, 11.5]].forEach(([right, down], index) => // an arrow
    index ? context.lineTo(right, down) : context.moveTo(right, down));
  context.closePath();
  context.fill();
  context.stroke();
  context.font = "600 12px system-ui, sans-serif";
  const wide = context.measureText(name).width + 12;
  context.beginPath();
  context.roundRect(10, 14, wide, 18, 9);
  context.fill();
  context.fillStyle = "#fff";
  context.fillText(name, 16, 27);
  context.restore();
}
