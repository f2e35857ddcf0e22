// Options as controls in a row. A control stays while its option does, so a slider is not taken out of the hand.
import { button, make, mark } from "./dom.js";

const FINE = 1000; // steps of a slider that is fine at its low end

const KINDS = { slider: sliderOf, number: numberOf, choice: choiceOf, select: selectOf, toggle: toggleOf,
  button: buttonOf, text: textOf };

/** A row of controls: {element, update(options)}. */
export function createControls() {
  const element = make("div", { class: "controls" });
  let signature = null, controls = [];
  return {
    element,
    update(options) {
      const now = JSON.stringify(options.map(({ value, ...rest }) => rest.type === "text" ? "text" : rest));
      if (now !== signature) {
        signature = now;
        controls = options.map((option) => KINDS[option.type](option));
        element.replaceChildren(...controls.map((control) => control.element));
      }
      controls.forEach((control, index) => control.update(options[index]));
    },
  };
}

/** Place of a value on a slider of FINE steps, and back. */
export const placeOf = (value, min, max) => Math.round(FINE * Math.log(value / min) / Math.log(max / min));
export function valueAt(place, min, max) {
  const value = min * (max / min) ** (place / FINE);
  return value < 5 ? value : Math.round(value); // parts of a pixel matter to thin pens
}

function sliderOf({ label, min, max, step, log, key, unit, text }) {
  let option = null;
  const title = key ? `${label} (${key})` : label;
  const read = (place) => log ? valueAt(place, min, max) : place;
  const range = make("input", { type: "range", title, "aria-label": label,
    oninput: () => option.set(read(Number(range.value))), ...(log ? { min: 0, max: FINE, step: 1 } : { min, max, step }) });
  const number = log && fieldOf({ label, min, max, step: "any" }, (value) => option.set(value));
  const shown = !log && make("output");
  return {
    element: make("label", { class: "control", title }, make("span", {}, label), range, number || shown,
      unit && make("span", { class: "unit" }, unit)),
    update(next) {
      option = next;
      const place = String(log ? placeOf(next.value, min, max) : next.value);
      if (range.value !== place && !(log && range.matches(":active"))) range.value = place;
      range.style.setProperty("--part", (range.value - range.min) / (range.max - range.min));
      if (number) write(number, next.value);
      if (shown) shown.textContent = text ? text(next.value) : next.value;
    },
  };
}

function numberOf({ label, min, max, step, unit }) {
  let option = null;
  const number = fieldOf({ label, min, max, step }, (value) => option.set(value));
  return {
    element: make("label", { class: "control", title: label }, make("span", {}, label), number,
      unit && make("span", { class: "unit" }, unit)),
    update(next) {
      option = next;
      write(number, next.value);
    },
  };
}

function fieldOf({ label, ...limits }, set) {
  const field = make("input", { type: "number", "aria-label": label, inputmode: "decimal", ...limits,
    onchange: () => Number.isFinite(field.valueAsNumber) && set(field.valueAsNumber),
    onkeydown: (event) => /^(Enter|Escape)$/.test(event.key) && field.blur() });
  return field;
}

/** Show a value; a field that is being typed in keeps what is typed, unless the value has changed elsewhere. */
const write = (field, value) => {
  const text = String(Math.round(value * 10) / 10);
  if (field.matches(":focus") && field.dataset.written === text) return;
  field.value = field.dataset.written = text;
};

function choiceOf({ label, choices }) {
  let option = null;
  const buttons = choices.map((choice) => button({ icon: choice.icon, text: choice.icon ? null : choice.label,
    title: choice.label }, () => option.set(choice.value)));
  return {
    element: make("div", { class: "control" }, make("span", {}, label),
      make("div", { class: "choice", role: "group", "aria-label": label }, buttons)),
    update(next) {
      option = next;
      buttons.forEach((one, index) => mark(one, "aria-pressed", choices[index].value === next.value));
    },
  };
}

function selectOf({ label, choices }) {
  let option = null;
  const select = make("select", { "aria-label": label, title: label, onchange: () => option.set(select.value) },
    choices.map((choice) => make("option", { value: choice.value }, choice.label)));
  return {
    element: make("div", { class: "control" }, select),
    update(next) {
      option = next;
      select.value = next.value;
    },
  };
}

function toggleOf({ label, icon, key }) {
  let option = null;
  const element = button({ icon, text: icon ? null : label, title: key ? `${label} (${key})` : label },
    () => option.set(!option.value));
  element.classList.add("control");
  return {
    element,
    update(next) {
      option = next;
      mark(element, "aria-pressed", Boolean(next.value));
    },
  };
}

function buttonOf({ label, icon, key, title = label }) {
  let option = null;
  const element = button({ icon, text: label, title: key ? `${title} (${key})` : title }, () => option.set());
  element.classList.add("control");
  return {
    element,
    update(next) {
      option = next;
      element.disabled = Boolean(next.disabled);
    },
  };
}

function textOf() {
  const element = make("div", { class: "control" });
  return {
    element,
    update(next) {
      element.textContent = next.label;
    },
  };
}
