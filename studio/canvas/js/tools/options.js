// Options that several tools share, and what they are worth now. An option: {type: "slider" | "number" | "choice" |
// "select" | "toggle" | "button" | "text", label, value, min, max, step, choices: [{value, label, icon}], icon, key, title, log,
// set(value)}; a slider with `log` is fine at its low end, and has a number field beside it.
import { roundSize, sizeLimits, startSize, stepSize } from "./geometry.js";

/** The size of the pen on the image that is shown, in image pixels. */
export function sizeOf({ state, image }) {
  const [least, most] = sizeLimits(image);
  return Math.min(Math.max(state.size || startSize(image), least), most);
}

/** One step larger (1) or smaller (-1). */
export const resized = (surface, direction) =>
  stepSize(sizeOf(surface), direction, surface.view()?.scale ?? 1, sizeLimits(surface.image));

/** The colour of a class, of the one that is drawn unless a number is given. */
export const colourOf = ({ classes, state }, number = state.classNumber) =>
  classes.find((one) => one.number === number)?.colour ?? "#888888";

export function sizeOption(surface) {
  const [min, max] = sizeLimits(surface.image);
  return {
    type: "slider", label: "Size", unit: "px", key: "[ ]", log: true, value: sizeOf(surface), min, max, step: 1,
    set: (size) => surface.set({ size: roundSize(size, surface.view().scale, [min, max]) }),
  };
}

const toggle = (name, label) => (surface) => ({
  type: "toggle", icon: name, label, value: surface.state[name],
  set: (value) => surface.set({ [name]: value }),
});

export const overOption = toggle("over", "Paint over other classes");
export const pressureOption = toggle("pressure", "Pen pressure changes the width");
export const fingersOption = toggle("fingersPan", "Fingers move the view and do not draw");
