// What test_canvas_modules.py compares with Python: lines of JSON from stdin, an answer a line.
import { createInterface } from "node:readline";
import { cover, encode, paint, put } from "../../studio/canvas/js/rasterise.js";

const hex = (mask) => Buffer.from(mask).toString("hex");

for await (const line of createInterface({ input: process.stdin })) {
  const { width, height, start, rows, within, patch } = JSON.parse(line);
  const mask = Uint8Array.from(start), cut = Uint8Array.from(start), boxes = [], covers = [];
  for (const row of rows) {
    boxes.push(paint(mask, width, height, row));
    paint(cut, width, height, row, within);
    const whole = new Uint8Array(width * height), covered = cover(row, height, width);
    if (covered) {
      const [left, top, wide, high] = covered.box;
      for (let y = 0; y < high; y++)
        whole.set(covered.where.subarray(y * wide, (y + 1) * wide), (top + y) * width + left);
    }
    covers.push(encode(whole, width, height));
  }
  const patched = mask.slice();
  put(patched, width, patch);
  console.log(JSON.stringify({ mask: hex(mask), cut: hex(cut), patched: hex(patched), boxes, covers }));
}
