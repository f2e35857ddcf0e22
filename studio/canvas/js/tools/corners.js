// Shapes made of corners: polygon, polyline, rectangle. Corners are image points, so one may look elsewhere in between.
import { toStage } from "../view.js";
import { boxBetween, cornersOf, distance, nearest, rounded } from "./geometry.js";
import { pressed } from "./keys.js";
import { colourOf, fingersOption, overOption, resized, sizeOf, sizeOption } from "./options.js";
import { drawHandles, drawLine, outline, path } from "./preview.js";

const REACH = { touch: 18, pen: 12, mouse: 9 }; // stage pixels about a corner that count as it
const TAP = 5; // stage pixels: less is a tap and no drag

/** How far from a corner a pointer may be, in image pixels. */
export const reachOf = (event, view) => (REACH[event.pointerType] ?? REACH.mouse) / view.scale;

/** Polygon (`closed`) or polyline, corner by corner. A corner may be dragged while the shape is not finished. */
export function createCorners(surface, { kind, closed, letter, label, what, help }) {
  const least = closed ? 3 : 2;
  const kept = new Map(); // by image id: the corners of a shape that is not finished
  let grabbed = null; // {index, from: where it was, null if it is new}

  const current = () => kept.get(surface.image?.id) ?? [];
  const clear = () => {
    kept.delete(surface.image.id);
    grabbed = null;
    surface.set({});
  };
  const finish = () => {
    if (current().length < least) return surface.hint(`A ${kind} has at least ${least} corners.`);
    const geometry = { points: rounded(current()), ...(closed ? {} : { width: sizeOf(surface) }) };
    clear();
    surface.stroke(kind, geometry);
  };
  const removeLast = () => {
    current().pop();
    surface.set({});
  };

  return {
    name: kind, letter, label, what, help, icon: kind, cursor: "crosshair",
    unfinished: () => current().length ? `Enter ${closed ? "closes" : "ends"} it, Backspace takes a corner back` : null,
    down(point, event, clicks = 1) {
      if (!kept.has(surface.image.id)) kept.set(surface.image.id, []);
      const points = current(), reach = reachOf(event, surface.view());
      if (clicks === 2 && points.length >= least && distance(point, points.at(-1)) <= reach) return finish();
      if (closed && points.length >= least && distance(point, points[0]) <= reach) return finish();
      const index = nearest(points, point, reach);
      if (index < 0) points.push(point);
      grabbed = index < 0 ? { index: points.length - 1, from: null } : { index, from: points[index] };
      surface.set({});
    },
    move(point) {
      if (grabbed) current()[grabbed.index] = point;
    },
    up() {
      grabbed = null;
      surface.redraw("overlay");
    },
    cancel() {
      if (grabbed?.from) current()[grabbed.index] = grabbed.from;
      else if (grabbed) current().pop();
      grabbed = null;
      surface.set({});
    },
    key(event) {
      if (!current().length) return false;
      const act = { escape: clear, backspace: removeLast, "ctrl+z": removeLast, enter: finish }[pressed(event)];
      act?.();
      return Boolean(act);
    },
    resize: closed ? undefined : (direction) => surface.set({ size: resized(surface, direction) }),
    options: () => [...(closed ? [] : [sizeOption(surface)]), overOption(surface), fingersOption(surface)],
    drawing: () => current().length ? { kind, class_number: surface.state.classNumber,
      geometry: { points: rounded(current()), ...(closed ? {} : { width: sizeOf(surface) }) } } : null,
    draw(context, view, cursor) {
      const corners = current();
      if (!corners.length) return;
      const colour = colourOf(surface);
      const ahead = cursor && !grabbed ? [...corners, cursor] : corners;
      const stage = ahead.map((point) => toStage(view, point));
      if (closed) {
        context.save();
        Object.assign(context, { globalAlpha: surface.state.opacity * 0.7, fillStyle: colour });
        path(context, stage, true);
        context.fill("evenodd");
        context.restore();
      } else drawLine(context, view, { points: ahead, width: sizeOf(surface) }, colour, surface.state.opacity);
      path(context, stage, closed && ahead.length >= least);
      outline(context, colour);
      const near = cursor && distance(cursor, corners[0]) <= REACH.mouse / view.scale;
      drawHandles(context, view, corners, colour, near && closed && corners.length >= least ? 0 : -1);
    },
  };
}

/** Rectangle: drag, or tap two corners; Shift makes a square. Its edges are those of pixels. */
export function createRectangle(surface) {
  let start = null, end = null, image = null, square = false;
  let tapped = false; // the first corner stands, the second is awaited

  const current = () => start && image === surface.image?.id;
  const clear = () => {
    [start, end, tapped] = [null, null, false];
    surface.set({});
  };
  const box = (other) => boxBetween(start, other, square, surface.image);

  return {
    name: "rectangle", letter: "T", label: "Rectangle", icon: "rectangle", cursor: "crosshair",
    what: "Marks a box. For what has straight edges.",
    help: "Drag, or tap two corners. Shift: a square.",
    unfinished: () => current() && tapped ? "a tap on the other corner ends it" : null,
    down(point, event) {
      if (!current()) [start, image, tapped] = [point, surface.image.id, false];
      [end, square] = [point, event.shiftKey];
      surface.redraw("overlay");
    },
    move(point, event) {
      square = event.shiftKey;
      if (end) end = point;
      surface.redraw("overlay");
    },
    up(point) {
      if (!current()) return;
      if (!tapped && distance(start, point) * surface.view().scale < TAP) {
        [tapped, end] = [true, null];
        return surface.set({});
      }
      const found = box(point);
      clear();
      if (found) surface.stroke("rectangle", { box: found });
    },
    cancel() {
      if (tapped) end = null;
      else clear();
    },
    key(event) {
      if (!current() || pressed(event) !== "escape") return false;
      clear();
      return true;
    },
    options: () => [overOption(surface), fingersOption(surface)],
    drawing() {
      const found = current() && end && box(end);
      return found ? { kind: "rectangle", class_number: surface.state.classNumber, geometry: { box: found } } : null;
    },
    draw(context, view, cursor) {
      if (!current()) return;
      const colour = colourOf(surface), other = end ?? cursor;
      const found = other && box(other);
      if (found) {
        path(context, cornersOf(found).map((point) => toStage(view, point)), true);
        context.save();
        Object.assign(context, { globalAlpha: surface.state.opacity, fillStyle: colour });
        context.fill();
        context.restore();
        outline(context, colour);
      }
      if (tapped) drawHandles(context, view, [start], colour);
    },
  };
}
