// Which pixels of what is seen are darker than a threshold, shown while it is chosen.
import { SHOWN, wordOf } from "./areas.js";

const REST = 60; // ms that the view must stand still before its pixels are asked for

/** The brightest channel of each pixel of RGBA bytes. */
export function brightest(data) {
  const levels = new Uint8Array(data.length / 4);
  for (let at = 0, byte = 0; at < levels.length; at++, byte += 4)
    levels[at] = Math.max(data[byte], data[byte + 1], data[byte + 2]);
  return levels;
}

/** Set the words of a picture: `word` where a level is below the threshold, else 0. */
export function mark(levels, threshold, word, words) {
  for (let at = 0; at < levels.length; at++) words[at] = levels[at] < threshold ? word : 0;
}

/** {aim(photo, box, most), draw(context, view, threshold, covers)}; `onready()` when there is more to draw. */
export function createDark(onready) {
  let known = null; // {photo, box, scale, width, height, levels, and what its picture was made for}
  let wish = null, timer = 0, running = false, canvas = null;

  const run = async () => {
    if (running) return;
    const own = wish;
    running = true;
    try {
      const { data, ...window } = await own.photo.pixels(own.box, own.most);
      known = { ...window, photo: own.photo, asked: own.box, levels: brightest(data) };
      onready();
    } catch { // the photograph is not here: to be asked for again when something is drawn
      if (wish === own) wish = null;
    }
    running = false;
    if (wish && wish !== own) run();
  };

  const picture = (threshold, covers) => {
    const { width, height, levels, box: [left, top], scale } = known;
    if (known.threshold === threshold && known.covers === covers) return canvas;
    Object.assign(known, { threshold, covers });
    canvas ??= new OffscreenCanvas(1, 1);
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d"), pixels = context.createImageData(width, height);
    mark(levels, threshold, wordOf(SHOWN, 255), new Uint32Array(pixels.data.buffer));
    context.putImageData(pixels, 0, 0);
    for (const [x, y, wide, high] of covers)
      context.clearRect((x - left) * scale, (y - top) * scale, wide * scale, high * scale);
    return canvas;
  };

  return {
    /** What is seen: a box of image pixels, and at most how many of them are wanted. */
    aim(photo, box, most) {
      if (!(box[2] > 0 && box[3] > 0)) return;
      if (known?.photo !== photo) known = null;
      if (wish?.photo === photo && String(wish.box) === String(box) && wish.most === most) return;
      wish = { photo, box, most };
      clearTimeout(timer);
      timer = setTimeout(run, known ? REST : 0);
    },
    draw(context, view, threshold, covers) {
      if (!known) return;
      const { box: [left, top], scale, width, height } = known, larger = view.scale / scale;
      context.save();
      context.globalAlpha = 0.6;
      context.imageSmoothingEnabled = larger * context.getTransform().a < 1;
      context.drawImage(picture(threshold, covers), left * view.scale + view.x, top * view.scale + view.y,
        width * larger, height * larger);
      context.restore();
    },
  };
}
