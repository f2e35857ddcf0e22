// Shapes made of corners: polygon, polyline, rectangle. Corners are image points, so one may look elsewhere in between.
import { toStage } from "../view.js";
import { createBegun } from "./begun.js";
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
  const begun = createBegun({ user: surface.user, name: kind });
  let grabbed = null; // {index, from: where it was, null if it is new}

  const current = () => begun.get(surface.image?.id) ?? [];
  const keep = (corners) => {
    begun.set(surface.image.id, corners.length ? corners : null);
    surface.set({});
  };
  const clear = () => {
    grabbed = null;
    keep([]);
  };
  const finish = () => {
    if (current().length < least) return surface.hint(`A ${kind} has at least ${least} corners.`);
    const geometry = { points: rounded(current()), ...(closed ? {} : { width: sizeOf(surface) }) };
    clear();
    surface.stroke(kind, geometry);
  };
  const removeLast = () => {
    grabbed = null; // it may be the one that goes
    keep(current().slice(0, -1));
  };

  return {
    name: kind, letter, label, what, help, icon: kind, cursor: "crosshair",
    unfinished: () => current().length ? `Enter ${closed ? "closes" : "ends"} it, Backspace takes a corner back` : null,
    down(point, event, clicks = 1) {
      const points = current(), reach = reachOf(event, surface.view());
      if (clicks === 2 && points.length >= least && distance(point, points.at(-1)) <= reach) return finish();
      if (closed && points.length >= least && distance(point, points[0]) <= reach) return finish();
      const index = nearest(points, point, reach);
      grabbed = index < 0 ? { index: points.length, from: null } : { index, from: points[index] };
      keep(index < 0 ? [...points, point] : points);
    },
    move(point) {
      if (grabbed) current()[grabbed.index] = point;
    },
    up() {
      if (!grabbed) return;
      grabbed = null;
      keep(current());
    },
    cancel() {
      if (!grabbed) return;
      const { index, from } = grabbed;
      grabbed = null;
      keep(from ? current().with(index, from) : current().slice(0, -1));
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
  const begun = createBegun({ user: surface.user, name: "rectangle" }); // the corner that was tapped first
  let drag = null, square = false; // drag: {image, start, end} while the pointer is down

  const tapped = () => begun.get(surface.image?.id);
  const dragged = () => drag?.image === surface.image?.id ? drag : null;
  const clear = () => {
    drag = null;
    begun.set(surface.image.id, null);
    surface.set({});
  };
  const box = (start, end) => boxBetween(start, end, square, surface.image);

  return {
    name: "rectangle", letter: "T", label: "Rectangle", icon: "rectangle", cursor: "crosshair",
    what: "Marks a box. For what has straight edges.",
    help: "Drag, or tap two corners. Shift: a square.",
    unfinished: () => tapped() ? "a tap on the other corner ends it" : null,
    down(point, event) {
      drag = { image: surface.image.id, start: tapped() ?? point, end: point };
      square = event.shiftKey;
      surface.redraw("overlay");
    },
    move(point, event) {
      square = event.shiftKey;
      if (dragged()) drag.end = point;
      surface.redraw("overlay");
    },
    up(point) {
      if (!dragged()) return;
      const { start } = drag;
      if (!tapped() && distance(start, point) * surface.view().scale < TAP) {
        begun.set(surface.image.id, start);
        drag = null;
        return surface.set({});
      }
      const found = box(start, point);
      clear();
      if (found) surface.stroke("rectangle", { box: found });
    },
    cancel() {
      drag = null;
      surface.set({});
    },
    key(event) {
      if (!(tapped() || dragged()) || pressed(event) !== "escape") return false;
      clear();
      return true;
    },
    options: () => [overOption(surface), fingersOption(surface)],
    drawing() {
      const found = dragged() && box(drag.start, drag.end);
      return found ? { kind: "rectangle", class_number: surface.state.classNumber, geometry: { box: found } } : null;
    },
    draw(context, view, cursor) {
      const start = dragged()?.start ?? tapped(), end = dragged()?.end ?? cursor;
      if (!start) return;
      const colour = colourOf(surface), found = end && box(start, end);
      if (found) {
        path(context, cornersOf(found).map((point) => toStage(view, point)), true);
        context.save();
        Object.assign(context, { globalAlpha: surface.state.opacity, fillStyle: colour });
        context.fill();
        context.restore();
        outline(context, colour);
      }
      if (tapped()) drawHandles(context, view, [start], colour);
    },
  };
}
