// What the assists ask the server, the mark that is seen while they wait, and what becomes of the areas.
import { areaOf, regionOf, whereOf } from "../rasterise.js";
import { middle, toStage } from "../view.js";

const QUIET = 150; // ms before the mark is shown

/** Questions of one tool. ask(body, at: where its mark is seen) gives areas; null where the server refused, which is
 *  shown, or where the user has gone on: to another image, another tool, or by drop(). */
export function createQuestions(surface, tool) {
  let asked = new Set(); // what is waited for: {at, since}

  const ask = async (body, at = null) => {
    const own = asked, question = { at, since: performance.now() }, image = surface.image.id;
    const current = () => own === asked && surface.image?.id === image && surface.state.tool === tool;
    own.add(question);
    surface.set({}); // the toolbar shows that something is waited for
    try {
      const { areas } = await surface.api("assist", { over: surface.state.over, ...body });
      return current() ? areas : null;
    } catch (error) {
      if (current()) surface.hint(sentence(error.message));
      return null;
    } finally {
      own.delete(question);
      if (current()) surface.set({});
    }
  };

  return {
    ask,
    get busy() {
      return asked.size > 0;
    },
    drop() {
      asked = new Set();
    },
    /** A turning arc where the answer will be; drawn again and again as long as something is waited for. */
    draw(context, view) {
      for (const { at, since } of asked) {
        const waited = performance.now() - since - QUIET;
        if (waited > 0) drawArc(context, at ? toStage(view, at) : middle(surface.stage), waited);
      }
      if (asked.size) surface.redraw("overlay");
    },
  };
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

function drawArc(context, [x, y], waited) {
  context.save();
  Object.assign(context, { lineWidth: 3, lineCap: "round" });
  for (const [colour, begin, end] of [["rgb(0 0 0 / 0.5)", 0, 2 * Math.PI], ["#fff", waited / 200, waited / 200 + 2]]) {
    context.beginPath();
    context.strokeStyle = colour;
    context.arc(x, y, 11, begin, end);
    context.stroke();
  }
  context.restore();
}

/** Make areas one stroke of a class; its id, or null where they have no pixels. `more`: of its geometry. */
export function take(surface, areas, number = surface.state.classNumber, more = {}) {
  const { width, height } = surface.image, found = areas.filter((area) => area.pixels);
  return found.length ? surface.stroke("region", { ...regionOf(union(found), width, height), ...more }, number) : null;
}

/** One area with the pixels of all. */
export function union(areas) {
  if (areas.length === 1) return areas[0];
  const [left, top] = [0, 1].map((axis) => Math.min(...areas.map(({ box }) => box[axis])));
  const [width, height] = [0, 1].map((axis) =>
    Math.max(...areas.map(({ box }) => box[axis] + box[2 + axis])) - [left, top][axis]);
  const where = new Uint8Array(width * height);
  for (const area of areas) {
    const inside = whereOf(area), [x, y, wide, high] = area.box;
    for (let row = 0, at = 0; row < high; row++) {
      const start = (y - top + row) * width + x - left;
      for (let column = 0; column < wide; column++, at++) if (inside[at]) where[start + column] = 1;
    }
  }
  return areaOf([left, top, width, height], where);
}
