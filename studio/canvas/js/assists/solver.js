// Runs livewire.js in a worker, so that the surface stays quick; on the page itself where there can be no worker.
import { ways } from "./livewire.js";

const ADDRESS = new URL("./livewire.js", import.meta.url);
const ANSWER = `
addEventListener("message", ({ data: { id, data, width, height, start } }) => {
  const from = ways(data, width, height, start);
  postMessage({ id, from }, [from.buffer]);
});`;

/** {solve(data, width, height, start) -> Promise<Uint8Array>, see `ways`; dispose()}. The bytes are given away. */
export function createSolver() {
  const waiting = new Map();
  let worker = null, count = 0, over = false;

  const settle = ({ id, from }) => {
    waiting.get(id)?.resolve(from);
    waiting.delete(id);
  };
  const give = () => { // what waits is worked out here
    worker?.terminate();
    worker = null;
    for (const { resolve, task } of waiting.values()) resolve(ways(...task));
    waiting.clear();
  };
  const ready = start().then((made) => {
    if (over || !made) return made?.terminate();
    worker = made;
    worker.onmessage = ({ data }) => settle(data);
    worker.onerror = give;
    const side = 256; // once for nothing: the second run is twice as quick
    worker.postMessage({ id: 0, data: Uint8ClampedArray.from({ length: side * side * 4 }, (_, at) => at * at % 251),
      width: side, height: side, start: [0, 0] });
  });

  return {
    async solve(data, width, height, start) {
      await ready;
      if (!worker) return ways(data, width, height, start);
      const id = ++count;
      return new Promise((resolve) => {
        waiting.set(id, { resolve, task: [data, width, height, start] });
        worker.postMessage({ id, data, width, height, start });
      });
    },
    dispose() {
      over = true;
      worker?.terminate();
      waiting.clear();
    },
  };
}

/** The page's policy allows workers from blobs alone, and such a one may not import: it gets the text. */
async function start() {
  try {
    const text = await (await fetch(ADDRESS)).text();
    const address = URL.createObjectURL(new Blob([text, ANSWER], { type: "text/javascript" }));
    const worker = new Worker(address, { type: "module" });
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    return worker;
  } catch {
    return null;
  }
}
