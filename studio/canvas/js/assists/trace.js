// Trace: click along a crack; the way to the pointer is seen at once, and the server finds the crack about it.
import { createBegun } from "../tools/begun.js";
import { distance, rounded } from "../tools/geometry.js";
import { overOption } from "../tools/options.js";
import { drawHandles, outline, path } from "../tools/preview.js";
import { toStage } from "../view.js";
import { SHOWN } from "./areas.js";
import { any, createFound } from "./found.js";
import { act } from "./keys.js";
import { createQuestions, take } from "./server.js";
import { prepare, solve } from "./solver.js";
import { createWire } from "./wire.js";

const NEAR = 9; // stage pixels: a click at the last point ends the trace

export function createTrace(surface) {
  const wish = { given: false, width: 3, preview: false };
  const questions = createQuestions(surface, "trace"), found = createFound(surface, () => clear());
  // by image: [{points, legs: the way to each from the last}], each until it is taken or dropped
  const begun = createBegun({ user: surface.user, name: "traces" });
  const asked = new Set(); // those of them that are finished and not answered yet
  let pointer = null;
  let wired = null; // id of the image on which the wire begins
  const wire = createWire(solve, () => surface.redraw("overlay"));

  const all = () => begun.get(surface.image?.id) ?? [];
  const current = () => all().findLast((trail) => !asked.has(trail)) ?? null;
  const only = (trails) => begun.set(surface.image.id, trails.length ? trails : null);
  const without = (trail) => all().filter((other) => other !== trail);
  const inside = ([x, y]) => {
    const { width, height } = surface.image;
    return [Math.min(Math.max(x, 0), width - 1e-3), Math.min(Math.max(y, 0), height - 1e-3)];
  };
  const aim = (point) => wire.aim(point, surface.photo, surface.image, surface.view().scale);
  const begin = () => {
    wired = surface.image.id;
    const last = current()?.points.at(-1) ?? null;
    wire.begin(last);
    if (last) aim(pointer ?? last);
  };
  /** In place of the one in hand; null: of none. */
  const keep = (trail) => {
    only([...without(current()), ...(trail ? [trail] : [])]);
    begin();
  };
  const clear = () => {
    questions.drop();
    only(without(current()).filter((trail) => !asked.has(trail)));
    begin();
    found.show(null);
  };
  const removeLast = () => {
    if (wish.preview) questions.drop();
    const [points, legs] = [current().points, current().legs].map((all) => all.slice(0, -1));
    keep(points.length ? { points, legs } : null);
    found.show(null);
  };
  const finish = async () => {
    const trail = current(), { points } = trail;
    if (points.length < 2) return surface.hint("Click the other end of the crack.");
    const { preview } = wish, number = surface.state.classNumber, image = surface.image.id;
    if (preview) questions.drop();
    else {
      asked.add(trail);
      begin(); // the next one may begin while this one is looked for
    }
    const width = wish.given ? wish.width : null;
    const areas = await questions.ask({ kind: "trace", points: rounded(points), width }, points.at(-1));
    asked.delete(trail);
    if (areas && any(surface, areas)) {
      if (preview) found.show(areas);
      else {
        take(surface, areas, number);
        only(without(trail));
      }
    } else if (image === surface.image.id) begin(); // nothing came of it: to be changed
    else wired = null; // its wire begins anew when it is shown again
    surface.set({});
  };

  return {
    name: "trace", letter: "W", label: "Trace", icon: "trace", assist: true, cursor: "crosshair",
    what: "Follows a crack from click to click and marks its own pixels. The best choice for most cracks.",
    help: "Click along a crack. Enter or a double click takes it, Backspace removes the last point.",
    down(point, event, clicks = 1) {
      const at = pointer = inside(point), { points, legs } = current() ?? { points: [], legs: [] }, last = points.at(-1);
      if (last && clicks === 2 && distance(last, at) * surface.view().scale <= NEAR) {
        if (points.length > 1) finish();
        return;
      }
      if (found.areas) found.show(null);
      if (wish.preview) questions.drop();
      if (wired !== surface.image.id) begin();
      keep({ points: [...points, at], legs: [...legs, last ? wire.way(at) : [at]] });
      surface.set({});
    },
    move(point) {
      prepare();
      pointer = inside(point);
      if (wired !== surface.image.id) begin();
      else if (current()) aim(pointer);
      surface.redraw("overlay");
    },
    unfinished: () => current() ? "Enter takes it, Backspace takes a point back" : null,
    cancel() {
      pointer = null;
    },
    key: (event) => act(surface, event, {
      ...(current() && { enter: finish, escape: clear, backspace: removeLast, "ctrl+z": removeLast }),
      ...(questions.busy && { escape: clear }),
      ...found.keys(),
    }),
    options: () => [
      { type: "choice", label: "Width", value: wish.given, set: change("given"),
        choices: [{ value: false, label: "Measured" }, { value: true, label: "Given" }] },
      ...(wish.given ? [{ type: "slider", label: "Width", unit: "px", log: true, value: wish.width, min: 1,
        max: Math.max(20, Math.floor(Math.max(surface.image.width, surface.image.height) / 40)), step: 1,
        set: change("width") }] : []),
      { type: "toggle", label: "Preview first", value: wish.preview, set: change("preview") },
      overOption(surface),
      ...(current()?.points.length > 1 && !found.areas ? [{ type: "button", label: "Take it", icon: "check",
        key: "Enter", disabled: questions.busy && wish.preview, set: finish }] : []),
      ...found.options(),
    ],
    /** All of the way: through the points, and on to the pointer. */
    way: () => [...current().legs.flat(), ...(pointer ? wire.way(pointer) : [])],
    draw(context, view) {
      for (const { legs } of without(current())) drawWay(context, view, legs.flat(), 0.6);
      found.draw(context, view);
      if (current() && !found.areas) drawWay(context, view, this.way(), 1);
      if (current()) drawHandles(context, view, current().points, SHOWN);
      questions.draw(context, view);
    },
  };

  function change(name) {
    return (value) => {
      wish[name] = value;
      surface.set({});
    };
  }
}

function drawWay(context, view, points, alpha) {
  if (points.length < 2) return;
  context.save();
  context.globalAlpha = alpha;
  path(context, points.map((point) => toStage(view, point)));
  outline(context, SHOWN, 2);
  context.restore();
}
