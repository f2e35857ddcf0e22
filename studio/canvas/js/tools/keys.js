// Which key does what. A tool names its own letter; all others are here. U, M and S belong to the page.

/** Commands by key: what `commandOf` returns. */
export const COMMANDS = [
  { name: "undo", keys: ["ctrl+z"], label: "Undo" },
  { name: "redo", keys: ["ctrl+shift+z", "ctrl+y"], label: "Redo" },
  { name: "smaller", keys: ["["], label: "Smaller pen", also: "Alt + wheel" },
  { name: "larger", keys: ["]"], label: "Larger pen", also: "Alt + wheel" },
  { name: "closer", keys: ["+", "="], label: "Closer", also: "wheel, pinch" },
  { name: "farther", keys: ["-"], label: "Farther", also: "wheel, pinch" },
  { name: "whole", keys: ["0", "home"], label: "Whole image", also: "double click" },
  { name: "actual", keys: ["."], label: "1:1" },
  { name: "next", keys: ["d"], label: "Next image" },
  { name: "previous", keys: ["a"], label: "Previous image" },
  { name: "panels", keys: ["tab"], label: "Hide or show the toolbars" },
  { name: "sheet", keys: ["?"], label: "This sheet" },
];
/** Keys that the page answers. */
export const PAGE = [{ key: "u", label: "Next unlabelled image" }, { key: "m", label: "Next image for me" }];
export const RESERVED = [...PAGE.map((one) => one.key), "s"];

/** Whether a key goes into a text field and not to the surface. */
export function isTyping(event) {
  const target = event.composedPath?.()[0] ?? event.target;
  if (target?.isContentEditable) return true;
  return /^(TEXTAREA|SELECT)$/.test(target?.tagName) ||
    (target?.tagName === "INPUT" && !/^(range|checkbox|radio|button)$/.test(target.type));
}

/** A key with its modifiers as text, "ctrl+shift+z"; letters by their place where the keyboard has no Latin ones. */
export function nameOf(event) {
  const graph = event.getModifierState?.("AltGraph"); // it makes signs like [ on many keyboards
  const held = !graph && (event.ctrlKey || event.metaKey);
  let key = event.key.toLowerCase();
  if (key.length === 1 && key > "\x7f" && /^Key[A-Z]$/.test(event.code)) key = event.code.at(-1).toLowerCase();
  if (key === " ") key = "space";
  if (event.altKey && !graph) return `alt+${key}`;
  const letter = key.length > 1 || /[a-z]/.test(key); // with a sign, Shift is part of it
  return `${held ? "ctrl+" : ""}${event.shiftKey && letter ? "shift+" : ""}${key}`;
}

/** The name of a key that was pressed on the surface; "" for one that is released, or that is for something else, as
 *  Enter on a button that was reached by Tab. */
export function pressed(event) {
  if (event.type !== "keydown" || event.isComposing || isTyping(event)) return "";
  const target = event.composedPath?.()[0] ?? event.target;
  if (event.key === "Enter" && target?.matches?.("button:focus-visible")) return "";
  const roots = [globalThis.document, target?.getRootNode?.()]; // ours may be a shadow's
  return roots.some((root) => root?.querySelector?.("dialog[open], [role=dialog]")) ? "" : nameOf(event);
}

/** What the name of a key means: {command} or {tool} or {number} of a class, or null. */
export function meaningOf(name, tools) {
  const command = COMMANDS.find(({ keys }) => keys.includes(name));
  if (command) return { command: command.name };
  const tool = Object.values(tools).find(({ letter }) => letter?.toLowerCase() === name);
  if (tool) return { tool: tool.name };
  return /^[1-9]$/.test(name) ? { number: Number(name) } : null;
}

/** Keys that mean two things, for the tests. */
export function collisions(tools) {
  const keys = [...COMMANDS.flatMap((command) => command.keys), ...RESERVED, ..."123456789",
    ...Object.values(tools).map((tool) => tool.letter?.toLowerCase()).filter(Boolean)];
  return keys.filter((key, index) => keys.indexOf(key) !== index);
}

const NAMES = { ctrl: "Ctrl", shift: "Shift", alt: "Alt", tab: "Tab", home: "Home" };

/** A key as people read it: "Ctrl+Shift+Z". */
export const written = (key) => key.split(/\+(?=.)/).map((part) => NAMES[part] ?? part.toUpperCase()).join("+");
