// What test_canvas_modules.py compares with Python: lines of JSON from stdin, an answer a line.
import { createInterface } from "node:readline";
import { areaOf, boxes, cover, encode, flood, paint, put, regionOf, whereOf } from
  "../../studio/canvas/js/rasterise.js";

const hex = (mask) => Buffer.from(mask).toString("hex");

for await (const line of createInterface({ input: process.stdin })) {
  const { width, height, start, rows, within, patch, seed } = JSON.parse(line);
  const mask = Uint8Array.from(start), cut = Uint8Array.from(start), told = [], covers = [];
  for (const row of rows) {
    told.push({ box: paint(mask, width, height, row), boxes: boxes(row, height, width) });
    paint(cut, width, height, row, within);
    const whole = new Uint8Array(width * height), covered = cover(row, height, width);
    if (covered) {
      const [left, top, wide, high] = covered.box;
      for (let y = 0; y < high; y++)
        whole.set(covered.where.subarray(y * wide, (y + 1) * wide), (top + y) * width + left);
    }
    covers.push(encode(whole, width, height));
    if (!covered) continue;
    const area = areaOf(covered.box, covered.where);
    if (hex(whereOf(area)) !== hex(covered.where)) throw new Error("an area is not what it was");
    Object.assign(told.at(-1), { area, region: regionOf(area, width, height) });
  }
  const patched = mask.slice();
  put(patched, width, patch);
  const flooded = flood(mask, width, height, ...seed);
  console.log(JSON.stringify({ mask: hex(mask), cut: hex(cut), patched: hex(patched), told, covers, flooded }));
}
