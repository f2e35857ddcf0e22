// What Node lacks of a browser's canvas, as far as tiles.js uses it: nearest neighbour, whole pixels, no blending.
class Context {
  constructor(canvas) {
    this.canvas = canvas;
    this.transform = [1, 0, 0, 1, 0, 0];
    this.pixels = new Uint32Array(canvas.width * canvas.height);
    this.images = 0;
  }

  getTransform() { return { a: this.transform[0] }; }
  setTransform(...transform) { this.transform = transform; }
  save() { this.saved = [this.transform, this.area]; }
  restore() { [this.transform, this.area] = this.saved; }
  beginPath() {}
  rect(...area) { this.next = area; }
  clip() { this.area = this.next; }

  putImageData({ data, width }, x, y, left, top, wide, high) {
    const from = new Uint32Array(data.buffer);
    for (let row = top; row < top + high; row++)
      for (let column = left; column < left + wide; column++)
        this.pixels[(row + y) * this.canvas.width + column + x] = from[row * width + column];
  }

  drawImage(source, sx, sy, sw, sh, dx, dy, dw, dh) {
    this.images += 1;
    if (this.idle) return;
    const [left, top, wide, high] = this.area ?? [0, 0, this.canvas.width, this.canvas.height];
    for (let y = Math.max(dy, top, 0); y < Math.min(dy + dh, top + high, this.canvas.height); y++) {
      for (let x = Math.max(dx, left, 0); x < Math.min(dx + dw, left + wide, this.canvas.width); x++) {
        const column = Math.floor(sx + (x + 0.5 - dx) * sw / dw), row = Math.floor(sy + (y + 0.5 - dy) * sh / dh);
        const value = source.getContext().pixels[row * source.width + column];
        if (value) this.pixels[y * this.canvas.width + x] = value;
      }
    }
  }
}

class Canvas {
  constructor(width, height) { Object.assign(this, { width, height }); }
  getContext() { return this.context ??= new Context(this); }
}

globalThis.OffscreenCanvas = Canvas;
globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};

/** A stage to draw on: {context, stage}; `ratio`: device pixels of a CSS pixel. */
export function stageOf(width, height, ratio = 1) {
  const context = new Canvas(width * ratio, height * ratio).getContext();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, stage: { width, height } };
}

/** The colour of a pixel as [r, g, b]; null where nothing is drawn. */
export const pixel = ({ pixels, canvas }, x, y) => {
  const value = pixels[y * canvas.width + x];
  return value ? [value & 255, value >> 8 & 255, value >> 16 & 255] : null;
};
