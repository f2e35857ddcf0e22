import assert from "node:assert/strict";
import { test } from "node:test";

import { blur, costs, follow, grey, ridges, search, ways } from "../../studio/canvas/js/assists/livewire.js";
import { createWire, pixelOf, windowOf } from "../../studio/canvas/js/assists/wire.js";

const WIDTH = 160, HEIGHT = 100;

/** Whether a pixel's centre lies on a bowed crack, 35 pixels off the straight line in its middle. */
const onCrack = (x, y, wide) => x >= 10 && x <= 150 && Math.abs(y - bow(x)) <= wide / 2;
const bow = (x) => 60 - 35 * Math.sin(Math.PI * (x - 10) / 140);

function wall(wide, noise = 12) {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const data = new Uint8ClampedArray(WIDTH * HEIGHT * 4).fill(255);
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    const level = (onCrack(at % WIDTH, Math.floor(at / WIDTH), wide) ? 70 : 170) + noise * (random() - 0.5) * 2;
    data.fill(level, 4 * at, 4 * at + 3);
  }
  return data;
}

for (const wide of [2, 4, 8]) {
  test(`the way follows a crack ${wide} pixels wide where a straight line would not`, () => {
    const from = ways(wall(wide), WIDTH, HEIGHT, [10, 60]);
    const points = follow(from, WIDTH, [150, 60]);
    assert.deepEqual(points[0], [10, 60]);
    assert.deepEqual(points.at(-1), [150, 60]);
    for (const [x, y] of points) assert.ok(Math.abs(y - bow(x)) <= wide / 2 + 3, `${x} ${y}`);
  });
}

test("steps of a way are neighbours, wherever it ends", () => {
  const from = ways(wall(3, 60), WIDTH, HEIGHT, [80, 50]);
  for (const end of [[0, 0], [WIDTH - 1, 0], [0, HEIGHT - 1], [WIDTH - 1, HEIGHT - 1], [80, 50], [81, 50]]) {
    const points = follow(from, WIDTH, end);
    points.slice(1).forEach(([x, y], index) => {
      const [dx, dy] = [Math.abs(x - points[index][0]), Math.abs(y - points[index][1])];
      assert.equal(Math.max(dx, dy), 1);
    });
  }
});

test("the ways are the cheapest ones, as a plain search finds them", () => {
  const [width, height, start] = [13, 9, 30];
  let seed = 7;
  const cost = Uint16Array.from({ length: width * height }, () => 1 + (seed = (seed * 48271) % 2147483647) % 300);
  const step = (a, b) => {
    const aside = a % width !== b % width && Math.floor(a / width) !== Math.floor(b / width);
    return (cost[a] + cost[b]) * (aside ? 7 : 5);
  };
  const least = new Array(cost.length).fill(Infinity);
  least[start] = 0;
  for (let round = 0; round < cost.length; round++) for (let at = 0; at < cost.length; at++)
    for (const [dx, dy] of [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]]) {
      const [x, y] = [at % width + dx, Math.floor(at / width) + dy];
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      least[at] = Math.min(least[at], least[y * width + x] + step(at, y * width + x));
    }
  const from = search(cost, width, height, start);
  for (let at = 0; at < cost.length; at++) {
    const points = follow(from, width, [at % width, Math.floor(at / width)]).map(([x, y]) => y * width + x);
    const sum = points.slice(1).reduce((total, to, index) => total + step(points[index], to), 0);
    assert.equal(sum, least[at]);
    assert.equal(points[0], start);
  }
});

test("a flat wall gives straight lines", () => {
  const data = new Uint8ClampedArray(WIDTH * HEIGHT * 4).fill(128);
  const points = follow(ways(data, WIDTH, HEIGHT, [10, 60]), WIDTH, [150, 60]);
  assert.equal(points.length, 141);
});

test("a blur keeps what is even, spreads what is not and loses nothing", () => {
  const even = blur(new Float32Array(30 * 20).fill(7), 30, 20, 2);
  for (const value of even) assert.ok(Math.abs(value - 7) < 1e-4);
  const level = new Float32Array(61 * 61);
  level[30 * 61 + 30] = 1;
  const spread = blur(level, 61, 61, 2);
  assert.ok(Math.abs(spread.reduce((sum, value) => sum + value) - 1) < 1e-4);
  assert.ok(Math.abs(spread[30 * 61 + 30] - 1 / (2 * Math.PI * 4)) < 1e-3);
});

test("a dark line has strength, a bright one and a flat wall have none", () => {
  const line = (value) => Float32Array.from({ length: 40 * 40 }, (_, at) => at % 40 === 20 ? value : 100);
  const middle = 20 * 40 + 20;
  assert.ok(ridges(line(20), 40, 40)[middle] > 5);
  assert.equal(ridges(line(200), 40, 40)[middle], 0);
  assert.ok(Math.max(...ridges(line(100), 40, 40)) < 1e-2);
});

test("costs are 21 times as high on bare wall as on the boldest line", () => {
  const strength = new Float32Array(1000);
  strength.fill(8, 0, 100);
  const cost = costs(strength);
  assert.ok(cost[999] / cost[0] > 20 && cost[999] / cost[0] < 22);
  assert.deepEqual([...costs(new Float32Array(3))], [16, 16, 16]);
});

test("grey levels are OpenCV's", () => {
  assert.ok(Math.abs(grey(Uint8ClampedArray.of(10, 20, 30, 255))[0] - 18.15) < 1e-4);
});

test("a window holds the click and the pointer, within the image, and is finer the closer one looks", () => {
  const image = { width: 6000, height: 4000 };
  assert.deepEqual(windowOf([3000, 2000], [3000, 2000], 4, image), [2744, 1744, 512, 512]);
  assert.deepEqual(windowOf([3000, 2000], [3000, 2000], 0.25, image), [1976, 976, 2048, 2048]);
  assert.deepEqual(windowOf([0, 0], [0, 0], 1, image), [0, 0, 256, 256]);
  const [left, top, width, height] = windowOf([100, 100], [5900, 3900], 1, image);
  assert.ok(left <= 100 && top <= 100 && left + width > 5900 && top + height > 3900);
  assert.ok(left + width <= 6000 && top + height <= 4000);
});

test("a point's pixel in a window, the nearest where it is outside", () => {
  const window = { box: [100, 50, 200, 100], scale: 0.5, width: 100, height: 50 };
  assert.deepEqual(pixelOf(window, [103.9, 50]), [1, 0]);
  assert.deepEqual(pixelOf(window, [0, 999]), [0, 49]);
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A photograph that counts how often it was asked; a crack all over it would change nothing here. */
function photo() {
  const asked = [];
  return { asked, pixels: async (box) => {
    asked.push(box);
    const data = new Uint8ClampedArray(box[2] * box[3]).fill(9);
    return { box, scale: 0.5, width: box[2] / 2, height: box[3] / 2, data };
  } };
}

test("the wire is a straight line until its window is known, and then searches no more within it", async () => {
  const [pictures, image] = [photo(), { width: 4000, height: 4000 }];
  let ready = 0;
  const wire = createWire(async (...task) => ways(...task), () => ready++);
  wire.begin([2000, 2000]);
  wire.aim([2100, 2000], pictures, image, 1);
  assert.deepEqual(wire.way([2100, 2000]), [[2000, 2000], [2100, 2000]]);
  wire.aim([2110, 2010], pictures, image, 1);
  await settled();
  assert.equal(ready, 1);
  const points = wire.way([2100, 2000]);
  assert.ok(points.length > 40);
  assert.deepEqual([points[0], points.at(-1)], [[2000, 2000], [2100, 2000]]);
  wire.aim([1990, 2100], pictures, image, 1);
  assert.equal(pictures.asked.length, 1);
  wire.aim([2900, 2000], pictures, image, 1); // out of the window
  await settled();
  assert.equal(pictures.asked.length, 2);
});

test("a window of an earlier click is dropped, and the way from the new one is searched", async () => {
  const [pictures, image] = [photo(), { width: 4000, height: 4000 }];
  const wire = createWire(async (...task) => ways(...task), () => {});
  wire.begin([500, 500]);
  wire.aim([510, 500], pictures, image, 1);
  wire.begin([3000, 3000]);
  wire.aim([3050, 3000], pictures, image, 1);
  assert.deepEqual(wire.way([3050, 3000]), [[3000, 3000], [3050, 3000]]);
  await settled();
  assert.ok(wire.way([3050, 3000]).length > 20);
});
