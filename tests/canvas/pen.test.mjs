import assert from "node:assert/strict";
import test from "node:test";

import { positions } from "../../studio/canvas/js/pen.js";

test("a path of Fabric gives the pointer's own positions back, not its smoothed curve", () => {
  const path = [["M", 9.999, 10], ["Q", 10, 10, 15, 15], ["Q", 20, 20, 25, 15], ["L", 30.001, 10]];
  assert.deepEqual(positions(path), [[10, 10], [20, 20], [30.001, 10]]);
});

test("a click is one position", () => {
  assert.deepEqual(positions([["M", 4.998, 5], ["Q", 4.999, 5, 5, 5], ["L", 5.001, 5]]), [[4.999, 5], [5.001, 5]]);
});
