// The keys of an assist.
import { pressed } from "../tools/keys.js";

/** Do what `acts` ({name of a key: function}) has for a key; whether it has. Nothing on an image that is closed. */
export function act({ image }, event, acts) {
  const name = pressed(event);
  if (!image?.editable || !Object.hasOwn(acts, name)) return false;
  if (!event.repeat || name === "backspace") acts[name](); // a key that is held down answers one question, not many
  return true;
}
