// Cut out: a rectangle about a pore or a stain; what stands out in it is shown, then taken or discarded.
import { boxBetween, cornersOf } from "../tools/geometry.js";
import { overOption } from "../tools/options.js";
import { outline, path } from "../tools/preview.js";
import { toStage } from "../view.js";
import { SHOWN } from "./areas.js";
import { any, createFound } from "./found.js";
import { act } from "./keys.js";
import { createQuestions } from "./server.js";

const LEAST = 3; // image pixels of a side; less is a click

export function createGrab(surface) {
  const questions = createQuestions(surface, "grab"), found = createFound(surface, () => clear());
  let start = null, drawn = null; // {image, box}: the rectangle that is drawn or was asked about

  const box = () => drawn?.image === surface.image?.id ? drawn.box : null;
  const clear = () => {
    [start, drawn] = [null, null];
    questions.drop();
    found.show(null);
  };
  const reach = (point, event) => {
    const between = boxBetween(start, point, event.shiftKey, surface.image);
    drawn = between && { image: surface.image.id, box: between };
    surface.redraw("overlay");
  };

  return {
    name: "grab", letter: "C", label: "Cut out", icon: "grab", assist: true, cursor: "crosshair",
    what: "Cuts out what stands in a rectangle. For pores and stains.",
    help: "Draw a rectangle about a pore or stain, with a little of the wall on every side.",
    down(point) {
      clear();
      start = point;
    },
    move(point, event) {
      if (start) reach(point, event);
    },
    async up(point, event) {
      if (!start) return;
      reach(point, event);
      start = null;
      const asked = box();
      if (!asked || Math.min(asked[2], asked[3]) < LEAST) return clear();
      const areas = await questions.ask({ kind: "grab", box: asked },
        [asked[0] + asked[2] / 2, asked[1] + asked[3] / 2]);
      if (box() !== asked) return;
      if (areas && any(surface, areas)) found.show(areas);
      else if (!questions.busy) clear();
    },
    cancel() {
      if (!start) return;
      [start, drawn] = [null, null];
      surface.redraw("overlay");
    },
    key: (event) => act(surface, event, found.areas ? found.keys() : start || questions.busy ? { escape: clear } : {}),
    options: () => [overOption(surface), ...found.options()],
    draw(context, view) {
      found.draw(context, view);
      if (box()) {
        path(context, cornersOf(box()).map((point) => toStage(view, point)), true);
        outline(context, SHOWN, 1);
      }
      questions.draw(context, view);
    },
  };
}
