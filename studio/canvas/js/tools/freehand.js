// Brush and eraser: a line that follows the hand. The pen beneath draws it too, and its line is the one that counts.
import { distance, rounded } from "./geometry.js";
import { colourOf, fingersOption, overOption, pressureOption, resized, sizeOf, sizeOption } from "./options.js";
import { drawLine, drawPen } from "./preview.js";

const APART = 0.7; // stage pixels between two points of the preview

/** A freehand tool of a kind, "brush" or "erase". */
export function createFreehand(surface, { kind, name, letter, label, what }) {
  const erases = kind === "erase";
  const ended = new Set(); // lines that wait for the pen's
  let line = null; // the one under the hand: {points, width, widths, number, colour}

  const pressed = (event) => Math.min(Math.max(line.width * (event.pressure || 0.5), 1), line.width);
  const add = (point, event) => {
    line.points.push(point);
    line.widths?.push(pressed(event));
    surface.redraw("overlay");
  };

  return {
    name, letter, label, what, icon: name, freehand: true, cursor: "none",
    down(point, event) {
      const number = erases ? 0 : surface.state.classNumber;
      const withPressure = surface.state.pressure && event.pointerType === "pen";
      line = { points: [], width: sizeOf(surface), number, colour: erases ? null : colourOf(surface),
        view: surface.view() };
      if (withPressure) line.widths = [];
      add(point, event);
    },
    move(point, event) {
      if (line && distance(point, line.points.at(-1)) * surface.view().scale >= APART) add(point, event);
    },
    async up(point, event) {
      if (!line) return;
      if (event.type === "pointerup") this.move(point, event);
      const done = line;
      line = null;
      ended.add(done);
      const drawn = event.type === "pointerup" ? await surface.penLine(done.points, done.view) : done.points;
      if (event.type !== "pointerup") surface.penCancel(); // the window was left, and the pen never hears of the end
      const points = rounded(done.widths ? done.points : drawn); // the pen knows no pressure
      const geometry = { points, width: done.width, ...(done.widths && { widths: rounded([done.widths])[0] }) };
      ended.delete(done);
      surface.stroke(kind, geometry, done.number);
      surface.redraw("overlay");
    },
    cancel() {
      if (line) surface.penCancel();
      line = null;
      surface.redraw("overlay");
    },
    resize: (direction) => surface.set({ size: resized(surface, direction) }),
    options: () => [sizeOption(surface), ...(erases ? [] : [overOption(surface)]), pressureOption(surface),
      fingersOption(surface)],
    drawing: () => line && { kind, class_number: line.number,
      geometry: { points: rounded(line.points), width: line.width, ...(line.widths && { widths: line.widths }) } },
    draw(context, view, cursor) {
      for (const one of [...ended, ...(line ? [line] : [])])
        drawLine(context, view, one, one.colour, surface.state.opacity);
      const at = line?.points.at(-1) ?? cursor;
      if (at) drawPen(context, view, at, line?.width ?? sizeOf(surface));
    },
  };
}
