// The keys of an assist.
import { pressed } from "../tools/keys.js";

/** Do what `acts` ({name of a key: function}) has for a key; whether it has. Nothing on an image that is closed. Enter
 *  on a button that was reached by Tab is the button's. */
export function act({ image }, event, acts) {
  const name = pressed(event);
  if (!image?.editable || !Object.hasOwn(acts, name)) return false;
  if (name === "enter" && (event.composedPath?.()[0] ?? event.target)?.matches?.("button:focus-visible")) return false;
  if (!event.repeat || name === "backspace") acts[name](); // a key that is held down answers one question, not many
  return true;
}
