// What Python has nothing to compare with; that pixels are its pixels is shown by test_canvas_modules.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf, boxes, cover, decode, encode, extent, flood, meet, paint, paints, put, regionOf, whereOf } from
  "../../studio/canvas/js/rasterise.js";

const W = 8, H = 6;
const maskOf = (text) => Uint8Array.from(text.replace(/\s/g, ""), (letter) => Number(letter));
const RING = maskOf(`00000000
                     01110000
                     01010000
                     01110002
                     00000020
                     00000200`);

test("a thin line encloses what is empty, also over corners; a class is joined at corners", () => {
  const hole = { box: [2, 2, 1, 1], counts: [0, 1], pixels: 1 };
  assert.deepEqual(flood(RING, W, H, 2.9, 2.1), { area: hole, edge: false });
  const corner = flood(RING, W, H, 7, 3);
  assert.deepEqual(corner, { area: { box: [5, 3, 3, 3], counts: [2, 1, 1, 1, 1, 1, 2], pixels: 3 }, edge: true });
  assert.equal(flood(RING, W, H, 7, 5).area.pixels, 3);
  assert.equal(flood(RING, W, H, 1, 1).edge, false);
});

test("there is nothing outside of the image", () => {
  for (const [x, y] of [[-1, 0], [0, -0.5], [W, 0], [0, H], [NaN, 0]]) assert.equal(flood(RING, W, H, x, y), null);
  const row = { kind: "brush", class_number: 1, geometry: { points: [[-50, -50]], width: 3 } };
  for (const told of [extent, cover]) assert.equal(told(row, H, W), null);
  assert.deepEqual(boxes(row, H, W), []);
  assert.equal(paint(RING.slice(), W, H, row), null);
  assert.equal(meet([0, 0, 2, 2], [2, 0, 2, 2]), null);
});

test("areas and run lengths go there and back", () => {
  for (let seed = 0; seed < 200; seed++) {
    const where = Uint8Array.from({ length: W * H }, (_, index) => Number((index * (seed + 7) + seed) % 5 < seed % 4));
    assert.deepEqual(decode(encode(where, W, H), W, H), where);
    const area = areaOf([2, 3, W, H], where);
    assert.deepEqual(whereOf(area), where);
    const region = regionOf(area, W + 5, H + 4);
    assert.equal(region.counts.reduce((sum, count) => sum + count), (W + 5) * (H + 4));
    const mask = new Uint8Array((W + 5) * (H + 4));
    paint(mask, W + 5, H + 4, { kind: "region", class_number: 1, geometry: region });
    const expected = new Uint8Array(mask.length);
    for (let y = 0; y < H; y++) expected.set(where.subarray(y * W, (y + 1) * W), (y + 3) * (W + 5) + 2);
    assert.deepEqual(mask, expected);
  }
});

test("a patch sets all of its box and nothing else", () => {
  const mask = RING.slice();
  put(mask, W, { box: [1, 1, 3, 3], counts: [4, 1, 4], values: [0, 3, 0] });
  assert.deepEqual(mask, maskOf(`00000000
                                 00000000
                                 00300000
                                 00000002
                                 00000020
                                 00000200`));
});

test("a long line is told in boxes that hold little else, and the whole of it", () => {
  const points = Array.from({ length: 501 }, (_, index) => [index * 10, index * 6]);
  const row = { kind: "brush", class_number: 1, geometry: { points, width: 20 } };
  const parts = boxes(row, 4000, 6000);
  const pixels = parts.reduce((sum, [, , width, height]) => sum + width * height, 0);
  assert.ok(pixels < 0.06 * 4000 * 6000);
  for (const [x, y] of points) assert.ok(parts.some((part) => meet(part, [x, y, 1, 1])));
});

test("undo and redo paint nothing, and no row touches a pixel outside of its box", () => {
  assert.ok(!paints({ kind: "undo" }) && !paints({ kind: "redo" }) && !paints({ kind: "revision" }));
  const mask = new Uint8Array(6000 * 4000);
  const points = Array.from({ length: 500 }, (_, index) => [3000 + 300 * Math.cos(index / 20), 2000 + index]);
  const start = performance.now();
  const box = paint(mask, 6000, 4000, { kind: "brush", class_number: 1, geometry: { points, width: 40 } });
  assert.ok(performance.now() - start < 1000); // 2 to 10 ms on a free machine
  assert.deepEqual(box, [2679, 1979, 643, 542]);
  assert.equal(mask.subarray(0, box[1] * 6000).indexOf(1), -1);
  assert.equal(mask.subarray((box[1] + box[3]) * 6000).indexOf(1), -1);
});
