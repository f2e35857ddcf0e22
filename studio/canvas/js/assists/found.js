// What an assist found, seen before it is taken or discarded.
import { SHOWN, drawArea } from "./areas.js";
import { take } from "./server.js";

/** A preview on the image that is shown: {areas (null: none), show(areas or null), take(), options(), keys(), draw}. */
export function createFound(surface, discard) {
  let kept = null; // {areas, image}

  const found = {
    get areas() {
      return kept?.image === surface.image?.id ? kept.areas : null;
    },
    show(areas) {
      kept = areas && { areas, image: surface.image.id };
      surface.set({});
    },
    take() {
      const { areas } = found;
      discard();
      take(surface, areas);
    },
    options: () => found.areas ? [
      { type: "button", label: "Take it", icon: "check", key: "Enter", set: found.take },
      { type: "button", label: "Discard", icon: "close", key: "Escape", set: discard },
    ] : [],
    keys: () => found.areas ? { enter: found.take, y: found.take, escape: discard, n: discard } : {},
    draw: (context, view) => found.areas?.forEach((area) => drawArea(context, view, area, SHOWN, 0.45)),
  };
  return found;
}

/** Whether the areas have pixels; says so where they have none. */
export function any(surface, areas) {
  const some = areas.some((area) => area.pixels);
  if (!some) surface.hint(surface.state.over ? "Nothing was found there." :
    "Nothing was found there that is not marked yet.");
  return some;
}
