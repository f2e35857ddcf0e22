// The sheet of tools and keys.
import { button, make } from "./dom.js";
import { COMMANDS, PAGE, written } from "./keys.js";

const GROUPS = [
  ["Draw", ["undo", "redo", "smaller", "larger"]],
  ["Look", ["closer", "farther", "whole", "actual", "panels"]],
  ["Images", ["next", "previous"]],
];

/** A dialog: {element, show()}. */
export function createSheet(tools) {
  const line = (label, keys, also) => make("li", {}, make("span", {}, label),
    make("span", {}, keys.map((key) => make("kbd", {}, key)), also && make("small", {}, also)));
  const ofTool = ({ label, what, letter }) => make("li", {},
    make("span", {}, label, what && make("small", {}, what)), make("span", {}, letter && make("kbd", {}, letter)));
  const ofCommands = (names) => COMMANDS.filter((one) => names.includes(one.name))
    .map((one) => line(one.label, one.keys.filter((key) => key !== "=").map(written), one.also));
  const more = {
    Draw: [line("Mask class", ["1", "…", "9"]), line("Finish a shape", ["Enter"]),
      line("Take a corner back", ["Backspace"]), line("Cancel", ["Esc"]), line("Delete what is selected", ["Del"])],
    Look: [line("Move", ["Space"], "drag, or two fingers"), line("Move", ["←", "↑", "↓", "→"])],
    Images: PAGE.map((one) => line(one.label, [written(one.key)])),
  };
  const section = (title, lines) => make("section", {}, make("h3", {}, title), make("ul", {}, lines));
  const element = make("dialog", { class: "ftl-sheet", "aria-label": "Tools and keys",
    onclick: (event) => event.target === element && element.close() },
    make("div", { tabindex: -1, autofocus: true },
      make("header", {}, make("h2", {}, "Tools and keys"),
        button({ icon: "close", title: "Close (Esc)" }, () => element.close())),
      make("div", { class: "columns" },
        section("Tools", Object.values(tools).map(ofTool)),
        GROUPS.map(([title, names]) => section(title, [...ofCommands(names), ...more[title]])))));
  return { element, show: () => element.showModal() };
}
