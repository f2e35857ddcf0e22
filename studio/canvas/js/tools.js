// The tools, by name. A tool: {name, letter, icon, label, what (it does, and when to use it), help, cursor, down(point, event, clicks), move, up, cancel(),
// key(event) -> handled, options() -> what the toolbar offers (see tools/options.js), draw(context, view, cursor),
// drawing() -> the row that others may see already, resize(direction), chosen(number of a class) -> whether that was an
// answer to the tool, unfinished() -> how the shape is ended whose corners wait on this image, or null}. Points are in image pixels.
// freehand: the pen beneath draws too. reads: changes no pixels, so it works on accepted images. looks: a double click
// is for the view. assist: stands in the second group of the toolbar.
// `cancel` gives up what the pointer does just now; corners that were set before stay.
import { createCorners, createRectangle } from "./tools/corners.js";
import { createFill } from "./tools/fill.js";
import { createFreehand } from "./tools/freehand.js";
import { createPin } from "./tools/pin.js";
import { createSelect } from "./tools/select.js";

export function createTools(surface) {
  const tools = [
    createSelect(surface),
    createFreehand(surface, { kind: "brush", name: "brush", letter: "B", label: "Brush",
      what: "Draws by hand, as wide as its size. For touching up, and where no other tool sees the crack." }),
    createFreehand(surface, { kind: "erase", name: "eraser", letter: "E", label: "Eraser",
      what: "Takes away what is drawn, whoever drew it." }),
    createCorners(surface, { kind: "polygon", closed: true, letter: "G", label: "Polygon",
      what: "Outlines an area corner by corner. For wide cracks and spalled places.",
      help: "Click corners. Enter or the first corner closes, Backspace takes one back." }),
    createCorners(surface, { kind: "polyline", closed: false, letter: "L", label: "Polyline",
      what: "Draws a line of one width corner by corner. For cracks and joints that are even.",
      help: "Click corners. Enter or a double click ends." }),
    createRectangle(surface),
    createFill(surface),
    createPin(surface),
  ];
  return Object.fromEntries(tools.map((tool) => [tool.name, tool]));
}
