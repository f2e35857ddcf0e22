import assert from "node:assert/strict";
import { test } from "node:test";
import { createMask } from "../../studio/canvas/js/mask.js";
import { paint } from "../../studio/canvas/js/rasterise.js";
import { pixel, stageOf } from "./painter.mjs";

const W = 40, H = 30;
const COLOURS = new Map([[1, [255, 0, 0]], [2, [0, 255, 0]], [3, [0, 0, 255]]]);
const box = (id, number, x, y, w, h, more = {}) =>
  ({ id, kind: "rectangle", class_number: number, geometry: { box: [x, y, w, h], ...more }, author: 1 });
const fold = (rows, width = W, height = H) => {
  const mask = new Uint8Array(width * height);
  rows.forEach((row) => paint(mask, width, height, row));
  return mask;
};
const runs = (mask, [left, top, wide, high], width = W) => {
  const counts = [], values = [];
  for (let x = left; x < left + wide; x++) {
    for (let y = top; y < top + high; y++) {
      const value = mask[y * width + x];
      if (values.at(-1) === value) counts[counts.length - 1] += 1;
      else [counts, values].forEach((list) => list.push(list === counts ? 1 : value));
    }
  }
  return { box: [left, top, wide, high], counts, values };
};
const whole = (rows, width = W, height = H) => runs(fold(rows, width, height), [0, 0, width, height], width);
const random = (seed) => () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;

test("own strokes show at once, and lie on top until the log has them", () => {
  const mask = createMask({ width: W, height: H });
  const own = box("own", 1, 2, 2, 10, 10), other = box("other", 2, 5, 5, 10, 10);
  mask.add(own);
  assert.equal(mask.at(3, 3), 1);
  mask.receive({ position: 1, rows: [other] });
  assert.deepEqual(mask.values, fold([other, own]));
  assert.deepEqual(mask.pending, [own]);
  mask.receive({ position: 2, rows: [own] });
  assert.deepEqual(mask.values, fold([other, own]));
  assert.deepEqual(mask.pending, []);
});

test("another's stroke behind one's own in the log covers it", () => {
  const mask = createMask({ width: W, height: H });
  const own = box("own", 1, 2, 2, 10, 10), other = { ...box("other", 0, 5, 5, 10, 10), kind: "region" };
  other.geometry = { counts: [5 * H + 5, 20, W * H - 5 * H - 25], size: [H, W] };
  mask.add(own);
  mask.receive({ position: 2, rows: [own, other] });
  assert.deepEqual(mask.values, fold([own, other]));
});

test("a reply that comes late says only what is not pending any more", () => {
  const mask = createMask({ width: W, height: H });
  const own = box("own", 1, 0, 0, 9, 9), other = box("other", 2, 4, 4, 9, 9), last = box("last", 3, 6, 6, 2, 2);
  mask.add(own);
  mask.receive({ position: 3, rows: [], patch: whole([own, other, last]) }); // of another request: own is not named
  assert.deepEqual(mask.values, fold([own, other, last, own]));
  mask.receive({ position: 1, rows: [own], taken: ["own"] });
  assert.equal(mask.position, 3);
  assert.deepEqual(mask.values, fold([own, other, last]));
  assert.deepEqual(mask.pending, []);
});

test("rows told twice change nothing, even if they leave other classes alone or erase", () => {
  const mask = createMask({ width: W, height: H });
  const rows = [box("a", 1, 0, 0, 9, 9), { id: "b", kind: "erase", class_number: 0,
    geometry: { points: [[4, 4]], width: 5 } }, box("c", 2, 3, 3, 9, 9, { over: false })];
  mask.receive({ position: 3, rows });
  const more = box("d", 3, 1, 1, 3, 3);
  mask.receive({ position: 4, rows: [...rows, more] });
  mask.receive({ position: 4, rows: [...rows, more] });
  assert.deepEqual(mask.values, fold([...rows, more]));
});

test("a patch is put over the rows: what was undone is gone, what is pending stays on it", () => {
  const mask = createMask({ width: W, height: H });
  const first = box("first", 1, 0, 0, 20, 20), second = box("second", 2, 5, 5, 20, 20), own = box("own", 3, 8, 8, 3, 3);
  mask.receive({ position: 1, rows: [first] });
  mask.add(own);
  mask.receive({ position: 3, rows: [second], patch: runs(fold([second]), [0, 0, 20, 20]) });
  assert.deepEqual(mask.values, fold([second, own]));
  mask.receive({ position: 3, rows: [], patch: whole([second]) });
  assert.deepEqual(mask.values, fold([second, own]));
});

test("a refused row goes; one undone before it was sent hides, and comes back at redo", () => {
  const mask = createMask({ width: W, height: H });
  const one = box("one", 1, 0, 0, 9, 9), two = box("two", 2, 4, 4, 9, 9), three = box("three", 3, 6, 6, 9, 9);
  [one, two, three].forEach((row) => mask.add(row));
  mask.hide("two");
  assert.deepEqual(mask.values, fold([one, three]));
  assert.deepEqual(mask.pending, [one, three]);
  mask.add({ id: "u", kind: "redo", class_number: 0, geometry: { stroke: "two" } });
  assert.deepEqual(mask.values, fold([one, two, three]));
  mask.add({ id: "v", kind: "undo", class_number: 0, geometry: { stroke: "two" } });
  mask.add({ id: "w", kind: "undo", class_number: 0, geometry: {} });
  [one, two, three].forEach((row) => mask.add(row)); // as the outbox says again what waits
  mask.add({ id: "u", kind: "redo", class_number: 0, geometry: { stroke: "two" } });
  assert.deepEqual(mask.values, fold([one, three]));
  mask.drop("one");
  mask.drop("never there");
  assert.deepEqual(mask.values, fold([three]));
  mask.receive({ position: 5, rows: [two], patch: whole([]) }); // drawn, undone
  assert.deepEqual(mask.values, fold([three]));
  mask.receive({ position: 6, rows: [three] });
  mask.add(three); // the outbox does not know yet that the log has it
  assert.deepEqual(mask.values, fold([three]));
  assert.deepEqual(mask.pending, []);
});

test("four browsers come to the same mask, however their replies are mixed", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = random(seed), below = (most) => Math.floor(next() * most);
    const log = []; // of the studio: rows, with `undone`
    const tabs = Array.from({ length: 4 }, () =>
      ({ mask: createMask({ width: W, height: H }), unsent: [], replies: [] }));
    const counted = (rows) => rows.filter((row) => row.kind !== "undo" &&
      !rows.some((undo) => undo.kind === "undo" && undo.geometry.stroke === row.id));
    const live = (after) => {
      const rows = log.slice(after ?? 0), undos = rows.filter((row) => row.kind === "undo");
      const patch = after === null || undos.length ? whole(counted(log)) : null;
      return { position: log.length, rows: after === null ? [] : rows.filter((row) => row.kind !== "undo"), patch };
    };
    for (let turn = 0; turn < 80; turn++) {
      const tab = tabs[below(4)], way = below(6);
      if (way < 2) {
        const row = box(`${seed}-${turn}`, 1 + below(3), below(W), below(H), below(15), below(15),
          below(3) ? {} : { over: false });
        tab.mask.add(row);
        tab.unsent.push(row);
      } else if (way === 2 && tab.mask.pending.length) {
        const undo = { id: `u-${seed}-${turn}`, kind: "undo", geometry: { stroke: tab.mask.pending.at(-1).id } };
        tab.mask.add(undo);
        tab.unsent.push(undo);
      } else if (way === 3) {
        const sent = tab.unsent.splice(0, 1 + below(3));
        log.push(...sent);
        tab.replies.push({ ...live(tab.mask.position), taken: sent.map((row) => row.id) });
      } else if (way === 4) tab.replies.push(live(below(9) ? tab.mask.position : null));
      else if (tab.replies.length) tab.mask.receive(tab.replies.splice(below(tab.replies.length), 1)[0]);
    }
    for (const tab of tabs) {
      log.push(...tab.unsent);
      tab.replies.push({ ...live(tab.mask.position), taken: tab.unsent.map((row) => row.id) });
    }
    for (const tab of tabs) {
      tab.replies.push(live(tab.mask.position));
      while (tab.replies.length) tab.mask.receive(tab.replies.splice(below(tab.replies.length), 1)[0]);
      assert.deepEqual(tab.mask.values, fold(counted(log)), `seed ${seed}`);
      assert.deepEqual(tab.mask.pending, []);
    }
  }
});

const drawn = (mask, view, { context, stage }, colours = COLOURS) => {
  context.pixels.fill(0);
  mask.draw(context, view, stage, colours);
};
/** Draw until nothing more is asked for; the number of frames. */
const settled = async (image, act, view, on, colours = COLOURS) => {
  let asked = 0;
  const mask = createMask(image, () => { asked += 1; });
  act(mask);
  for (let frames = 1; ; frames++) {
    asked = 0;
    drawn(mask, view, on, colours);
    await null;
    if (!asked) return { mask, frames };
  }
};

test("at whole scales every image pixel shows in its class's colour, and no other", async () => {
  const width = 700, height = 530;
  const rows = [box("a", 1, 250, 100, 12, 300), box("b", 2, 500, 505, 199, 25), box("c", 3, 0, 0, 1, 1)];
  const views = [[{ scale: 1, x: 0, y: 0 }, 1], [{ scale: 3, x: -600, y: -310 }, 1], [{ scale: 1, x: 20, y: 7 }, 2]];
  for (const [view, ratio] of views) {
    const on = stageOf(400, 300, ratio);
    const { mask } = await settled({ width, height }, (one) => rows.forEach((row) => one.add(row)), view, on);
    for (let y = 0; y < 300 * ratio; y += 1) {
      for (let x = 0; x < 400 * ratio; x += 1) {
        const at = mask.at((x / ratio + 0.01 - view.x) / view.scale, (y / ratio + 0.01 - view.y) / view.scale);
        assert.deepEqual(pixel(on.context, x, y), COLOURS.get(at) ?? null);
      }
    }
  }
});

test("a crack of one pixel shows when the whole image does, also beside a class that is hidden or has a higher number",
  async () => {
    const crack = { id: "c", kind: "brush", class_number: 1, geometry: { points: [[0, 0], [1999, 1499]], width: 1 } };
    const ground = box("g", 3, 0, 0, 2001, 1501);
    for (const colours of [COLOURS, new Map([[1, [255, 0, 0]]])]) {
      const on = stageOf(400, 300);
      await settled({ width: 2001, height: 1501 }, (mask) => [ground, crack].forEach((row) => mask.add(row)),
        { scale: 0.2, x: 0, y: 0 }, on, colours);
      for (let x = 3; x < 397; x++) {
        const column = Array.from({ length: 300 }, (_, y) => pixel(on.context, x, y));
        assert.ok(column.some((colour) => colour?.[0] === 255), `column ${x}`);
      }
    }
  });

test("the stage is never blank on the way to another level, however slow the tiles are", async () => {
  const image = { width: 3000, height: 2000 }, on = stageOf(600, 400);
  const far = { scale: 0.2, x: 0, y: 0 }, near = { scale: 1, x: -1000, y: -700 };
  const { mask } = await settled(image, (one) => one.add(box("a", 1, 0, 0, 3000, 2000)), far, on);
  const now = performance.now;
  try {
    let time = 0;
    performance.now = () => (time += 5); // time is up after the first tile
    for (const view of [near, far, { scale: 4, x: -4000, y: -3000 }, { scale: 0.5, x: 0, y: 0 }]) {
      for (let frame = 0; frame < 3; frame++) {
        drawn(mask, view, on);
        for (let y = 0; y < 400; y += 7)
          for (let x = 0; x < 600; x += 7) assert.deepEqual(pixel(on.context, x, y), [255, 0, 0], `${x} ${y}`);
      }
    }
  } finally {
    performance.now = now;
  }
});

test("erasing shows, a class can be hidden and shown, and empty tiles are not drawn at all", async () => {
  const image = { width: 1000, height: 1000 }, on = stageOf(1000, 1000), view = { scale: 1, x: 0, y: 0 };
  let asked = 0;
  const mask = createMask(image, () => { asked += 1; });
  const all = async (colours = COLOURS) => {
    do {
      asked = 0;
      on.context.images = 0;
      drawn(mask, view, on, colours);
      await null;
    } while (asked);
  };
  await all();
  assert.equal(on.context.images, 0);
  mask.add(box("a", 2, 300, 300, 30, 30));
  await all();
  assert.equal(on.context.images, 1);
  assert.deepEqual(pixel(on.context, 310, 310), [0, 255, 0]);
  await all(new Map([[1, [1, 2, 3]]]));
  assert.equal(on.context.images, 0);
  await all();
  mask.receive({ position: 2, rows: [], taken: ["a"], patch: { box: [0, 0, 1000, 1000], counts: [1e6], values: [0] } });
  await all();
  assert.equal(on.context.images, 0);
  assert.equal(pixel(on.context, 310, 310), null);
});
