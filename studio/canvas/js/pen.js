// The pen: the canvas of streamlit-drawable-canvas, invisible, for freehand strokes. It knows nothing of the image:
// a stroke comes back as a line in pixels of the stage. All that is the package's own is in this module and in pen.py.
const CURVE = 6; // points on a curve between two positions of the pointer

/** Mount the package's canvas in `host`, an element over the whole stage; `script` and `data`: see pen.py.
 *  The pen: {take() -> the line [[x, y], ...] that was just drawn, or null; dispose()}. */
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
  return {
    take() {
      drawn = [];
      buttons().at(0).click(); // it reports at once; by itself it waits for 200 ms
      const path = drawn.findLast((object) => object.type === "Path");
      if (drawn.length) buttons().at(-1).click(); // it empties the canvas, so that the next report is of one stroke
      return path ? flatten(path.path) : null;
    },
    dispose: clean,
  };
}

/** The points along a path of M, L and Q commands; curves are cut into short lines. */
export function flatten(path) {
  const points = [];
  for (const [command, ...values] of path) {
    const end = values.slice(-2);
    if (command === "Q") {
      const [start, control] = [points.at(-1), values];
      for (let step = 1; step <= CURVE; step++) {
        const t = step / CURVE;
        points.push([0, 1].map((axis) =>
          (1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * control[axis] + t * t * end[axis]));
      }
    } else points.push(end);
  }
  return points.filter(([x, y], index) => !index || x !== points[index - 1][0] || y !== points[index - 1][1]);
}
