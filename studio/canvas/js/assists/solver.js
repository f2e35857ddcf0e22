// Runs livewire.js in a worker, so that the surface stays quick; on the page itself where there can be no worker.
import { ways } from "./livewire.js";

const ADDRESS = new URL("./livewire.js", import.meta.url);
const ANSWER = `
addEventListener("message", ({ data: { id, data, width, height, start } }) => {
  const from = ways(data, width, height, start);
  postMessage({ id, from }, [from.buffer]);
});`;

const waiting = new Map(); // by id: {resolve, task}
let worker = null, ready = null, count = 0;

/** Begin to start the worker, before it is needed. */
export function prepare() {
  ready ??= start();
}

/** The ways of a window, see `ways`. */
export async function solve(...task) {
  prepare();
  await ready;
  if (!worker) return ways(...task);
  return new Promise((resolve) => send(task, resolve));
}

function send(task, resolve) {
  const [data, width, height, start] = task, id = ++count;
  waiting.set(id, { resolve, task });
  worker.postMessage({ id, data, width, height, start });
}

/** The page's policy allows workers from blobs alone, and such a one may not import: it gets the text. */
async function start() {
  try {
    const text = await (await fetch(ADDRESS)).text();
    const address = URL.createObjectURL(new Blob([text, ANSWER], { type: "text/javascript" }));
    worker = new Worker(address, { type: "module" });
  } catch {
    return;
  }
  worker.onmessage = ({ data: { id, from } }) => {
    waiting.get(id).resolve(from);
    waiting.delete(id);
  };
  worker.onerror = () => { // what waits is worked out here
    worker = null;
    for (const { resolve, task } of waiting.values()) resolve(ways(...task));
    waiting.clear();
  };
  const side = 256; // once for nothing: the second run is twice as quick
  send([Uint8ClampedArray.from({ length: side * side * 4 }, (_, at) => at * at % 251), side, side, [0, 0]], () => {});
}
