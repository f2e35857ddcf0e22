// Trace: click along a crack; the way to the pointer is seen at once, and the server finds the crack about it.
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
  let trail = null; // {image, points, legs: the way to each point from the one before it}
  let pointer = null, waiting = []; // trails that were finished and are not answered yet
  const wire = createWire(solve, () => surface.redraw("overlay"));

  const current = () => trail && trail.image === surface.image?.id ? trail : null;
  const inside = ([x, y]) => {
    const { width, height } = surface.image;
    return [Math.min(Math.max(x, 0), width - 1e-3), Math.min(Math.max(y, 0), height - 1e-3)];
  };
  const aim = (point) => wire.aim(point, surface.photo, surface.image, surface.view().scale);
  const begin = () => {
    wire.begin(current()?.points.at(-1) ?? null);
    if (current()) aim(pointer ?? trail.points.at(-1));
  };
  const clear = () => {
    [trail, waiting] = [null, []];
    questions.drop();
    wire.begin(null);
    found.show(null);
  };
  const removeLast = () => {
    if (wish.preview) questions.drop();
    trail.points.pop();
    trail.legs.pop();
    if (!trail.points.length) trail = null;
    begin();
    found.show(null);
  };
  const finish = async () => {
    const done = current();
    if (done.points.length < 2) return surface.hint("Click the other end of the crack.");
    const { preview } = wish, number = surface.state.classNumber;
    if (!preview) {
      trail = null; // the next one may begin while this one is looked for
      wire.begin(null);
    } else questions.drop();
    waiting = preview ? [done] : [...waiting, done];
    const width = wish.given ? wish.width : null;
    const areas = await questions.ask({ kind: "trace", points: rounded(done.points), width }, done.points.at(-1));
    const wanted = waiting.includes(done);
    waiting = waiting.filter((other) => other !== done);
    if (areas && any(surface, areas)) preview ? found.show(areas) : take(surface, areas, number);
    else if (wanted && !trail && done.image === surface.image.id && surface.state.tool === "trace") {
      trail = done; // nothing came of it: to be changed
      begin();
    }
    surface.set({});
  };

  return {
    name: "trace", letter: "W", label: "Trace", icon: "trace", assist: true, cursor: "crosshair",
    what: "Follows a crack from click to click and marks its own pixels. The best choice for most cracks.",
    help: "Click along a crack. Enter or a double click takes it, Backspace removes the last point.",
    down(point, event, clicks = 1) {
      const at = pointer = inside(point), last = current()?.points.at(-1);
      if (last && clicks === 2 && distance(last, at) * surface.view().scale <= NEAR) {
        if (trail.points.length > 1) finish();
        return;
      }
      if (found.areas) found.show(null);
      if (wish.preview) questions.drop();
      if (last) trail.legs.push(wire.way(at));
      else trail = { image: surface.image.id, points: [], legs: [[at]] };
      trail.points.push(at);
      begin();
      surface.set({});
    },
    move(point) {
      prepare();
      pointer = inside(point);
      if (current()) aim(pointer);
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
    way: () => [...trail.legs.flat(), ...(pointer ? wire.way(pointer) : [])],
    draw(context, view) {
      for (const { image, legs } of waiting) if (image === surface.image.id) drawWay(context, view, legs.flat(), 0.6);
      found.draw(context, view);
      if (current() && !found.areas) drawWay(context, view, this.way(), 1);
      if (current()) drawHandles(context, view, trail.points, SHOWN);
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
