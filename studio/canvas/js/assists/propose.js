// Proposals: the server looks for cracks on the whole photograph; each is accepted or refused where it is seen.
import { overOption } from "../tools/options.js";
import { centred, toStage, visible } from "../view.js";
import { SHOWN, areaAt, drawArea } from "./areas.js";
import { act } from "./keys.js";
import { createQuestions, take } from "./server.js";

const REACH = 8; // stage pixels about a proposal that count as it
const OTHERS = "#ffd400"; // those that are not in focus
const WAYS = {
  thin: { label: "Thin", what: "Shortest", limits: [2, 100_000],
    start: (longest) => Math.max(10, Math.floor(longest / 15)) },
  wide: { label: "Wide", what: "Smallest", limits: [1, 10_000_000],
    start: (longest) => Math.max(20, Math.floor(longest ** 2 / 1000)) },
};

export function createPropose(surface) {
  const questions = createQuestions(surface, "propose");
  const least = {}; // by way, as the user chose it
  let way = "thin", round = null; // {image, left: [area], focus: area, done: [{area, id: null if refused}]}
  let refusedBy = null; // the pointer whose long press refused

  const current = () => round && round.image === surface.image?.id ? round : null;
  const leastNow = () => least[way] ?? WAYS[way].start(Math.max(surface.image.width, surface.image.height));
  const at = (point) => current()?.left[areaAt(round.left, point, REACH / surface.view().scale)] ?? null;

  const look = async () => {
    round = null;
    const areas = await questions.ask({ kind: "propose", way, least: leastNow() });
    if (!areas) return;
    const left = areas.filter((area) => area.pixels);
    if (!left.length) return surface.hint("Nothing on this photograph looks like such a crack.");
    round = { image: surface.image.id, left, focus: left[0], done: [] };
    surface.set({});
  };
  const stop = () => {
    round = null;
    questions.drop();
    surface.set({});
  };
  /** The one with the next place in the list comes into focus, and into view where the view shows nothing of it. */
  const settle = (area, id) => {
    const index = round.left.indexOf(area);
    round.left.splice(index, 1);
    round.done.push({ area, id, index });
    if (!round.left.length) {
      surface.hint("All proposals are decided.");
      return stop();
    }
    if (round.focus === area) round.focus = round.left[Math.min(index, round.left.length - 1)];
    surface.set({});
  };
  const accept = (area) => settle(area, take(surface, [area]));
  const refuse = (area) => settle(area, null);
  const showFocus = () => {
    const { stage, image } = surface, [left, top, width, height] = round.focus.box;
    const [x, y, wide, high] = visible(surface.view(), stage, image);
    if (left + width > x && top + height > y && left < x + wide && top < y + high) return;
    surface.setView(centred(surface.view(), [left + width / 2, top + height / 2], image, stage));
  };
  const andOn = (decide) => () => {
    decide(round.focus);
    if (current()) showFocus();
  };
  const goBack = () => {
    const last = round.done.pop();
    if (!last) return;
    if (last.id) surface.stroke("undo", { stroke: last.id });
    round.left.splice(last.index, 0, last.area);
    round.focus = last.area;
    showFocus();
    surface.set({});
  };
  const acceptAll = () => {
    take(surface, round.left); // one stroke, so that one undo takes it back
    stop();
  };

  surface.stage.element?.addEventListener("contextmenu", (event) => {
    if (surface.state.tool !== "propose" || !current() || !surface.image.editable) return;
    const { left, top } = surface.stage.element.getBoundingClientRect(), view = surface.view();
    const area = at([(event.clientX - left - view.x) / view.scale, (event.clientY - top - view.y) / view.scale]);
    if (!area) return;
    event.preventDefault();
    if (event.pointerType === "touch") refusedBy = event.pointerId;
    refuse(area);
  });

  return {
    name: "propose", letter: "O", label: "Proposals", icon: "propose", assist: true, cursor: "pointer",
    get help() {
      if (!current()) return "The studio looks for cracks on the whole photograph.";
      return "Click one: accept. Right click or Shift + click: refuse. Enter, Delete: the marked one. Backspace: back.";
    },
    down(point, event) {
      if (event.pointerId === refusedBy) return void (refusedBy = null);
      const area = at(point);
      if (area) event.shiftKey ? refuse(area) : accept(area);
    },
    move(point) {
      const area = at(point);
      if (!area || area === round.focus) return;
      round.focus = area;
      surface.redraw("overlay");
    },
    cancel() {},
    key: (event) => act(surface, event, {
      ...((current() || questions.busy) && { escape: stop }),
      ...(current() && { enter: andOn(accept), delete: andOn(refuse), backspace: goBack }),
    }),
    options: () => current() ? [
      { type: "text", label: `${round.left.length} left` },
      overOption(surface),
      { type: "button", label: "Accept", icon: "check", key: "Enter", set: andOn(accept) },
      { type: "button", label: "Refuse", icon: "close", key: "Delete", set: andOn(refuse) },
      { type: "button", label: "Accept all", set: acceptAll },
      { type: "button", label: "Stop", key: "Escape", set: stop },
    ] : [
      { type: "choice", label: "Cracks", value: way, set: choose,
        choices: Object.entries(WAYS).map(([value, { label }]) => ({ value, label })) },
      { type: "number", label: WAYS[way].what, unit: "px", value: leastNow(), min: WAYS[way].limits[0],
        max: WAYS[way].limits[1], step: 1, set: (value) => {
          least[way] = Math.round(Math.min(Math.max(value, WAYS[way].limits[0]), WAYS[way].limits[1]));
          surface.set({});
        } },
      overOption(surface),
      { type: "button", label: questions.busy ? "Looking …" : "Look for cracks", icon: "propose",
        disabled: questions.busy, set: look },
    ],
    draw(context, view) {
      const shown = visible(view, surface.stage, surface.image);
      for (const area of current()?.left ?? [])
        if (area !== round.focus && meets(area.box, shown)) drawArea(context, view, area, OTHERS, 0.5);
      if (current()) {
        drawArea(context, view, round.focus, SHOWN, 0.5);
        drawMark(context, view, round.focus.box);
      }
      questions.draw(context, view);
    },
  };

  function choose(value) {
    way = value;
    surface.set({});
  }
}

const meets = ([x0, y0, w0, h0], [x1, y1, w1, h1]) => x0 < x1 + w1 && x1 < x0 + w0 && y0 < y1 + h1 && y1 < y0 + h0;

/** Corners about a box, so that a small one is found at a small scale. */
function drawMark(context, view, [left, top, width, height]) {
  const [x0, y0] = toStage(view, [left, top]).map((value) => value - 6);
  const [x1, y1] = toStage(view, [left + width, top + height]).map((value) => value + 6);
  const arm = Math.min(10, (x1 - x0) / 3, (y1 - y0) / 3);
  context.save();
  context.beginPath();
  for (const [x, y, dx, dy] of [[x0, y0, arm, arm], [x1, y0, -arm, arm], [x0, y1, arm, -arm], [x1, y1, -arm, -arm]]) {
    context.moveTo(x + dx, y);
    context.lineTo(x, y);
    context.lineTo(x, y + dy);
  }
  for (const [colour, width] of [["rgb(255 255 255 / 0.85)", 4], [SHOWN, 2]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
  context.restore();
}
