import assert from "node:assert/strict";
import { test } from "node:test";

import { createAssists } from "../../studio/canvas/js/assists.js";
import { areaAt, holds, shrunk, stepFor, viewOf } from "../../studio/canvas/js/assists/areas.js";
import { brightest, mark } from "../../studio/canvas/js/assists/dark.js";
import { createNetworks } from "../../studio/canvas/js/assists/networks.js";
import { union } from "../../studio/canvas/js/assists/server.js";
import { areaOf, whereOf } from "../../studio/canvas/js/rasterise.js";
import { collisions } from "../../studio/canvas/js/tools/keys.js";

const IMAGE = { id: 1, width: 400, height: 300, editable: true };
const SQUARE = areaOf([10, 20, 3, 2], new Uint8Array(6).fill(1));
const LINE = areaOf([100, 100, 50, 1], new Uint8Array(50).fill(1));

/** A surface whose server answers when the test says so: surface.asked[n].answer(areas) or .refuse(text). */
function fake(tool) {
  const surface = {
    image: { ...IMAGE }, user: { id: 1 }, classes: [{ number: 1, colour: "#ff0000" }, { number: 2, colour: "#00ff00" }],
    state: { tool, classNumber: 1, over: true, opacity: 0.5, size: 0, fingersPan: false },
    stage: { width: 800, height: 600, element: null }, at: { scale: 1, x: 0, y: 0 },
    photo: { pixels: async () => { throw new Error("no photograph"); } },
    asked: [], strokes: [], hints: [],
    view: () => surface.at,
    setView: (view) => { surface.at = view; },
    set: (changes) => { Object.assign(surface.state, changes); },
    redraw() {}, hint: (text) => surface.hints.push(text),
    penCancel() {}, penLine: async (trail) => trail,
    penCancel() {},
    stroke(kind, geometry, number = surface.state.classNumber) {
      surface.strokes.push({ kind, geometry, number });
      return `stroke-${surface.strokes.length}`;
    },
    api: (path, body) => new Promise((resolve, reject) => surface.asked.push({ path, body,
      answer: (areas) => { resolve({ areas }); return settled(); },
      tell: (reply) => { resolve(reply); return settled(); },
      refuse: (text) => { reject(new Error(text)); return settled(); } })),
  };
  surface.tool = createAssists(surface)[tool];
  return surface;
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 1));
const press = (surface, key, more = {}) => surface.tool.key({ type: "keydown", key, code: "", ...more });
const MOUSE = { type: "pointerup", pointerType: "mouse", pointerId: 1, shiftKey: false };
const click = (surface, point, clicks = 1, more = {}) => {
  surface.tool.move(point, MOUSE);
  surface.tool.down(point, { ...MOUSE, ...more }, clicks);
  surface.tool.up?.(point, { ...MOUSE, ...more });
};
const drag = (surface, from, to) => {
  surface.tool.down(from, MOUSE, 1);
  surface.tool.move(to, MOUSE);
  return surface.tool.up(to, MOUSE);
};
const option = (surface, label) => surface.tool.options().find((one) => one.label.startsWith(label));

test("every assist has its own key, name and options", () => {
  const tools = createAssists(fake("trace"));
  assert.deepEqual(Object.keys(tools), ["trace", "gate", "grab", "propose", "threshold"]);
  assert.deepEqual(collisions(tools), []);
  for (const tool of Object.values(tools)) assert.ok(tool.help && tool.label && tool.icon && tool.options().length);
});

test("trace: clicks, Enter, one region of the class", async () => {
  const surface = fake("trace");
  click(surface, [10, 10]);
  click(surface, [60, 20]);
  click(surface, [500, 20]); // kept inside the photograph
  assert.ok(press(surface, "Enter"));
  const points = [[10, 10], [60, 20], [399.999, 20]];
  assert.deepEqual(surface.asked[0].body, { kind: "trace", points, width: null, over: true });
  surface.state.classNumber = 2; // for the next one
  await surface.asked[0].answer([SQUARE]);
  assert.deepEqual(surface.strokes.map(({ kind, number }) => [kind, number]), [["region", 1]]);
  assert.deepEqual(surface.strokes[0].geometry.size, [300, 400]);
  assert.ok(!press(surface, "Enter"));
});

test("trace: a double click ends, Backspace removes a point, Escape all; other keys are left", async () => {
  const surface = fake("trace");
  for (const key of ["Enter", "Escape", "Backspace", "x"]) assert.ok(!press(surface, key));
  click(surface, [10, 10]);
  click(surface, [60, 20]);
  assert.ok(press(surface, "Backspace"));
  click(surface, [80, 30]);
  click(surface, [80, 30], 2);
  assert.deepEqual(surface.asked[0].body.points, [[10, 10], [80, 30]]);
  click(surface, [10, 10]); // the next one begins while that one is looked for
  click(surface, [10, 90]);
  press(surface, "Enter");
  assert.equal(surface.asked.length, 2);
  await surface.asked[1].answer([LINE]);
  await surface.asked[0].answer([SQUARE]);
  assert.equal(surface.strokes.length, 2);
  click(surface, [10, 10]);
  assert.ok(press(surface, "Escape"));
  assert.ok(!press(surface, "Escape"));
});

test("trace: with a preview nothing is taken before it is said", async () => {
  const surface = fake("trace");
  option(surface, "Preview first").set(true);
  for (const key of ["n", "y"]) {
    click(surface, [10, 10]);
    click(surface, [60, 20]);
    option(surface, "Take it").set();
    await surface.asked.at(-1).answer([SQUARE]);
    assert.equal(surface.strokes.length, 0);
    assert.ok(option(surface, "Discard"));
    assert.ok(press(surface, key));
    assert.ok(!option(surface, "Discard"));
  }
  assert.equal(surface.strokes.length, 1);
});

test("trace: what the server says, or that it found nothing, is told and the points stay", async () => {
  const surface = fake("trace");
  click(surface, [10, 10]);
  press(surface, "Enter");
  assert.match(surface.hints[0], /other end/);
  click(surface, [60, 20]);
  press(surface, "Enter");
  await surface.asked[0].answer([]);
  assert.match(surface.hints[1], /Nothing/);
  press(surface, "Enter");
  await surface.asked[1].refuse("click inside the photograph");
  assert.equal(surface.hints[2], "Click inside the photograph.");
  assert.ok(option(surface, "Take it"));
  assert.equal(surface.strokes.length, 0);
});

for (const [how, leave] of [
  ["another image", (surface) => { surface.image = { ...IMAGE, id: 2 }; }],
  ["another tool", (surface) => { surface.state.tool = "brush"; }],
  ["Escape", (surface) => press(surface, "Escape")],
]) {
  test(`a reply that comes after ${how} is dropped, in every assist`, async () => {
    const ask = {
      trace: (surface) => { click(surface, [10, 10]); click(surface, [60, 20]); press(surface, "Enter"); },
      gate: (surface) => drag(surface, [10, 10], [60, 20]),
      grab: (surface) => drag(surface, [10, 10], [60, 50]),
      propose: (surface) => option(surface, "Look").set(),
      threshold: (surface) => option(surface, "Sort").set(),
    };
    for (const [tool, begin] of Object.entries(ask)) {
      const surface = fake(tool);
      begin(surface);
      await settled();
      assert.equal(surface.asked.length, 1, tool);
      leave(surface);
      await surface.asked[0].answer([SQUARE]);
      assert.equal(surface.strokes.length, 0, tool);
      assert.deepEqual(surface.hints, [], tool);
      assert.deepEqual(surface.at, { scale: 1, x: 0, y: 0 }, tool);
      assert.ok(!option(surface, "Accept area") && !option(surface, "Skip"), tool);
      const stays = tool === "trace" && how === "another tool"; // the answer is dropped, and the trace is not
      assert.equal(Boolean(option(surface, "Take it")), stays, tool);
    }
  });
}

test("gated brush: a stroke is one region at once, several wait side by side", async () => {
  const surface = fake("gate");
  option(surface, "More or fewer").set(-7);
  surface.state.over = false;
  drag(surface, [10, 10], [60, 20]);
  surface.state.classNumber = 2;
  drag(surface, [10, 90], [60, 90]);
  await settled();
  assert.deepEqual(surface.asked[0].body,
    { kind: "gate", points: [[10, 10], [60, 20]], width: 13, offset: -7, over: false });
  await surface.asked[1].answer([LINE]);
  await surface.asked[0].answer([SQUARE]);
  assert.deepEqual(surface.strokes.map(({ number }) => number), [2, 1]);
  surface.tool.resize(1);
  assert.equal(option(surface, "Size").value, 14);
});

test("cut out: a rectangle, a look, then taken or discarded; a click asks nothing", async () => {
  const surface = fake("grab");
  drag(surface, [10, 10], [10.4, 10.3]);
  assert.equal(surface.asked.length, 0);
  drag(surface, [60, 50], [10, 20]);
  assert.deepEqual(surface.asked[0].body, { kind: "grab", box: [10, 20, 50, 30], over: true });
  await surface.asked[0].answer([SQUARE]);
  assert.equal(surface.strokes.length, 0);
  assert.ok(press(surface, "n"));
  drag(surface, [60, 50], [10, 20]);
  drag(surface, [60, 50], [20, 20]); // before the answer: only the later one counts
  await surface.asked[1].answer([SQUARE]);
  assert.ok(!option(surface, "Take it"));
  await surface.asked[2].answer([LINE]);
  assert.ok(press(surface, "Enter"));
  assert.equal(surface.strokes.length, 1);
  assert.ok(!press(surface, "Enter"));
});

test("proposals: clicked, refused, in focus, taken back, all", async () => {
  const surface = fake("propose");
  option(surface, "Shortest").set(33);
  option(surface, "Look").set();
  assert.deepEqual(surface.asked[0].body, { kind: "propose", way: "thin", least: 33, over: true });
  const more = [0, 1, 2].map((index) => areaOf([200, 40 * index, 2, 2], new Uint8Array(4).fill(1)));
  await surface.asked[0].answer([LINE, SQUARE, ...more]);
  assert.ok(option(surface, "5 left"));
  click(surface, [120, 103]); // beside a thin line
  assert.equal(surface.strokes.length, 1);
  click(surface, [11, 21], 1, { shiftKey: true });
  assert.equal(surface.strokes.length, 1);
  assert.ok(option(surface, "3 left"));
  click(surface, [300, 250]); // nothing there
  assert.ok(option(surface, "3 left"));
  press(surface, "Delete");
  press(surface, "Enter");
  assert.equal(surface.strokes.length, 2);
  press(surface, "Backspace");
  assert.deepEqual(surface.strokes[2], { kind: "undo", geometry: { stroke: "stroke-2" }, number: 1 });
  press(surface, "Backspace");
  assert.ok(option(surface, "3 left"));
  option(surface, "Accept all").set();
  assert.equal(surface.strokes.length, 4);
  const runs = surface.strokes[3].geometry.counts.filter((_, index) => index % 2);
  assert.equal(runs.reduce((sum, count) => sum + count), 12);
  assert.ok(option(surface, "Look"));
});

const NETWORK = { job: 7, network: "keep-0.5-segmented", title: "keep-0.5-segmented of Walls", percent: 40,
  classes: [{ name: "Crack", number: 0 }] };
const OTHER = { ...NETWORK, network: "keep-0.1-segmented", title: "keep-0.1-segmented of Walls", percent: 70 };
const PATCHES = [0, 1, 2].map((index) => areaOf([200, 40 * index, 4, 4], new Uint8Array(16).fill(1)));
const rested = () => new Promise((resolve) => setTimeout(resolve, 230)); // a slider is let go

/** The propose tool with the way of the network, which the server says are these. */
async function byNetwork(networks, waiting = null) {
  const surface = fake("propose");
  surface.image.proposed = Boolean(waiting);
  if (!waiting) option(surface, "Cracks").set("network");
  surface.tool.options();
  assert.deepEqual(surface.asked[0].path, "proposals");
  await surface.asked.shift().tell({ networks, waiting });
  return surface;
}

test("a network proposes: its threshold, what was refused, and what accepted areas say of themselves", async () => {
  const surface = await byNetwork([NETWORK]);
  assert.ok(!option(surface, "Network")); // there is nothing to choose
  assert.ok(!option(surface, "Sure from")); // there is nothing yet that it grows or shrinks
  option(surface, "Look").set();
  assert.deepEqual(surface.asked[0].body, { kind: "network", job: 7, network: "keep-0.5-segmented", percent: 40,
    least: 20, over: false });
  await surface.asked[0].answer(PATCHES);
  assert.ok(option(surface, "3 left"));
  assert.equal(option(surface, "Sure from").value, 40);
  press(surface, "Enter");
  const { counts, size, ...origin } = surface.strokes[0].geometry;
  assert.deepEqual(origin, { proposed_by: "keep-0.5-segmented of Walls", over: false });
  press(surface, "Delete");
  assert.ok(option(surface, "1 left"));
  for (const value of [39, 35, 30]) option(surface, "Sure from").set(value);
  await rested();
  assert.equal(surface.asked.length, 2); // only where it stays
  assert.equal(surface.asked[1].body.percent, 30);
  const grown = areaOf([199, 39, 5, 5], new Uint8Array(25).fill(1));
  const fresh = areaOf([300, 200, 2, 2], new Uint8Array(4).fill(1));
  await surface.asked[1].answer([grown, PATCHES[2], fresh]); // most of what grew was refused
  assert.ok(option(surface, "2 left"));
  option(surface, "Sure from").set(99);
  await rested();
  await surface.asked[2].answer([]);
  assert.ok(option(surface, "0 left") && option(surface, "Sure from") && option(surface, "Accept area").disabled);
  assert.ok(!press(surface, "Enter") && !press(surface, "Delete"));
  press(surface, "Escape");
  option(surface, "Look").set();
  await surface.asked[3].answer(PATCHES); // what was refused once stays so in this tab
  assert.ok(option(surface, "2 left"));
});

test("a network's areas: not over what is drawn unless asked, each of its class, chosen among several", async () => {
  const classes = [{ name: "Rust", number: 2 }, { name: "Moss", number: 0 }];
  const surface = await byNetwork([NETWORK, { ...OTHER, classes }]);
  surface.classes = [{ number: 1, name: "Crack" }, { number: 2, name: "Corrosion" }];
  surface.mask = { values: new Uint8Array(400 * 300) };
  for (let row = 0; row < 4; row++) surface.mask.values.fill(3, row * 400 + 200, row * 400 + 204);
  option(surface, "Network").set("7 keep-0.1-segmented");
  assert.match(surface.tool.help, /^Rust as Corrosion, Moss as the chosen class. /);
  option(surface, "Look").set();
  assert.equal(surface.asked[0].body.percent, 70);
  const classed = PATCHES.map((area, index) => ({ ...area, class_number: index === 1 ? 2 : 0 }));
  await surface.asked[0].answer(classed);
  assert.ok(option(surface, "2 left")); // one is drawn in this browser, and not sent yet
  option(surface, "Also where").set(true);
  await rested();
  assert.equal(surface.asked[1].body.over, true);
  await surface.asked[1].answer(classed);
  option(surface, "Accept all").set();
  assert.deepEqual(surface.strokes.map(({ number }) => number), [1, 2]);
  assert.equal(surface.strokes[0].geometry.over, true);
});

test("what was proposed in advance is there at once, and marked as seen when all is decided", async () => {
  const waiting = { ...NETWORK, percent: 55, made: 12.5, areas: PATCHES };
  const surface = await byNetwork([NETWORK], waiting);
  assert.equal(surface.asked.length, 0);
  assert.equal(option(surface, "Sure from").value, 55);
  for (const key of ["Enter", "Delete", "Enter"]) press(surface, key);
  assert.deepEqual(surface.asked.map(({ path, body }) => [path, body]), [["proposals", { made: 12.5 }]]);
  assert.equal(surface.image.proposed, false);
  assert.equal(surface.strokes.length, 2);
  assert.equal(surface.state.proposals, "thin"); // as the user chose it
  assert.equal(option(surface, "Cracks").value, "thin");
});

test("a network with masks that it has not seen is trained further by one click", async () => {
  const surface = await byNetwork([{ ...NETWORK, further: { more: 1, runs: false } },
    { ...OTHER, further: { more: 0, runs: false } }]);
  assert.equal(option(surface, "Train again").title, "Train it further: 1 photograph drawn since");
  option(surface, "Train again").set();
  assert.deepEqual([surface.asked[0].path, surface.asked[0].body],
    ["proposals/further", { job: 7, network: "keep-0.5-segmented" }]);
  await surface.asked[0].refuse("this project has 3 jobs");
  assert.deepEqual(surface.hints, ["It is not trained further: this project has 3 jobs."]);
  option(surface, "Train again").set();
  await surface.asked[1].tell({});
  assert.ok(!option(surface, "Train again") && option(surface, "Is being trained further"));
  assert.match(surface.hints[1], /the page Jobs shows/);
  option(surface, "Network").set("7 keep-0.1-segmented");
  assert.ok(!option(surface, "Train again") && !option(surface, "Is being trained")); // there is nothing to learn
});

test("without a network the tool says what to do, and a question that fails is told", async () => {
  const surface = await byNetwork([]);
  assert.ok(option(surface, "No network yet"));
  assert.match(surface.tool.help, /launch a sweep/);
  assert.equal(surface.state.proposals, "network"); // and is kept with the tool and the class
  const other = await byNetwork([NETWORK]);
  option(other, "Look").set();
  await other.asked[0].refuse("this network was deleted");
  assert.deepEqual(other.hints, ["This network was deleted."]);
});

test("while a network is trained the tool says how far it is, until it is there", async () => {
  const surface = fake("propose");
  let time = 0;
  const networks = createNetworks(surface, () => {}, () => time), heard = [];
  const load = () => networks.load((waiting) => heard.push(waiting));
  const tell = (training, found = []) => surface.asked.shift().tell({ networks: found, waiting: null, training });
  load();
  assert.equal(networks.missing, "Looking for networks …");
  await tell({ percent: null });
  assert.equal(networks.missing, "A network waits to be trained");
  load();
  time = 5001;
  load();
  load();
  assert.equal(surface.asked.length, 1);
  await tell({ percent: 92 });
  assert.equal(networks.missing, "A network is being trained: 92 %");
  time = 10_002;
  load();
  await tell(null, [NETWORK]);
  assert.ok(networks.chosen() && !networks.training);
  time = 20_000;
  load();
  assert.equal(surface.asked.length, 0);
  assert.deepEqual(heard, [null]); // of what waits only once: it may have been put off
});

test("threshold: covers, then area after area by number, chip, S, Backspace, Escape", async () => {
  const surface = fake("threshold");
  drag(surface, [10, 10], [60, 50]);
  drag(surface, [100, 100], [160, 150]);
  press(surface, "Backspace");
  option(surface, "-10").set();
  option(surface, "+1").set();
  option(surface, "Fill").set(true);
  option(surface, "Sort").set();
  assert.deepEqual(surface.asked[0].body,
    { kind: "threshold", threshold: 111, covers: [[10, 10, 50, 40]], least: 24, fill: true, over: true });
  await surface.asked[0].answer([LINE, SQUARE, LINE, SQUARE]);
  assert.ok(option(surface, "Area 1 of 4"));
  assert.match(surface.tool.help, /^50 pixels/);
  assert.ok(surface.at.scale > 2);
  assert.ok(press(surface, "2"));
  assert.ok(press(surface, "s"));
  assert.ok(surface.tool.chosen(1)); // the second click of a double click
  await new Promise((resolve) => setTimeout(resolve, 260));
  assert.ok(surface.tool.chosen(1));
  assert.deepEqual(surface.strokes.map(({ number }) => number), [2, 1]);
  press(surface, "Backspace");
  assert.equal(surface.strokes[2].geometry.stroke, "stroke-2");
  press(surface, "Backspace"); // a skipped one
  assert.ok(option(surface, "Area 2 of 4"));
  assert.ok(press(surface, "Escape"));
  assert.deepEqual(surface.at, { scale: 1, x: 0, y: 0 });
  assert.ok(!surface.tool.chosen(1));
  assert.ok(!press(surface, "2") && !press(surface, "s"));
});

test("no key is an answer on an image that was closed meanwhile", async () => {
  const surface = fake("threshold");
  option(surface, "Sort").set();
  await surface.asked[0].answer([LINE, SQUARE]);
  surface.image.editable = false;
  assert.ok(!press(surface, "1"));
  assert.equal(surface.strokes.length, 0);
});

test("trace: Backspace on the next one leaves the one that is looked for", async () => {
  const surface = fake("trace");
  click(surface, [10, 10]);
  click(surface, [60, 20]);
  press(surface, "Enter");
  click(surface, [10, 90]);
  press(surface, "Backspace");
  await surface.asked[0].answer([LINE]);
  assert.equal(surface.strokes.length, 1);
});

test("trace: each image has its own, also one whose answer came too late", async () => {
  const surface = fake("trace");
  const at = (id) => { surface.image = { ...IMAGE, id }; };
  click(surface, [10, 10]);
  at(2);
  click(surface, [30, 30]);
  click(surface, [90, 30]);
  press(surface, "Enter");
  at(1);
  await surface.asked[0].answer([LINE]);
  click(surface, [60, 20]);
  press(surface, "Enter");
  assert.deepEqual(surface.asked[1].body.points, [[10, 10], [60, 20]]);
  at(2);
  press(surface, "Enter");
  assert.deepEqual(surface.asked[2].body.points, [[30, 30], [90, 30]]);
  assert.equal(surface.strokes.length, 0);
});

test("trace: what is looked for outlives a reload, until it is taken", async () => {
  const kept = new Map();
  globalThis.sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  try {
    const before = fake("trace");
    for (const point of [[10, 10], [60, 20]]) click(before, point);
    press(before, "Enter");
    assert.equal(before.tool.unfinished(), null);
    for (const point of [[10, 90], [80, 90]]) click(before, point); // the next one has begun
    const after = fake("trace");
    assert.ok(after.tool.unfinished());
    press(after, "Enter");
    press(after, "Enter");
    assert.deepEqual(after.asked.map(({ body }) => body.points), [[[10, 90], [80, 90]], [[10, 10], [60, 20]]]);
    await after.asked[0].answer([LINE]);
    await after.asked[1].answer([SQUARE]);
    assert.equal(after.strokes.length, 2);
    assert.equal(fake("trace").tool.unfinished(), null);
  } finally {
    delete globalThis.sessionStorage;
  }
});

test("trace: one that was not found waits until the next one has ended; Escape drops what is looked for", async () => {
  const surface = fake("trace");
  for (const point of [[10, 10], [60, 20]]) click(surface, point);
  press(surface, "Enter");
  click(surface, [10, 90]);
  await surface.asked[0].refuse("the studio does not answer");
  assert.ok(press(surface, "Backspace"));
  press(surface, "Enter");
  assert.deepEqual(surface.asked[1].body.points, [[10, 10], [60, 20]]);
  assert.ok(press(surface, "Escape"));
  await surface.asked[1].refuse("the studio does not answer");
  assert.equal(surface.tool.unfinished(), null);
});

test("trace: one whose answer came too late goes on from its last point", async () => {
  const surface = fake("trace");
  for (const point of [[10, 10], [60, 20]]) click(surface, point);
  press(surface, "Enter");
  surface.image = { ...IMAGE, id: 2 };
  await surface.asked[0].answer([LINE]);
  surface.image = { ...IMAGE };
  click(surface, [90, 30]);
  assert.deepEqual(surface.tool.way(), [[10, 10], [10, 10], [60, 20], [60, 20], [90, 30], [90, 30], [90, 30]]);
});

test("threshold: nothing dark is said", async () => {
  const surface = fake("threshold");
  option(surface, "Sort").set();
  await surface.asked[0].answer([]);
  assert.match(surface.hints[0], /darker/);
});

test("a key that is held down answers one question", async () => {
  const surface = fake("threshold");
  option(surface, "Sort").set();
  await surface.asked[0].answer([LINE, SQUARE, LINE]);
  press(surface, "1");
  press(surface, "1", { repeat: true });
  assert.equal(surface.strokes.length, 1);
});

test("what is dark: all channels below the threshold", () => {
  const levels = brightest(Uint8ClampedArray.of(10, 20, 30, 255, 200, 0, 0, 255, 0, 0, 119, 255));
  assert.deepEqual([...levels], [30, 200, 119]);
  const words = new Uint32Array(3);
  mark(levels, 119, 7, words);
  assert.deepEqual([...words], [7, 0, 0]);
});

test("an area has its pixels, and one that is near is found before none", () => {
  const ring = areaOf([5, 5, 3, 3], Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1));
  assert.ok(holds(ring, [5, 5]) && holds(ring, [7.9, 7.9]));
  for (const point of [[6.5, 6.5], [4.9, 5], [8, 5], [5, 8.1], [-1, 0]]) assert.ok(!holds(ring, point), String(point));
  assert.equal(areaAt([ring], [6.5, 6.5], 0), -1);
  assert.equal(areaAt([ring], [6.5, 6.5], 2), 0);
  assert.equal(areaAt([LINE, ring], [20, 5], 3), -1);
  assert.equal(areaAt([LINE, ring], [9.5, 6], 3), 1);
});

test("many areas are one", () => {
  const both = union([SQUARE, LINE, SQUARE]);
  assert.deepEqual(both.box, [10, 20, 140, 81]);
  assert.equal(both.pixels, 56);
  const where = whereOf(both);
  assert.ok(where[0] && where[80 * 140 + 139] && !where[80 * 140]);
  assert.equal(union([LINE]), LINE);
});

test("a picture of an area keeps a line of one pixel, and knows its edge", () => {
  const { width, height, where } = shrunk(LINE, 4);
  assert.deepEqual([width, height], [13, 1]);
  assert.ok(where.every((value) => value === 2));
  const block = shrunk(areaOf([0, 0, 5, 5], new Uint8Array(25).fill(1)), 1);
  assert.equal(block.where.filter((value) => value === 1).length, 9);
  assert.equal(stepFor(LINE, 1), 1);
  assert.equal(stepFor(LINE, 0.2), 4);
  assert.equal(stepFor({ box: [0, 0, 6000, 4000] }, 1), 4);
});

test("the view of an area shows its surroundings, the whole image at least", () => {
  const view = viewOf([100, 100, 50, 1], { width: 800, height: 600 }, IMAGE);
  assert.equal(view.scale, 800 / 150);
  assert.deepEqual([125 * view.scale + view.x, 100.5 * view.scale + view.y], [400, 300]);
  assert.equal(viewOf([0, 0, 400, 300], { width: 800, height: 600 }, IMAGE).scale, 2);
});
