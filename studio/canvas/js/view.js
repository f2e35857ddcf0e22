// Where the photograph lies on the stage. View: {scale, x, y}; stage point = image point * scale + (x, y).
// Image: {width, height} in image pixels. Stage: {width, height, inset?: {left, top, right, bottom}} in CSS pixels;
// the inset is what toolbars cover, so that every pixel of the photograph can be brought out from under them.

/** Most screen pixels an image pixel. */
export const MOST = 32;

/** How far beyond its edge a photograph larger than the stage may be dragged, in CSS pixels. */
const EDGE = 48;

/** @returns {{left, top, width, height}} the part of the stage that no toolbar covers. */
const free = ({ width, height, inset: { left = 0, top = 0, right = 0, bottom = 0 } = {} }) => ({
  left, top, width: Math.max(1, width - left - right), height: Math.max(1, height - top - bottom),
});

/** The scale at which the whole image is seen, at most MOST. */
export const fitScale = (image, stage) => {
  const { width, height } = free(stage);
  return Math.min(width / image.width, height / image.height, MOST);
};

/** The view that shows the whole image in the middle. */
export const fit = (image, stage) => clamp({ scale: fitScale(image, stage), x: 0, y: 0 }, image, stage);

/** Whether the whole image is seen. */
export const isWhole = (view, image, stage) => view.scale <= fitScale(image, stage) * 1.001;

/** A stage point in image pixels. */
export const toImage = (view, [x, y]) => [(x - view.x) / view.scale, (y - view.y) / view.scale];

/** An image point in stage pixels. */
export const toStage = (view, [x, y]) => [x * view.scale + view.x, y * view.scale + view.y];

const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** One axis: centred while smaller than the room, else never further from it than EDGE (less if hardly larger). */
const held = (offset, size, start, room) => {
  if (size <= room) return start + (room - size) / 2;
  const edge = Math.min(EDGE, size - room);
  return within(offset, start + room - size - edge, start + edge);
};

/** The nearest view that shows the image: no smaller than whole or 1:1, no larger than MOST. */
export const clamp = ({ scale, x, y }, image, stage) => {
  const room = free(stage);
  const kept = within(scale, Math.min(1, fitScale(image, stage)), MOST);
  return {
    scale: kept,
    x: held(x, image.width * kept, room.left, room.width),
    y: held(y, image.height * kept, room.top, room.height),
  };
};

/** The view of that scale with the image point `at` under the stage point `point`, as far as the limits allow. */
export const anchored = (scale, at, point, image, stage) => {
  const kept = within(scale, Math.min(1, fitScale(image, stage)), MOST);
  return clamp({ scale: kept, x: point[0] - at[0] * kept, y: point[1] - at[1] * kept }, image, stage);
};

/** The middle of the part of the stage that no toolbar covers. */
export const middle = (stage) => {
  const { left, top, width, height } = free(stage);
  return [left + width / 2, top + height / 2];
};

/** The view at another scale, the image point under `point` (null: the middle) kept where it is. */
export const zoomTo = (view, scale, point, image, stage) => {
  const about = point ?? middle(stage);
  return anchored(scale, toImage(view, about), about, image, stage);
};

/** The view enlarged by a factor about a stage point (null: the middle). */
export const zoomAt = (view, factor, point, image, stage) => zoomTo(view, view.scale * factor, point, image, stage);

/** The view moved by stage pixels. */
export const pan = (view, dx, dy, image, stage) => clamp({ ...view, x: view.x + dx, y: view.y + dy }, image, stage);

/** The view with an image point in the middle. */
export const centred = (view, at, image, stage) => anchored(view.scale, at, middle(stage), image, stage);

/** The view for a stage of another size: whole stays whole, else the same point stays in the middle. */
export const resized = (view, image, before, after) =>
  isWhole(view, image, before) ? fit(image, after) : centred(view, toImage(view, middle(before)), image, after);

/** The box of whole image pixels that the stage shows, under toolbars too: [left, top, width, height]. */
export const visible = (view, stage, image) => {
  const [left, top] = toImage(view, [0, 0]);
  const [right, bottom] = toImage(view, [stage.width, stage.height]);
  const x = within(Math.floor(left), 0, image.width);
  const y = within(Math.floor(top), 0, image.height);
  return [x, y, within(Math.ceil(right), 0, image.width) - x, within(Math.ceil(bottom), 0, image.height) - y];
};

/** Lines between image pixels, from 8 screen pixels an image pixel on. The context is in stage pixels. */
export const drawGrid = (context, view, stage, image) => {
  if (view.scale < 8) return;
  const [left, top, width, height] = visible(view, stage, image);
  const ratio = context.getTransform().a;
  const [x, y] = toStage(view, [left, top]);
  const [right, bottom] = toStage(view, [left + width, top + height]);
  const lines = (offset) => {
    const sharp = (value) => (Math.round(value * ratio) + offset) / ratio; // one device pixel, not two half ones
    context.beginPath();
    for (let column = 0; column <= width; column++) {
      context.moveTo(sharp(x + column * view.scale), y);
      context.lineTo(sharp(x + column * view.scale), bottom);
    }
    for (let row = 0; row <= height; row++) {
      context.moveTo(x, sharp(y + row * view.scale));
      context.lineTo(right, sharp(y + row * view.scale));
    }
    context.stroke();
  };
  const strength = Math.min(0.4, view.scale / 60);
  context.save();
  context.lineWidth = 1 / ratio;
  context.strokeStyle = `rgba(0, 0, 0, ${strength})`;
  lines(-0.5);
  context.strokeStyle = `rgba(255, 255, 255, ${strength})`; // beside the dark one: seen on any colour
  lines(0.5);
  context.restore();
};
