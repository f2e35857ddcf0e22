// The tools without a browser: what they make of points and keys, and what the browser keeps.
import assert from "node:assert/strict";
import test from "node:test";

import { DEFAULTS, loadState, openProject, saveState, toggleClass } from "../../studio/canvas/js/state.js";
import { createAssists } from "../../studio/canvas/js/assists.js";
import { insetOf, namesOf, unfinishedText } from "../../studio/canvas/js/toolbar.js";
import { createTools } from "../../studio/canvas/js/tools.js";
import { createBegun } from "../../studio/canvas/js/tools/begun.js";
import { placeOf, valueAt } from "../../studio/canvas/js/tools/controls.js";
import { boxBetween, edges, nearest, roundSize, sizeLimits, stepSize } from "../../studio/canvas/js/tools/geometry.js";
import { sizeOf } from "../../studio/canvas/js/tools/options.js";
import { ICONS } from "../../studio/canvas/js/tools/icons.js";
import { collisions, meaningOf, nameOf } from "../../studio/canvas/js/tools/keys.js";
import { rowsFor, shownOf, withCorner } from "../../studio/canvas/js/tools/select.js";
import { groupText, otherText, statusOf } from "../../studio/canvas/js/tools/status.js";

const IMAGE = { id: 1, width: 100, height: 80, editable: true };
const POINTER = { pointerType: "mouse", pressure: 0.5, shiftKey: false, type: "pointerup" };

/** A surface that notes its strokes. */
function fake(changes = {}) {
  const strokes = [], hints = [];
  const surface = {
    image: { ...IMAGE }, strokes, hints, user: { id: 1 },
    state: { ...structuredClone(DEFAULTS), classNumber: 2, size: 6, ...changes },
    classes: [{ number: 2, name: "Crack", colour: "#ff0000" }],
    stage: { width: 400, height: 300 },
    mask: { values: new Uint8Array(100 * 80) },
    view: () => ({ scale: 1, x: 0, y: 0 }),
    set: (values) => Object.assign(surface.state, values),
    stroke: (kind, geometry, number = surface.state.classNumber) => strokes.push({ kind, geometry, number }),
    penCancel() {}, penCancel() {}, penLine: async (trail) => trail,
    hint: (text) => hints.push(text),
    redraw() {},
  };
  return surface;
}
const click = (tool, point, clicks = 1, event = POINTER) => {
  tool.down(point, event, clicks);
  tool.up?.(point, event);
};
/** Do something in a browser whose storage is this one; what is kept of an earlier page is in `kept`. */
function storing(name, act, kept = new Map()) {
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  Object.defineProperty(globalThis, name, { configurable: true, get: () => kept ? storage : forbid() });
  try {
    act(kept);
  } finally {
    delete globalThis[name];
  }
}
const forbid = () => { throw new Error("The document is sandboxed"); };
const press = (key, held = {}) => ({ type: "keydown", key, code: "", target: null, ...held });

test("no two things share a key, and the page keeps its own", () => {
  const tools = createTools(fake());
  const later = ["X", "H", "R", "C"].map((key) => ({ name: key, letter: key }));
  assert.deepEqual(collisions({ ...tools, ...Object.fromEntries(later.map((tool) => [tool.name, tool])) }), []);
  for (const key of ["u", "m", "s"]) assert.equal(meaningOf(key, tools), null);
});

test("keys are known by letter, by place where there are no Latin letters, and with AltGr", () => {
  assert.equal(nameOf(press("Z", { ctrlKey: true, shiftKey: true })), "ctrl+shift+z");
  assert.equal(nameOf(press("и", { code: "KeyB" })), "b");
  assert.equal(nameOf(press("[", { ctrlKey: true, altKey: true, getModifierState: () => true })), "[");
  assert.equal(nameOf(press("?", { shiftKey: true })), "?");
  const tools = createTools(fake());
  assert.deepEqual(meaningOf("b", tools), { tool: "brush" });
  assert.deepEqual(meaningOf("3", tools), { number: 3 });
  assert.deepEqual(meaningOf("ctrl+y", tools), { command: "redo" });
  assert.equal(meaningOf("ctrl+b", tools), null);
});

test("every tool has an icon, a label and options", () => {
  for (const tool of Object.values(createTools(fake()))) {
    assert.ok(ICONS.includes(tool.icon) && tool.label && tool.letter);
    assert.ok(Array.isArray(tool.options()));
  }
});

test("sizes keep to their limits, and are fractions only when zoomed in", () => {
  assert.deepEqual(sizeLimits({ width: 6000, height: 4000 }), [1, 750]);
  assert.deepEqual(sizeLimits({ width: 3, height: 2 }), [1, 20]);
  assert.equal(roundSize(2.34, 1, [1, 20]), 2);
  assert.equal(roundSize(2.34, 4, [1, 20]), 2.3);
  assert.equal(roundSize(NaN, 4, [1, 20]), 1);
  for (const scale of [0.1, 1, 8]) {
    let size = 1;
    for (let step = 0; step < 200; step++) {
      const next = stepSize(size, 1, scale, [1, 750]);
      assert.ok(next > size || size === 750);
      size = next;
    }
    assert.equal(size, 750);
    for (let step = 0; step < 200; step++) size = stepSize(size, -1, scale, [1, 750]);
    assert.equal(size, 1);
  }
  for (const size of [1, 7, 100, 750]) assert.ok(Math.abs(valueAt(placeOf(size, 1, 750), 1, 750) - size) < size / 100);
});

test("a box lies on pixels, in the image, and is a square if wished", () => {
  assert.deepEqual(boxBetween([10.4, 9.6], [2.6, 20.2], false, IMAGE), [3, 10, 7, 10]);
  assert.deepEqual(boxBetween([10, 10], [14, 12], true, IMAGE), [10, 10, 4, 4]);
  assert.deepEqual(boxBetween([10.2, 10.2], [10.3, 10.4], false, IMAGE), [10, 10, 1, 1]);
  assert.deepEqual(boxBetween([-5, -5], [200, 300], false, IMAGE), [0, 0, 100, 80]);
  assert.equal(boxBetween([-9, -9], [-3, -3], false, IMAGE), null);
});

test("the nearest point within reach", () => {
  assert.equal(nearest([[0, 0], [5, 0], [6, 0]], [5.6, 0], 2), 2);
  assert.equal(nearest([[0, 0]], [5, 0], 2), -1);
});

test("edges go around pixels and their holes", () => {
  const length = (lines) => lines.reduce((sum, [x0, y0, x1, y1]) => sum + Math.abs(x1 - x0) + Math.abs(y1 - y0), 0);
  const ring = Uint8Array.from([1, 1, 1, 1, 0, 1, 1, 1, 1]);
  assert.equal(length(edges([10, 20, 3, 3], ring)), 16);
  assert.deepEqual(edges([10, 20, 2, 1], Uint8Array.from([1, 1])),
    [[10, 20, 12, 20], [10, 21, 12, 21], [10, 20, 10, 21], [12, 20, 12, 21]]);
});

test("a brush makes a line of its size; what was chosen when it began counts", async () => {
  const surface = fake(), { brush } = createTools(surface);
  brush.down([1, 1], POINTER);
  surface.state.classNumber = 5;
  surface.state.size = 20;
  brush.move([1.2, 1], POINTER); // too near
  brush.move([9, 1], POINTER);
  assert.deepEqual(brush.drawing().geometry.points, [[1, 1], [9, 1]]);
  await brush.up([12.00049, 1], POINTER);
  assert.deepEqual(surface.strokes,
    [{ kind: "brush", geometry: { points: [[1, 1], [9, 1], [12, 1]], width: 6 }, number: 2 }]);
  brush.down([1, 1], POINTER);
  brush.cancel();
  await brush.up([2, 2], POINTER);
  assert.equal(surface.strokes.length, 1);
});

test("an eraser paints no class", async () => {
  const surface = fake(), { eraser } = createTools(surface);
  eraser.down([1, 1], POINTER);
  await eraser.up([1, 1], POINTER);
  assert.equal(surface.strokes[0].kind, "erase");
  assert.equal(surface.strokes[0].number, 0);
});

test("a pen's pressure gives widths where that is wished", async () => {
  const surface = fake({ pressure: true }), { brush } = createTools(surface);
  const pen = (pressure) => ({ pointerType: "pen", pressure, type: "pointermove" });
  brush.down([0, 0], pen(0.5));
  brush.move([5, 0], pen(1));
  brush.move([9, 0], pen(0.01));
  await brush.up([9, 0], pen(0.01));
  assert.deepEqual(surface.strokes[0].geometry, { points: [[0, 0], [5, 0], [9, 0]], width: 6, widths: [3, 6, 1] });
  brush.down([0, 0], POINTER);
  await brush.up([0, 0], POINTER);
  assert.ok(!("widths" in surface.strokes[1].geometry));
});

test("a polygon closes at its first corner, by Enter and by a double click", () => {
  const corners = [[10, 10], [50, 10], [50, 50]];
  const ends = [(tool) => click(tool, [12, 12]), (tool) => tool.key(press("Enter")),
    (tool) => click(tool, [51, 50], 2)];
  for (const close of ends) {
    const surface = fake(), { polygon } = createTools(surface);
    corners.forEach((corner) => click(polygon, corner));
    close(polygon);
    assert.deepEqual(surface.strokes, [{ kind: "polygon", geometry: { points: corners }, number: 2 }]);
    assert.equal(polygon.drawing(), null);
  }
});

test("a polygon's corners are taken back, moved and given up", () => {
  const surface = fake(), { polygon } = createTools(surface);
  assert.equal(polygon.key(press("Backspace")), false);
  [[10, 10], [50, 10], [50, 50]].forEach((corner) => click(polygon, corner));
  assert.ok(polygon.key(press("Backspace")));
  assert.ok(polygon.key(press("z", { ctrlKey: true })));
  assert.deepEqual(polygon.drawing().geometry.points, [[10, 10]]);
  polygon.key(press("Enter"));
  assert.equal(surface.strokes.length, 0);
  assert.match(surface.hints[0], /at least 3/);
  click(polygon, [60, 60]);
  polygon.down([60, 61], POINTER, 1);
  polygon.move([70, 70], POINTER);
  polygon.up([70, 70], POINTER);
  assert.deepEqual(polygon.drawing().geometry.points, [[10, 10], [70, 70]]);
  polygon.down([30, 30], POINTER, 1);
  polygon.cancel(); // a second finger: the corner was none, the others stay
  assert.equal(polygon.drawing().geometry.points.length, 2);
  assert.ok(polygon.key(press("Escape")));
  assert.equal(polygon.drawing(), null);
});

test("a key that is released or written in a field is none of a tool's", () => {
  const { polygon } = createTools(fake());
  click(polygon, [10, 10]);
  assert.equal(polygon.key({ ...press("Escape"), type: "keyup" }), false);
  assert.equal(polygon.key(press("Backspace", { target: { tagName: "INPUT", type: "number" } })), false);
  assert.equal(polygon.key(press("Escape", { target: { tagName: "INPUT", type: "range" } })), true);
});

test("unfinished corners stay with their image", () => {
  const surface = fake(), { polygon } = createTools(surface);
  click(polygon, [10, 10]);
  surface.image = { ...IMAGE, id: 2 };
  assert.equal(polygon.drawing(), null);
  [[30, 30], [40, 40]].forEach((corner) => click(polygon, corner)); // one is begun here too
  assert.equal(polygon.drawing().geometry.points.length, 2);
  surface.image = { ...IMAGE };
  assert.equal(polygon.drawing().geometry.points.length, 1);
});

test("what was begun is kept in the tab, for its user", () => storing("sessionStorage", () => {
  const begun = (id) => createBegun({ user: { id }, name: "polygon" });
  const mine = begun(1);
  mine.set(7, [[1, 2]]);
  mine.set(8, [[3, 4]]);
  mine.set(7, null);
  assert.deepEqual([mine.get(7), begun(1).get(7), begun(1).get(8), begun(2).get(8)], [null, null, [[3, 4]], null]);
}));

test("where the browser denies storage, what was begun lasts as long as the page", () => {
  storing("sessionStorage", () => {
    const begun = createBegun({ user: { id: 1 }, name: "polygon" });
    begun.set(7, [[1, 2]]);
    assert.deepEqual(begun.get(7), [[1, 2]]);
  }, null);
  storing("localStorage", () => {
    saveState({ ...loadState(), tool: "eraser" });
    assert.equal(loadState().tool, "brush");
  }, null);
});

test("a corner in hand that Backspace took is not put back", () => {
  for (const leave of [(polygon) => polygon.cancel(), (polygon) => polygon.move([9, 9])]) {
    const surface = fake(), { polygon } = createTools(surface);
    for (const point of [[10, 10], [60, 10]]) click(polygon, point);
    polygon.down([60, 10], POINTER, 1);
    polygon.move([70, 20], POINTER);
    polygon.key(press("Backspace"));
    leave(polygon);
    assert.deepEqual(polygon.drawing().geometry.points, [[10, 10]]);
  }
});

test("a tapped corner of a rectangle stays with its image", () => {
  const surface = fake(), { rectangle } = createTools(surface);
  click(rectangle, [10, 10]);
  surface.image = { ...IMAGE, id: 2 };
  click(rectangle, [30, 30]); // one is begun here too
  surface.image = { ...IMAGE };
  click(rectangle, [20, 20]);
  assert.deepEqual(surface.strokes.map((stroke) => stroke.geometry.box), [[10, 10, 10, 10]]);
  assert.equal(rectangle.unfinished(), null);
});

test("a polyline has a width and ends by a double click", () => {
  const surface = fake(), { polyline } = createTools(surface);
  click(polyline, [10, 10]);
  click(polyline, [60, 10]);
  click(polyline, [60, 11], 2);
  assert.deepEqual(surface.strokes,
    [{ kind: "polyline", geometry: { points: [[10, 10], [60, 10]], width: 6 }, number: 2 }]);
});

test("a rectangle is dragged, or tapped at two corners", () => {
  const surface = fake(), { rectangle } = createTools(surface);
  rectangle.down([10, 10], POINTER);
  rectangle.move([20, 30], POINTER);
  rectangle.up([20, 30], POINTER);
  click(rectangle, [40, 40]);
  assert.equal(rectangle.drawing(), null);
  click(rectangle, [50, 44], 1, { ...POINTER, shiftKey: true });
  assert.deepEqual(surface.strokes.map((stroke) => stroke.geometry.box), [[10, 10, 10, 20], [40, 40, 10, 10]]);
  rectangle.down([1, 1], POINTER);
  rectangle.cancel();
  rectangle.up([9, 9], POINTER);
  assert.equal(surface.strokes.length, 2);
});

test("fill takes what is enclosed and leaves what reaches the edge", () => {
  const surface = fake(), { fill } = createTools(surface), { values } = surface.mask;
  for (let at = 10; at <= 20; at++) for (const place of [[at, 10], [at, 20], [10, at], [20, at]])
    values[place[1] * 100 + place[0]] = 2;
  fill.down([50.5, 50.5]);
  assert.match(surface.hints[0], /edge/);
  fill.down([10.5, 10.5]);
  assert.match(surface.hints[1], /already/);
  fill.down([-3, 2]);
  assert.equal(surface.strokes.length, 0);
  fill.down([15.5, 15.5]);
  const [{ kind, geometry }] = surface.strokes;
  assert.equal(kind, "region");
  assert.deepEqual(geometry.size, [80, 100]);
  assert.equal(geometry.counts.filter((_, index) => index % 2).reduce((sum, count) => sum + count), 81);
  assert.equal(geometry.counts.reduce((sum, count) => sum + count), 8000);
});

test("own strokes are undone and drawn anew, those of others painted over", () => {
  const own = { id: "a", kind: "polygon", class_number: 2, geometry: { points: [[1, 1], [5, 1], [5, 5]] }, mine: true };
  const undo = { id: "b-undo", kind: "undo", geometry: { stroke: "a" }, class_number: 0 };
  assert.deepEqual(rowsFor({ stroke: own }, 0, IMAGE, "b"), [undo]);
  assert.deepEqual(rowsFor({ stroke: own }, 3, IMAGE, "b"),
    [undo, { id: "b", kind: "polygon", geometry: { ...own.geometry, over: true }, class_number: 3 }]);
  const area = { box: [2, 3, 2, 1], counts: [0, 2], pixels: 2 };
  const [row] = rowsFor({ stroke: { ...own, mine: false }, area }, 0, IMAGE, "b");
  assert.equal(row.kind, "region");
  assert.equal(row.class_number, 0);
  assert.deepEqual(row.geometry.counts.slice(0, 4), [2 * 80 + 3, 1, 79, 1]);
});

test("of somebody's stroke only what is seen is changed", () => {
  const values = new Uint8Array(100 * 80);
  const stroke = { kind: "rectangle", class_number: 2, geometry: { box: [10, 10, 4, 4] } };
  for (let x = 10; x < 12; x++) values[11 * 100 + x] = 2;
  assert.equal(shownOf(stroke, values, IMAGE).pixels, 2);
});

test("corners move; of a rectangle the opposite one stands", () => {
  const rectangle = { kind: "rectangle", geometry: { box: [10, 10, 20, 10] } };
  assert.deepEqual(withCorner(rectangle, 0, [5, 6], IMAGE).box, [5, 6, 25, 14]);
  assert.deepEqual(withCorner(rectangle, 2, [12, 13], IMAGE).box, [10, 10, 2, 3]);
  const line = { kind: "polyline", geometry: { points: [[1, 1], [2, 2]], width: 3 } };
  assert.deepEqual(withCorner(line, 1, [9, 9], IMAGE), { points: [[1, 1], [9, 9]], width: 3 });
});

test("the browser keeps what is of the right type, and classes by project", () => storing("localStorage", (kept) => {
  assert.equal(loadState().tool, "brush");
  kept.set("ftl-surface", JSON.stringify({ tool: "eraser", size: "large", opacity: 0.2, classes: null, stranger: 1 }));
  const state = loadState();
  assert.deepEqual([state.tool, state.size, state.opacity, state.classes], ["eraser", 0, 0.2, {}]);
  assert.ok(!("stranger" in state));
  const classes = [{ number: 1 }, { number: 4 }];
  state.classes = { 7: 4, 8: 9 };
  assert.equal(openProject(state, 7, classes).classNumber, 4);
  assert.equal(openProject(state, 8, classes).classNumber, 1); // that class is gone
  Object.assign(state, openProject(state, 7, classes));
  Object.assign(state, toggleClass(state, 4));
  saveState(state);
  assert.deepEqual(openProject(loadState(), 7, classes).hidden, [4]);
  kept.set("ftl-surface", "{");
  assert.equal(loadState().tool, "brush");
}));

test("what is not saved is said, with where it is", () => {
  const group = { count: 3, file: "wall.jpg", why: "the disk is full", refused: true, stored: true };
  assert.equal(statusOf({ waiting: 0 }).text, "Saved");
  assert.equal(statusOf({ waiting: 2 }).text, "Saving");
  assert.equal(statusOf({ waiting: 2 }, "the studio does not answer").text, "The studio does not answer.");
  assert.deepEqual(statusOf({ waiting: 3, groups: [group] }).groups, [group]);
  assert.equal(groupText(group), "3 strokes on wall.jpg not saved, kept in this browser: the disk is full.");
  assert.equal(otherText({ name: "Ada", count: 1 }), "1 stroke of Ada waits in this browser until Ada signs in.");
  assert.match(groupText({ count: 1, stored: false }), /^1 stroke not saved, kept in this tab only/);
});

test("toolbars leave room for the photograph", () => {
  assert.ok(insetOf(390, true).left === 0 && insetOf(1400, true).left > 40);
  assert.deepEqual(insetOf(1400, false), { left: 0, top: 0, right: 0, bottom: 0 });
});

test("what was begun and is not ended says so, on its image alone, and how it is ended", () => {
  const surface = fake(), tools = createTools(surface);
  const begun = () => Object.values(tools).filter((tool) => tool.unfinished?.()).map((tool) => tool.name);
  assert.deepEqual(begun(), []);
  click(tools.polygon, [10, 10]);
  click(tools.rectangle, [20, 20]); // tapped: its other corner is awaited
  assert.deepEqual(begun(), ["polygon", "rectangle"]);
  assert.equal(unfinishedText({ tool: tools.polygon, way: tools.polygon.unfinished() }, tools.polygon),
    "an unfinished polygon: Enter closes it, Backspace takes a corner back, Escape drops it.");
  assert.match(unfinishedText({ tool: tools.rectangle, way: tools.rectangle.unfinished() }, tools.polygon),
    /^an unfinished rectangle: choose Rectangle \(T\), then a tap/);
  assert.equal(statusOf({}, null, { tool: tools.polygon }).text, "Unfinished polygon");
  assert.equal(statusOf({ waiting: 1 }, null, { tool: tools.polygon }).text, "Saving");
  surface.image = { ...IMAGE, id: 2 };
  assert.deepEqual(begun(), []);
  surface.image = { ...IMAGE };
  tools.polygon.key(press("Escape"));
  tools.rectangle.key(press("Escape"));
  assert.deepEqual(begun(), []);
});

test("every tool says in a sentence what it is for, and the pen of a small crop is no hair", () => {
  const surface = fake({ size: 0 }), tools = { ...createTools(surface), ...createAssists(surface) };
  for (const tool of Object.values(tools)) {
    assert.match(tool.what, /^[A-Z].*\.$/);
    assert.deepEqual(namesOf(tool), { title: `${tool.label} (${tool.letter}): ${tool.what}`,
      "aria-label": `${tool.label} (${tool.letter})` });
  }
  assert.equal(sizeOf({ state: { size: 0 }, image: { width: 227, height: 227 } }), 6);
  assert.equal(sizeOf({ state: { size: 0 }, image: { width: 4000, height: 3000 } }), 50);
});
