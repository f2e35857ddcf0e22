// Gated brush: brush over a crack with a wide pen; of what lies under it the dark pixels alone are marked.
import { distance, rounded, roundSize, sizeLimits, stepSize } from "../tools/geometry.js";
import { colourOf, fingersOption, overOption } from "../tools/options.js";
import { drawLine, drawPen } from "../tools/preview.js";
import { any } from "./found.js";
import { act } from "./keys.js";
import { createQuestions, take } from "./server.js";

const APART = 0.7; // stage pixels between two points of the preview
const SEEN = 0.25; // opacity of the pen's line

export function createGate(surface) {
  const questions = createQuestions(surface, "gate");
  let size = 0, offset = 0; // the size is its own: this pen is wider than a brush
  let line = null, waiting = []; // {image, points, width, number, colour}

  const limits = () => sizeLimits(surface.image);
  const sizeNow = () => {
    const { width, height } = surface.image;
    return Math.min(size || Math.max(10, Math.floor(Math.max(width, height) / 30)), limits()[1]);
  };
  const resize = (next) => {
    size = roundSize(next, surface.view()?.scale ?? 1, limits());
    surface.set({});
  };
  const drop = () => {
    waiting = [];
    questions.drop();
    surface.set({});
  };
  const add = (point) => {
    line.points.push(point);
    surface.redraw("overlay");
  };

  return {
    name: "gate", letter: "H", label: "Gated brush", icon: "gate", assist: true, freehand: true, cursor: "none",
    what: "Brush roughly over a crack: of all under the pen only the dark pixels are marked. For branches and gaps.",
    help: "Brush over a crack with a wide pen: only the dark pixels under it are marked.",
    down(point) {
      line = { image: surface.image.id, points: [], width: sizeNow(), number: surface.state.classNumber,
        colour: colourOf(surface), view: surface.view() };
      add(point);
    },
    move(point) {
      if (line && distance(point, line.points.at(-1)) * surface.view().scale >= APART) add(point);
    },
    async up(point, event) {
      if (!line) return;
      if (event.type === "pointerup") this.move(point);
      const done = line;
      line = null;
      waiting.push(done);
      const drawn = event.type === "pointerup" ? await surface.penLine(done.points, done.view) : done.points;
      const points = rounded(drawn);
      if (event.type !== "pointerup") surface.penCancel();
      if (done.image === surface.image.id && waiting.includes(done)) {
        const areas = await questions.ask({ kind: "gate", points, width: done.width, offset }, points.at(-1));
        if (areas && any(surface, areas)) take(surface, areas, done.number);
      }
      waiting = waiting.filter((other) => other !== done);
      surface.redraw("overlay");
    },
    cancel() {
      if (line) surface.penCancel();
      line = null;
      surface.redraw("overlay");
    },
    key: (event) => act(surface, event, waiting.length ? { escape: drop } : {}),
    resize: (direction) => resize(stepSize(sizeNow(), direction, surface.view()?.scale ?? 1, limits())),
    options: () => [
      { type: "slider", label: "Size", unit: "px", key: "[ ]", log: true, value: sizeNow(), min: limits()[0],
        max: limits()[1], step: 1, set: resize },
      { type: "slider", label: "More or fewer pixels", value: offset, min: -40, max: 40, step: 1, set: (value) => {
        offset = value;
        surface.set({});
      } },
      overOption(surface), fingersOption(surface),
    ],
    drawing: () => null, // the others see what comes of it
    draw(context, view, cursor) {
      for (const one of [...waiting, ...(line ? [line] : [])])
        if (one.image === surface.image.id) drawLine(context, view, one, one.colour, SEEN);
      const at = line?.points.at(-1) ?? cursor;
      if (at) drawPen(context, view, at, line?.width ?? sizeNow());
      questions.draw(context, view);
    },
  };
}
