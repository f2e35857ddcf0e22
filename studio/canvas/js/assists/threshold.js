// Threshold, the original labeler's way: dark pixels, covers over what is no defect, then area after area into a class.
import { boxBetween, cornersOf } from "../tools/geometry.js";
import { overOption } from "../tools/options.js";
import { outline, path } from "../tools/preview.js";
import { toStage, visible } from "../view.js";
import { SHOWN, drawArea, viewOf } from "./areas.js";
import { createDark } from "./dark.js";
import { act } from "./keys.js";
import { createQuestions, take } from "./server.js";

const START = 120;
const COVER = "#4f46e5";
const DOUBLE = 250; // ms: the second click of a double click is no answer about the next area

export function createThreshold(surface) {
  const questions = createQuestions(surface, "threshold"), dark = createDark(() => surface.redraw("overlay"));
  let threshold = START, fill = false, least = 0; // least: 0 as long as nobody has chosen it
  let kept = null; // {image, covers: [box], start, drawn: the cover under the hand}
  let sorting = null; // {image, areas, next, done: [id, null where skipped], since, view: where the user looked before}

  const finding = () => {
    if (kept?.image !== surface.image.id) kept = { image: surface.image.id, covers: [], start: null, drawn: null };
    return kept;
  };
  const current = () => sorting && sorting.image === surface.image?.id ? sorting : null;
  const leastNow = () => least || Math.max(20, Math.floor(surface.image.width * surface.image.height / 5000));
  const change = (by) => setThreshold(threshold + by);
  const setThreshold = (value) => {
    threshold = Math.min(Math.max(Math.round(value), 1), 255);
    surface.set({});
  };
  const setCovers = (covers) => {
    finding().covers = covers;
    surface.set({});
  };

  const sort = async () => {
    const { covers } = finding();
    const areas = await questions.ask({ kind: "threshold", threshold, covers, least: leastNow(), fill });
    if (!areas) return;
    const found = areas.filter((area) => area.pixels);
    if (!found.length) return surface.hint("No area is darker than the threshold: raise it, or take smaller areas.");
    sorting = { image: surface.image.id, areas: found, next: 0, done: [], view: surface.view() };
    show();
  };
  const show = () => {
    const { stage, image } = surface, { areas, next } = sorting;
    sorting.since = performance.now();
    surface.setView(viewOf(areas[next].box, stage, image));
    surface.set({});
  };
  const put = (id) => {
    sorting.done.push(id);
    sorting.next += 1;
    if (sorting.next < sorting.areas.length) return show();
    surface.hint("All areas are sorted.");
    stop();
  };
  const give = (number) => put(take(surface, [sorting.areas[sorting.next]], number));
  const skip = () => put(null);
  const goBack = () => {
    if (!sorting.done.length) return;
    const id = sorting.done.pop();
    if (id) surface.stroke("undo", { stroke: id });
    sorting.next -= 1;
    show();
  };
  const stop = () => {
    questions.drop();
    if (current()) surface.setView(sorting.view);
    sorting = null;
    surface.set({});
  };
  const clicked = (act) => () => performance.now() - sorting.since > DOUBLE && act();
  const chosen = (number) => {
    if (!current()) return false;
    clicked(() => give(number))();
    return true;
  };

  return {
    name: "threshold", letter: "R", label: "Threshold", icon: "threshold", assist: true,
    what: "Takes all that is darker than a level, area by area. For dark cracks on an even, bright wall.",
    get cursor() {
      return current() ? "default" : "crosshair";
    },
    get help() {
      if (!current()) return "Draw rectangles over what is no defect. Backspace removes the last.";
      const { areas, next } = sorting;
      return `${areas[next].pixels.toLocaleString("en")} pixels. What is it? Choose a class, by its number or a click.`;
    },
    /** A class was chosen, by its chip or number: while areas are sorted it is the answer. Whether it was taken. */
    chosen,
    down(point) {
      if (!current()) finding().start = point;
    },
    move(point, event) {
      if (!kept?.start) return;
      kept.drawn = boxBetween(kept.start, point, event.shiftKey, surface.image);
      surface.redraw("overlay");
    },
    up(point, event) {
      if (!kept?.start) return;
      this.move(point, event);
      const { drawn } = kept;
      this.cancel();
      if (drawn && Math.min(drawn[2], drawn[3]) > 1) setCovers([...kept.covers, drawn]);
    },
    cancel() {
      if (kept) Object.assign(kept, { start: null, drawn: null });
      surface.redraw("overlay");
    },
    key(event) {
      if (!current()) return act(surface, event, {
        ...(finding().covers.length && { backspace: () => setCovers(kept.covers.slice(0, -1)) }),
        ...(questions.busy && { escape: stop }),
      });
      return act(surface, event, { s: skip, backspace: goBack, escape: stop, ...Object.fromEntries(surface.classes
        .filter(({ number }) => number < 10).map(({ number }) => [String(number), () => give(number)])) });
    },
    options: () => current() ? [
      { type: "text", label: `Area ${sorting.next + 1} of ${sorting.areas.length}` },
      overOption(surface),
      { type: "button", label: "Skip", key: "S", set: clicked(skip) },
      { type: "button", label: "Back", icon: "undo", key: "Backspace", disabled: !sorting.done.length, set: goBack },
      { type: "button", label: "Stop", icon: "close", key: "Escape", set: stop },
    ] : [
      { type: "button", label: "-10", set: () => change(-10) },
      { type: "button", label: "-1", set: () => change(-1) },
      { type: "slider", label: "Threshold", value: threshold, min: 1, max: 255, step: 1, set: setThreshold },
      { type: "button", label: "+1", set: () => change(1) },
      { type: "button", label: "+10", set: () => change(10) },
      { type: "number", label: "Smallest", unit: "px", value: leastNow(), min: 1, max: 1_000_000, step: 1,
        set: (value) => {
          least = Math.min(Math.max(Math.round(value), 1), 1_000_000);
          surface.set({});
        } },
      { type: "toggle", label: "Fill holes", value: fill, set: (value) => {
        fill = value;
        surface.set({});
      } },
      overOption(surface),
      ...(finding().covers.length ? [{ type: "button", label: `Covers: ${kept.covers.length}`, icon: "trash",
        key: "Backspace", set: () => setCovers(kept.covers.slice(0, -1)) }] : []),
      { type: "button", label: "Sort the areas", disabled: questions.busy, set: sort },
    ],
    draw(context, view) {
      const { stage, photo, image } = surface;
      if (current()) drawArea(context, view, sorting.areas[sorting.next], SHOWN, 0.5);
      else {
        dark.aim(photo, visible(view, stage, image), Math.round(2 * stage.width * stage.height));
        const { covers, drawn } = finding();
        dark.draw(context, view, threshold, covers);
        for (const box of drawn ? [...covers, drawn] : covers) drawCover(context, view, box);
      }
      questions.draw(context, view);
    },
  };
}

function drawCover(context, view, box) {
  path(context, cornersOf(box).map((point) => toStage(view, point)), true);
  context.save();
  Object.assign(context, { globalAlpha: 0.35, fillStyle: COVER });
  context.fill();
  context.restore();
  outline(context, COVER, 1);
}
