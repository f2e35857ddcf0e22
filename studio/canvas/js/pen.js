// The pen: the canvas of streamlit-drawable-canvas, invisible, for freehand strokes. It knows nothing of the image:
// a stroke comes back as a line in pixels of the stage. All that is the package's own is in this module and in pen.py.

/** Mount the package's canvas in `host`, an element over the whole stage; `script` and `data`: see pen.py.
 *  The pen: {take() -> the line [[x, y], ...] that was just drawn, or null; cancel() the one under the hand;
 *  dispose()}. */
export async function mountPen(host, { script, data }) {
  const { default: draw } = await import(new URL(script, location.origin));
  host.insertAdjacentHTML("beforeend", '<div class="canvas-root"></div>');
  let drawn = []; // what is on the canvas, as Fabric tells it
  const clean = draw({
    data,
    parentElement: host,
    setStateValue: (name, value) => name === "drawing" && (drawn = value.raw.objects),
  });
  const buttons = () => [...host.querySelectorAll(".dc-toolbar button")];
  const pen = {
    take() {
      drawn = [];
      buttons().at(0).click(); // it reports at once; by itself it waits for 200 ms
      const path = drawn.findLast((object) => object.type === "Path");
      if (drawn.length) buttons().at(-1).click(); // it empties the canvas, so that the next report is of one stroke
      return path ? positions(path.path) : null;
    },
    cancel() {
      const far = { bubbles: true, clientX: -1, clientY: -1 };
      document.dispatchEvent(new MouseEvent("mouseup", far));
      if (window.TouchEvent) document.dispatchEvent(new TouchEvent("touchend", { bubbles: true,
        changedTouches: [new Touch({ identifier: 0, target: host, ...far })] }));
      pen.take();
    },
    dispose: clean,
  };
  return pen;
}

/** The positions of the pointer that Fabric made a path of: it bends towards them, and they are its control points. */
export function positions(path) {
  const points = path.filter(([command]) => command === "Q").map(([, x, y]) => [x, y]);
  return [...points, path.at(-1).slice(-2)];
}
