// Fill: an enclosed area, one click.
import { flood, regionOf } from "../rasterise.js";

/** The fill tool: the area about a click becomes a region of the class. */
export function createFill(surface) {
  const fill = (point) => {
    const { mask, image, state } = surface;
    const found = flood(mask.values, image.width, image.height, ...point);
    if (!found) return;
    if (mask.values[Math.floor(point[1]) * image.width + Math.floor(point[0])] === state.classNumber)
      return surface.hint("This area is of the class already.");
    if (found.edge) return surface.hint("This area reaches the edge of the image. Fill needs a closed outline.");
    surface.stroke("region", { ...regionOf(found.area, image.width, image.height), over: true });
  };
  return {
    name: "fill", letter: "F", label: "Fill", icon: "fill", cursor: "crosshair",
    what: "Fills the inside of an outline that is drawn already.", help: "Click inside a closed outline.",
    down: fill,
    options: () => [],
  };
}
