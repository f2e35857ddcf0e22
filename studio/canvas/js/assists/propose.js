// Proposals: the server, or a network of the project, looks for cracks on the whole photograph; each is accepted or
// refused where it is seen.
import { DEFAULTS } from "../state.js";
import { overOption } from "../tools/options.js";
import { centred, toStage, visible } from "../view.js";
import { SHOWN, areaAt, drawArea } from "./areas.js";
import { act } from "./keys.js";
import { createNetworks } from "./networks.js";
import { createQuestions, take } from "./server.js";

const PAUSE = 200; // ms for which a slider rests before the server is asked again
const REACH = 8; // stage pixels about a proposal that count as it
const OTHERS = "#ffd400"; // those that are not in focus
const BY_STUDIO = "The studio looks for cracks on the whole photograph.";
const WAYS = {
  thin: { label: "Thin", help: BY_STUDIO, what: "Shortest", limits: [2, 100_000],
    start: (longest) => Math.max(10, Math.floor(longest / 15)) },
  wide: { label: "Wide", help: BY_STUDIO, what: "Smallest", limits: [1, 10_000_000],
    start: (longest) => Math.max(20, Math.floor(longest ** 2 / 1000)) },
  network: { label: "Network", help: "A network of this project looks for what it was trained to draw.",
    what: "Smallest", limits: [1, 10_000_000], // its start as `least_of` of studio/jobs/segmenters.py
    start: (longest) => Math.max(20, Math.floor(longest ** 2 / 50_000)) },
};
const NO_NETWORK = "No network of this project draws masks yet: launch a sweep with networks that do.";
const IN_TRAINING = "Once it is trained, it can propose here. The page Jobs shows how far it is.";

export function createPropose(surface) {
  const questions = createQuestions(surface, "propose");
  const networks = createNetworks(surface, () => soon());
  const least = {}; // by way, as the user chose it
  const { state } = surface;
  if (!Object.hasOwn(WAYS, state.proposals)) state.proposals = DEFAULTS.proposals;
  let pause = 0;
  // {image, left: [area], focus: area or null, done: [{area, id: null if refused}], source: network or null,
  //  waiting: when the studio made these in advance, or null}
  let round = null;
  let refusedBy = null; // the pointer whose long press refused

  const current = () => round && round.image === surface.image?.id ? round : null;
  /** One of WAYS: the user's, but while a network's areas are shown theirs. */
  const way = () => current()?.source ? "network" : state.proposals;
  const byNetwork = () => way() === "network";
  const none = () => networks.training ? IN_TRAINING : NO_NETWORK;
  const leastNow = () => least[way()] ?? WAYS[way()].start(Math.max(surface.image.width, surface.image.height));
  const at = (point) => current()?.left[areaAt(round.left, point, REACH / surface.view().scale)] ?? null;

  const look = async () => {
    const source = byNetwork() ? networks.chosen() : null;
    if (byNetwork() && !source) return surface.hint(none());
    questions.drop(); // of several positions of the slider the last one counts
    if (!source) round = null;
    const least = leastNow();
    const areas = await questions.ask(source ? networks.question(least) : { kind: "propose", way: way(), least });
    if (!areas) return;
    const found = areas.filter((area) => area.pixels);
    if (source) return begin(source, found);
    if (!found.length) return surface.hint("Nothing on this photograph looks like such a crack.");
    round = { image: surface.image.id, left: found, focus: found[0], done: [], source: null, waiting: null };
    surface.set({});
  };
  /** Show a network's areas. What was decided stays so, and the slider stays where it is, also over none. */
  const begin = (source, areas, waiting = current()?.waiting ?? null) => {
    const left = networks.open(source, areas), before = current()?.focus;
    const same = before && left.find(({ box }) => meets(box, before.box));
    const done = current()?.source?.key === source.key ? current().done : [];
    round = { image: surface.image.id, left, focus: same ?? left[0] ?? null, done, source, waiting };
    if (!left.length) surface.hint("The network proposes nothing here that is not decided yet.");
    surface.set({});
  };
  const soon = () => {
    clearTimeout(pause);
    const shown = current();
    if (shown?.source) pause = setTimeout(() => shown.image === surface.image?.id && current() && look(), PAUSE);
  };
  /** Show at once what the studio asked a network for in advance. */
  const show = (waiting) => {
    if (!waiting || current()) return;
    networks.use(waiting, waiting.percent);
    begin(waiting, waiting.areas, waiting.made);
    if (!round.left.length) end();
  };
  const stop = () => {
    round = null;
    clearTimeout(pause);
    questions.drop();
    surface.set({});
  };
  /** All are decided. */
  const end = () => {
    const { waiting } = round;
    stop();
    if (waiting === null) return;
    surface.image.proposed = false;
    surface.api("proposals", { made: waiting }).catch((error) =>
      surface.hint(`The image is still marked as proposed: ${error.message}.`));
  };
  /** The one with the next place in the list comes into focus, and into view where the view shows nothing of it. */
  const settle = (area, id) => {
    const index = round.left.indexOf(area);
    round.left.splice(index, 1);
    round.done.push({ area, id, index });
    if (!id && round.source) networks.refuse(round.source, area);
    if (!round.left.length) {
      surface.hint("All proposals are decided.");
      return end();
    }
    if (round.focus === area) round.focus = round.left[Math.min(index, round.left.length - 1)];
    surface.set({});
  };
  /** Make areas strokes, one of each class, so that one undo takes all of a class back. */
  const takeAll = (areas) => {
    const origin = round.source ? networks.origin(round.source) : {}, of = new Map();
    for (const area of areas) {
      const number = area.class_number || surface.state.classNumber;
      of.set(number, [...of.get(number) ?? [], area]);
    }
    return [...of].map(([number, own]) => take(surface, own, number, origin))[0];
  };
  const accept = (area) => settle(area, takeAll([area]));
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
    else if (round.source) networks.takeBack(round.source, last.area);
    round.left.splice(last.index, 0, last.area);
    round.focus = last.area;
    showFocus();
    surface.set({});
  };
  const acceptAll = () => {
    takeAll(round.left);
    end();
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
    what: "Lets the studio or a network of the project propose areas, each to be accepted or refused.",
    get help() {
      if (byNetwork() && networks.loaded && !networks.chosen() && !current()) return none();
      const legend = byNetwork() ? networks.legend : "";
      if (!current()) return `${legend}${WAYS[state.proposals].help}`;
      return `${legend}Click one: accept. Right click or Shift + click: refuse. Enter, Delete: the marked one. ` +
        "Backspace: back.";
    },
    get undecided() {
      return Boolean(current()?.left.length);
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
      ...(current()?.focus && { enter: andOn(accept), delete: andOn(refuse) }),
      ...(current() && { backspace: goBack }),
    }),
    options() {
      if (surface.image.proposed || byNetwork()) networks.load(show);
      return current() ? deciding() : asking();
    },
    draw(context, view) {
      const shown = visible(view, surface.stage, surface.image);
      for (const area of current()?.left ?? [])
        if (area !== round.focus && meets(area.box, shown)) drawArea(context, view, area, OTHERS, 0.5);
      if (current()?.focus) {
        drawArea(context, view, round.focus, SHOWN, 0.5);
        drawMark(context, view, round.focus.box);
      }
      questions.draw(context, view);
    },
  };

  function deciding() {
    const disabled = !round.focus;
    return [
      { type: "text", label: `${round.left.length} left` },
      { type: "button", label: "Accept area", icon: "check", key: "Enter", disabled, set: andOn(accept) },
      { type: "button", label: "Refuse area", icon: "close", key: "Delete", disabled, set: andOn(refuse) },
      { type: "button", label: "Accept all", disabled, set: acceptAll },
      { type: "button", label: "Stop", key: "Escape", set: stop },
      ...(round.source ? [...networks.choice(), ...networks.settings()] : [overOption(surface)]),
    ];
  }

  function asking() {
    const { what, limits: [min, max] } = WAYS[state.proposals];
    const ways = { type: "choice", label: "Cracks", value: state.proposals, set: choose,
      choices: Object.entries(WAYS).map(([value, { label }]) => ({ value, label })) };
    if (byNetwork() && !networks.chosen()) return [ways, { type: "text", label: networks.missing }];
    return [
      ways,
      ...(byNetwork() ? networks.choice() : []),
      { type: "number", label: what, unit: "px", value: leastNow(), min, max, step: 1, set: (value) => {
        least[state.proposals] = Math.round(Math.min(Math.max(value, min), max));
        surface.set({});
      } },
      ...(byNetwork() ? [] : [overOption(surface)]),
      { type: "button", label: questions.busy ? "Looking …" : "Look for cracks", icon: "propose",
        disabled: questions.busy, set: look },
      ...(byNetwork() ? networks.further() : []),
    ];
  }

  function choose(proposals) {
    networks.forget(); // a sweep may have ended since
    surface.set({ proposals });
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
