import assert from "node:assert/strict";
import { test } from "node:test";

import { isElsewhere, wheelDelta, wheelFactor } from "../../studio/canvas/js/gestures.js";
import { boxOf, createPhoto, highest, levelFor, tilesOf } from "../../studio/canvas/js/photo.js";
import {
  anchored, centred, clamp, fit, isWhole, MOST, pan, resized, toImage, toStage, visible, zoomAt, zoomTo,
} from "../../studio/canvas/js/view.js";

const stage = { width: 1150, height: 790 };
const large = { width: 6000, height: 4000 };
const near = (actual, expected) =>
  actual.forEach((value, index) => assert.ok(Math.abs(value - expected[index]) < 1e-6, `${actual} is not ${expected}`));

/** Numbers in [0, 1), the same in every run. */
const random = (() => {
  let state = 1;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
})();

test("the whole image is in the middle, and a small one enlarged to 32 at most", () => {
  for (const [width, height] of [[6000, 4000], [6000, 300], [300, 6000], [800, 600], [3, 2], [1, 1]]) {
    const image = { width, height };
    const view = fit(image, stage);
    assert.ok(view.scale <= MOST && isWhole(view, image, stage));
    near(toStage(view, [width / 2, height / 2]), [575, 395]);
    assert.deepEqual(visible(view, stage, image), [0, 0, width, height]);
  }
  assert.equal(fit({ width: 3, height: 2 }, stage).scale, 32);
});

test("toolbars leave the whole image and each of its corners to be seen", () => {
  const covered = { ...stage, inset: { left: 60, top: 40, bottom: 30 } };
  const view = fit(large, covered);
  const [[left, top], [right, bottom]] = [toStage(view, [0, 0]), toStage(view, [6000, 4000])];
  assert.ok(left >= 60 - 1e-9 && top >= 40 - 1e-9 && right <= 1150 + 1e-9 && bottom <= 760 + 1e-9);
  const corner = toStage(pan(zoomTo(view, 2, null, large, covered), 1e6, 1e6, large, covered), [0, 0]);
  assert.ok(corner[0] >= 60 && corner[1] >= 40);
});

test("points there and back", () => {
  const view = { scale: 3.7, x: -12.25, y: 801.5 };
  near(toImage(view, toStage(view, [123.4, 5.6])), [123.4, 5.6]);
  assert.deepEqual(toStage({ scale: 2, x: 10, y: 20 }, [1, 2]), [12, 24]);
});

test("zooming keeps the point under the pointer where the limits allow it", () => {
  const view = zoomTo(fit(large, stage), 1, null, large, stage);
  const about = [400, 300];
  const closer = zoomAt(view, 1.7, about, large, stage);
  near([closer.scale], [1.7]);
  near(toImage(closer, about), toImage(view, about));
  near(toImage(anchored(4, [3000, 2000], about, large, stage), about), [3000, 2000]);
  assert.equal(zoomAt(view, 1e9, about, large, stage).scale, MOST);
  assert.equal(zoomAt(view, 1e-9, about, large, stage).scale, fit(large, stage).scale);
  assert.equal(zoomAt(fit({ width: 3, height: 2 }, stage), 1e-9, about, { width: 3, height: 2 }, stage).scale, 1);
});

test("no way of moving loses the image, and a clamped view stays as it is", () => {
  for (const image of [large, { width: 6000, height: 300 }, { width: 3, height: 2 }, { width: 1160, height: 10 }]) {
    let view = fit(image, stage);
    for (let step = 0; step < 300; step++) {
      const point = [random() * stage.width, random() * stage.height];
      view = random() < 0.5
        ? zoomAt(view, Math.exp(random() * 2 - 1), point, image, stage)
        : pan(view, random() * 4000 - 2000, random() * 4000 - 2000, image, stage);
      const [, , width, height] = visible(view, stage, image);
      assert.ok(width > 0 && height > 0);
      const again = clamp(view, image, stage);
      near([again.x, again.y, again.scale], [view.x, view.y, view.scale]);
    }
  }
});

test("a long image fills the whole stage when zoomed in", () => {
  const image = { width: 6000, height: 300 };
  const view = zoomTo(fit(image, stage), 3, [575, 395], image, stage);
  near(toImage(view, [0, 0]).map(Math.sign), [1, 1]);
  near(toImage(view, [1150, 790]).map((value, axis) => Math.sign([6000, 300][axis] - value)), [1, 1]);
});

test("a stage of another size: whole stays whole, else the middle stays", () => {
  const wide = { width: 1800, height: 900 };
  assert.deepEqual(resized(fit(large, stage), large, stage, wide), fit(large, wide));
  const view = centred(zoomTo(fit(large, stage), 2, null, large, stage), [2500, 1500], large, stage);
  near(toImage(resized(view, large, stage, wide), [900, 450]), [2500, 1500]);
});

test("visible is in whole pixels and within the image", () => {
  assert.deepEqual(visible({ scale: 2, x: -1, y: -3 }, { width: 10, height: 10 }, large), [0, 1, 6, 6]);
  assert.deepEqual(visible({ scale: 1, x: 100, y: 100 }, { width: 10, height: 10 }, large).slice(2), [0, 0]);
});

test("the level has a pixel for each device pixel, and the highest is one tile", () => {
  assert.equal(highest(large), 4);
  assert.equal(highest({ width: 512, height: 3 }), 0);
  assert.equal(highest({ width: 513, height: 3 }), 1);
  for (const [scale, level] of [[32, 0], [1, 0], [0.51, 0], [0.5, 1], [0.26, 1], [0.25, 2], [0.001, 4]]) {
    assert.equal(levelFor(scale, large), level, `at ${scale}`);
  }
});

test("tiles cover the image once, nearest first", () => {
  for (const level of [0, 1, 2, 3, 4]) {
    const tiles = tilesOf([0, 0, 6000, 4000], level);
    const area = tiles.map((tile) => boxOf(tile, large)).reduce((sum, [, , width, height]) => sum + width * height, 0);
    assert.equal(area, 6000 * 4000);
  }
  const [first] = tilesOf([1000, 1000, 1100, 500], 0);
  assert.deepEqual(first, { level: 0, column: 3, row: 2 });
  assert.deepEqual(tilesOf([10, 10, 0, 5], 0), []);
});

/** A context that notes what is drawn on it. */
const noting = () => {
  const drawn = [];
  const nothing = () => {};
  return {
    drawn, canvas: { width: 1150, height: 790 }, getTransform: () => ({ a: 1 }), save: nothing, restore: nothing,
    setTransform: nothing, clearRect: nothing, drawImage: (bitmap, ...numbers) => drawn.push([bitmap.name, ...numbers]),
  };
};
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test("what is not here yet is drawn from a coarser tile, and at most three tiles are asked for at once", async () => {
  const asked = [];
  let most = 0;
  let open = 0;
  const answers = new Map();
  const load = (address) => {
    const name = address.split("/").at(-1);
    asked.push(name);
    most = Math.max(most, ++open);
    return new Promise((resolve) => answers.set(name, () => {
      open -= 1;
      resolve({ name, width: 512, height: 512, close() {} });
    }));
  };
  const photo = createPhoto({ ...large, photo: "/x" }, () => {}, load);
  const view = { scale: 1, x: -1024, y: -1024 };
  photo.draw(noting(), view, stage);
  assert.equal(asked[0], "tile-4-0-0.jpg");
  answers.get("tile-4-0-0.jpg")();
  await photo.first;
  const coarse = noting();
  photo.draw(coarse, view, stage);
  assert.equal(coarse.drawn.length, 6);
  assert.ok(coarse.drawn.every(([name]) => name === "tile-4-0-0.jpg"));
  while (answers.size) {
    for (const [name, answer] of [...answers]) {
      answers.delete(name);
      answer();
    }
    await settled();
  }
  assert.equal(most, 3);
  assert.equal(new Set(asked).size, asked.length);
  const sharp = noting();
  photo.draw(sharp, view, stage);
  assert.ok(sharp.drawn.every(([name]) => name.startsWith("tile-0-")));
  assert.ok(photo.complete);
  for (const [, , , , , x, y, width, height] of sharp.drawn) assert.ok([x, y, width, height].every(Number.isInteger));
  photo.dispose();
});

test("a tile that could not be had is asked for again", async () => {
  let tries = 0;
  const load = async () => {
    tries += 1;
    if (tries === 1) throw new Error("the line is cut");
    return { name: "tile", width: 300, height: 200, close() {} };
  };
  const photo = createPhoto({ width: 300, height: 200, photo: "/x" }, () => {}, load);
  photo.draw(noting(), { scale: 1, x: 0, y: 0 }, stage);
  await photo.first;
  assert.equal(tries, 2);
  photo.dispose();
});

test("what is fetched ahead is drawn when it comes, also where drawing began before, and after a failure", async () => {
  for (const failures of [0, 1]) {
    let tries = 0, loads = 0, answer;
    const load = async (address) => {
      if (tries++ < failures) throw new Error(address);
      await new Promise((resolve) => (answer = resolve));
      return { close() {} };
    };
    globalThis.devicePixelRatio = 1;
    const photo = createPhoto({ width: 300, height: 200, photo: "/x" }, () => (loads += 1), load);
    photo.prefetch({ width: 300, height: 200 });
    photo.draw(noting(), { scale: 1, x: 0, y: 0 }, stage); // the tile is on its way, and not by this
    while (!answer) await new Promise((resolve) => setTimeout(resolve, 20));
    answer();
    await photo.first;
    assert.deepEqual([tries, loads], [failures + 1, 1]);
    photo.dispose();
  }
});

test("a wheel that counts lines, and a pinch", () => {
  assert.deepEqual(wheelDelta({ deltaX: 0, deltaY: 3, deltaMode: 1 }, 790), { x: 0, y: 48 });
  near([wheelFactor(120) * wheelFactor(-120)], [1]);
  assert.ok(wheelFactor(-120) > 1.2 && wheelFactor(-120) < 1.3);
  assert.equal(wheelFactor(-1e6), 2);
  assert.ok(wheelFactor(-10, true) > wheelFactor(-10));
});

test("keys that are written, or that are the browser's, are left alone", () => {
  globalThis.document = { querySelector: () => null };
  const key = (target, more) => ({ composedPath: () => [target], ...more });
  const plain = { closest: () => null };
  assert.equal(isElsewhere(key(plain), document), false);
  assert.equal(isElsewhere(key({ closest: () => ({}) }), document), true);
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) {
    assert.equal(isElsewhere(key(plain, { [modifier]: true }), document), true);
  }
  assert.equal(isElsewhere(key(plain), { querySelector: () => ({}) }), true);
});
