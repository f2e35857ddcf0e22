// The whole photograph, small, in a corner of the stage while only a part of it is seen. Dragging there moves the view.

import { centred, isWhole, middle, toImage, visible } from "./view.js";

const LONGEST = 168; // CSS pixels
const LEAST = 20; // of a very long image's short side

/** `stage`, `view`, `setView`, `image`: as the surface has them. open(photo) at each image, update() at each view. */
export const createMinimap = (host, { stage, view, setView, image }) => {
  const box = document.createElement("div");
  box.className = "minimap";
  box.hidden = true;
  box.setAttribute("aria-hidden", "true"); // keys do the same
  box.innerHTML = "<canvas></canvas><i></i>";
  const [canvas, frame] = box.children;
  const style = (element, rules) => Object.assign(element.style, rules);
  style(box, { touchAction: "none", overflow: "hidden", cursor: "grab", boxSizing: "content-box" });
  style(canvas, { display: "block", width: "100%", height: "100%", pointerEvents: "none" });
  style(frame, { position: "absolute", left: 0, top: 0, boxSizing: "border-box", pointerEvents: "none" });
  host.append(box);

  let size = { width: 0, height: 0 };
  let photo = null;
  let grip = null; // where it is held, in image pixels from the middle of what is seen

  const show = () => {
    const ratio = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    photo.thumbnail(canvas.getContext("2d"), canvas.width, canvas.height);
  };

  const update = () => {
    const hidden = !photo || !view() || isWhole(view(), image(), stage);
    if (box.hidden !== hidden) box.hidden = hidden;
    if (hidden) return;
    const [left, top, width, height] = visible(view(), stage, image());
    const [byX, byY] = [size.width / image().width, size.height / image().height];
    const [wide, high] = [Math.max(6, width * byX), Math.max(6, height * byY)];
    const x = Math.min(left * byX, size.width - wide);
    const y = Math.min(top * byY, size.height - high);
    style(frame, { width: `${wide}px`, height: `${high}px`, transform: `translate(${x}px, ${y}px)` });
  };

  const at = (event) => {
    const place = box.getBoundingClientRect();
    const share = [(event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height];
    return [share[0] * image().width, share[1] * image().height];
  };
  const move = (event) => {
    if (!grip) return;
    const [x, y] = at(event);
    setView(centred(view(), [x - grip[0], y - grip[1]], image(), stage));
  };
  const down = (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    box.setPointerCapture(event.pointerId);
    const [left, top, width, height] = visible(view(), stage, image());
    const centre = toImage(view(), middle(stage));
    const [x, y] = at(event);
    const inside = x >= left && x < left + width && y >= top && y < top + height;
    grip = inside ? [x - centre[0], y - centre[1]] : [0, 0];
    move(event);
  };
  const up = () => (grip = null);
  box.addEventListener("pointerdown", down);
  box.addEventListener("pointermove", move);
  box.addEventListener("pointerup", up);
  box.addEventListener("pointercancel", up);

  return {
    update,
    open(next) {
      photo = next;
      const { width, height } = image();
      const scale = LONGEST / Math.max(width, height);
      size = { width: Math.max(LEAST, width * scale), height: Math.max(LEAST, height * scale) };
      style(box, { width: `${size.width}px`, height: `${size.height}px` });
      show();
      next.first.then(() => next === photo && show());
      update();
    },
  };
};
