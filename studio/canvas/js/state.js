// What a person chose on the surface, kept in this browser: tool, size, look. One object, typed by its defaults.
const NAME = "ftl-surface";

export const DEFAULTS = {
  tool: "brush",
  proposals: "thin", // who proposes areas: one of WAYS in propose.js
  classes: {}, // by project: the number of the class that is drawn
  size: 0, // of a pen, in image pixels; 0: never chosen
  over: true, // strokes also take pixels of other classes
  pressure: false, // of a pen makes its line wider
  fingersPan: false, // fingers move the view and draw nothing
  opacity: 0.5,
  brightness: 0,
  contrast: 1,
  hiddenClasses: {}, // by project: numbers of the classes that are not shown
  panels: true, // toolbars are shown
};

/** The state that was kept, with defaults for what is missing or of another type. */
export function loadState() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(NAME)) ?? {};
  } catch { /* no storage, or it is denied, or not ours */ }
  const known = Object.entries(DEFAULTS).map(([name, value]) =>
    [name, sameType(kept[name], value) ? kept[name] : value]);
  return { ...structuredClone(Object.fromEntries(known)), classNumber: 0, hidden: [], project: null };
}

/** Keep what `DEFAULTS` names; nothing where the browser has no room, or denies it. */
export function saveState(state) {
  const kept = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, state[name]]));
  try {
    localStorage.setItem(NAME, JSON.stringify(kept));
  } catch { /* then it lasts as long as this page */ }
}

/** What changes in a state where a project is shown: its class, and which are hidden. */
export function openProject(state, project, classes) {
  const numbers = classes.map((one) => one.number);
  const chosen = state.classes[project];
  return {
    project,
    classNumber: numbers.includes(chosen) ? chosen : numbers[0] ?? 0,
    hidden: (state.hiddenClasses[project] ?? []).filter((number) => numbers.includes(number)),
  };
}

/** The changes that choose a class, and that hide or show one, for this project. */
export const chooseClass = (state, number) =>
  ({ classNumber: number, classes: { ...state.classes, [state.project]: number } });

export function toggleClass(state, number) {
  const { hidden: before } = state;
  const hidden = before.includes(number) ? before.filter((other) => other !== number) : [...before, number];
  return { hidden, hiddenClasses: { ...state.hiddenClasses, [state.project]: hidden } };
}

const sameType = (value, other) =>
  typeof value === typeof other && value !== null && (typeof value !== "number" || Number.isFinite(value));
