// The index mask of the image on the surface: what the log says, and on top what was drawn here and is not in it yet.
import { boxes, meet, paint, paints, put } from "./rasterise.js";
import { createTiles } from "./tiles.js";

/** The mask of an image {width, height}; `onchange()`: it should be drawn again. Replies, rows, patches: as POST /live.
 *
 *  `position`: of the log, null before the first reply. `values`: the class number of each pixel as shown, row by row.
 *  `pending`: own rows that the log has not and that show, in order. */
export function createMask({ width, height }, onchange = () => {}) {
  const base = new Uint8Array(width * height); // the truth at `position`
  const values = new Uint8Array(width * height); // and the pending rows on it
  const tiles = createTiles(values, width, height);
  const entries = new Map(); // by id, in order: {row, hidden} of each row that is pending
  const done = new Set(); // ids of rows that the log has, and of an undo or redo of pending rows: none is added again
  let position = null;

  const shown = () => [...entries.values()].filter((entry) => !entry.hidden);
  const boxesOf = (row) => boxes(row, height, width);

  /** Make the shown values anew in boxes. */
  function renew(changed) {
    if (!changed.length) return;
    const left = Math.min(...changed.map((box) => box[0])), right = Math.max(...changed.map((box) => box[0] + box[2]));
    const top = Math.min(...changed.map((box) => box[1])), bottom = Math.max(...changed.map((box) => box[1] + box[3]));
    if (right - left === width) values.set(base.subarray(top * width, bottom * width), top * width);
    else for (let at = top * width; at < bottom * width; at += width)
      values.set(base.subarray(at + left, at + right), at + left);
    for (const { row } of shown()) paint(values, width, height, row, [left, top, right - left, bottom - top]);
    changed.forEach(tiles.mark);
    onchange();
  }

  /** What changes as a row is no longer pending: nothing if it was hidden. */
  function forget(id) {
    const entry = entries.get(id);
    entries.delete(id);
    return entry && !entry.hidden ? boxesOf(entry.row) : [];
  }

  /** Take a reply of the studio: rows on the truth in their order, then the patch. One that comes late, or tells what
   *  is known, only says which rows are not pending any more. Rows sent again change nothing: they come as a whole. */
  function receive({ position: next, rows = [], taken = [], patch = null }) {
    const known = position !== null && (next < position || (next === position && !patch));
    const changed = [], named = [...rows.map((row) => row.id), ...taken];
    for (const row of known ? [] : rows.filter(paints)) {
      paint(base, width, height, row);
      const first = shown()[0]?.row.id === row.id; // then it lies where it lay, and what others did is dirty anyhow
      entries.delete(row.id);
      if (!first) changed.push(...boxesOf(row));
    }
    for (const id of named) {
      changed.push(...forget(id));
      done.add(id);
    }
    if (!known && patch) {
      put(base, width, patch);
      changed.push(patch.box);
    }
    if (!known) position = next;
    renew(changed.filter((box) => meet(box, [0, 0, width, height])));
  }

  return {
    get position() { return position; },
    get values() { return values; },
    get pending() { return shown().map((entry) => entry.row); },
    receive,

    /** Show an own row before the log has it. One that undoes or redoes a pending row by its id hides or shows that.
     *  A row may be added again, in which case nothing happens. */
    add(row) {
      if (entries.has(row.id) || done.has(row.id)) return;
      if (!paints(row)) {
        done.add(row.id);
        return this.hide(row.geometry.stroke, row.kind === "undo");
      }
      entries.set(row.id, { row, hidden: false });
      if (paint(values, width, height, row)) boxesOf(row).forEach(tiles.mark);
      onchange();
    },

    /** Show a pending row no more, for it never comes into the log. */
    drop(id) {
      renew(forget(id));
    },

    /** Hide a pending row that was undone before it was sent, or show it again. */
    hide(id, hidden = true) {
      const entry = entries.get(id);
      if (!entry || entry.hidden === hidden) return;
      entry.hidden = hidden;
      renew(boxesOf(entry.row));
    },

    /** The class number that shows at an image point; 0 outside of the image. */
    at(x, y) {
      return x >= 0 && y >= 0 && x < width && y < height ? values[Math.floor(y) * width + Math.floor(x)] : 0;
    },

    /** Draw what is seen; `colours`: a Map from class number to [r, g, b], of the classes that are shown. */
    draw(context, view, stage, colours) {
      if (!tiles.draw(context, view, stage, colours)) queueMicrotask(onchange);
    },
  };
}
