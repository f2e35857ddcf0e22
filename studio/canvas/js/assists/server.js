// What the assists ask the server, and the mark that is seen while they wait.
import { regionOf } from "../rasterise.js";
import { toStage } from "../view.js";

const QUIET = 150; // ms before the mark is shown

/** Questions of one tool. `ask` gives areas; null where the server refused, which is told, or the user has gone on. */
export function createQuestions(surface) {
  let asked = new Set(); // what is waited for: {at, since}

  const ask = async (body, at = null) => {
    const own = asked, question = { at, since: performance.now() }, image = surface.image.id;
    own.add(question);
    changed();
    const current = () => own === asked && surface.image.id === image;
    try {
      const { areas } = await surface.api("assist", { ...body, over: surface.state.over });
      return current() ? areas : null;
    } catch (error) {
      if (current()) surface.hint(sentence(error.message));
      return null;
    } finally {
      own.delete(question);
      if (own === asked) changed();
    }
  };
  const changed = () => surface.set({}); // options and picture show what this tool waits for

  return {
    ask,
    get busy() {
      return asked.size > 0;
    },
    /** What is waited for is of no interest any more. */
    drop() {
      asked = new Set();
    },
    /** A turning arc where the answer will be; asks to be drawn again as long as something is waited for. */
    draw(context, view) {
      for (const { at, since } of asked) {
        const waited = performance.now() - since - QUIET;
        if (waited > 0) drawArc(context, at ? toStage(view, at) : [surface.stage.width / 2, 80], waited / 200);
      }
      if (asked.size) surface.redraw("overlay");
    },
  };
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;

function drawArc(context, [x, y], turn) {
  context.save();
  context.lineWidth = 3;
  context.lineCap = "round";
  for (const [colour, begin, end] of [["#0006", 0, 2 * Math.PI], ["#fff", turn, turn + 2]]) {
    context.beginPath();
    context.strokeStyle = colour;
    context.arc(x, y, 11, begin, end);
    context.stroke();
  }
  context.restore();
}

/** Areas as strokes of a class; their ids. */
export function takeAreas(surface, areas, number = surface.state.classNumber) {
  const { width, height } = surface.image;
  return areas.filter((area) => area.pixels).map((area) =>
    surface.stroke("region", regionOf(area, width, height), number));
}
