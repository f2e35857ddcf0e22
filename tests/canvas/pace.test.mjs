import assert from "node:assert/strict";
import { test } from "node:test";

import { createPace } from "../../studio/canvas/js/pace.js";

/** A browser whose frames take `cost(pixels a CSS pixel)` ms; run(ms) moves the view in each of them. */
const browser = (ratio, cost) => {
  let now = 0;
  let frames = [];
  globalThis.window = { devicePixelRatio: ratio };
  globalThis.requestAnimationFrame = (call) => frames.push(call);
  performance.now = () => now;
  const canvas = { width: 0, height: 0 };
  let drawn = 0;
  const pace = createPace([canvas], () => (drawn += 1));
  pace.size({ width: 1000, height: 500 });
  const run = (ms) => {
    for (const end = now + ms; now < end;) {
      pace.moved();
      now += cost(pace.ratio);
      const calls = frames;
      frames = [];
      for (const call of calls) call(now);
      pace.apply();
    }
  };
  return { pace, canvas, run, drawn: () => drawn };
};

test("a machine that keeps up draws sharp", () => {
  const { pace, canvas, run } = browser(2, () => 16);
  run(2000);
  assert.deepEqual([canvas.width, canvas.height], [2000, 1000]);
  pace.dispose();
});

test("one that does not draws fewer pixels while it moves, and sharp ones at rest", async () => {
  const { pace, canvas, run, drawn } = browser(2, (ratio) => 5 + 15 * ratio);
  run(2000);
  assert.equal(canvas.width, 1000);
  const before = drawn();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(drawn() > before);
  assert.ok(pace.apply());
  assert.equal(canvas.width, 2000);
  assert.equal(pace.apply(), false);
});

test("a machine that is slow for another reason stays sharp, but for a moment", () => {
  const { pace, canvas, run } = browser(1, () => 90);
  run(5000);
  assert.equal(canvas.width, 1000);
  pace.dispose();
});

test("never coarser than two CSS pixels a pixel", () => {
  const { pace, canvas, run } = browser(2, (ratio) => 200 * ratio);
  run(20_000);
  assert.equal(canvas.width, 500);
  pace.dispose();
});
