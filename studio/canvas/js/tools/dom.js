// Elements made in one line.
import { icon } from "./icons.js";

/** An element with attributes and children; `on...` is a listener, true an empty attribute, null or false none. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** An icon as an element. */
export function drawn(name) {
  const holder = document.createElement("template");
  holder.innerHTML = icon(name);
  return holder.content.firstElementChild;
}

/** A button of an icon, a text, or both; `title` also says its key. */
export function button({ icon: name, text, title, ...attributes }, onclick) {
  return make("button", { type: "button", title, "aria-label": text ? null : title, class: text ? "labelled" : "square",
    ...attributes, onclick }, name && drawn(name), text && make("span", {}, text));
}

/** Set an attribute or take it away, only where that changes something. */
export function mark(element, name, value) {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}
