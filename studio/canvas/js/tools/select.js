// Select: what lies under a click, whose it is, and what can be done with it. All changes are rows of the log.
import { areaOf, cover, regionOf, whereOf } from "../rasterise.js";
import { toStage } from "../view.js";
import { reachOf } from "./corners.js";
import { button, make } from "./dom.js";
import { boxBetween, cornersOf, edges, nearest, rounded } from "./geometry.js";
import { pressed } from "./keys.js";
import { drawHandles, outline } from "./preview.js";

const KINDS = { brush: "Brush stroke", erase: "Eraser stroke", polygon: "Polygon", polyline: "Polyline",
  rectangle: "Rectangle", region: "Region" };

/** The corners of a stroke that can be moved; none where it has no few. */
export function cornersIn({ kind, geometry }) {
  if (kind === "polygon" || kind === "polyline") return geometry.points;
  return kind === "rectangle" ? cornersOf(geometry.box) : [];
}

/** The geometry with one corner elsewhere; of a rectangle the opposite one stands. */
export function withCorner({ kind, geometry }, index, point, image) {
  if (kind !== "rectangle")
    return { ...geometry, points: rounded(geometry.points.map((corner, at) => at === index ? point : corner)) };
  const opposite = cornersOf(geometry.box)[(index + 2) % 4];
  return { ...geometry, box: boxBetween(opposite, point, false, image) ?? geometry.box };
}

/** The area that a stroke shows in a mask: where it covers pixels that are of its class still. */
export function shownOf(stroke, values, image) {
  const covered = cover(stroke, image.height, image.width);
  if (!covered) return null;
  const [left, top, width] = covered.box;
  const where = covered.where.map((inside, at) => inside &&
    Number(values[(top + Math.floor(at / width)) * image.width + left + at % width] === stroke.class_number));
  return areaOf(covered.box, where);
}

/** The rows that give a target {stroke} or {area} another class, or with 0 delete it. An own stroke is undone and drawn
 *  anew; pixels of anybody else are painted over. `id`: that of the row that paints, which is null where none does. */
export function rowsFor({ stroke, area }, number, image, id) {
  if (stroke?.mine) {
    const undo = { id: `${id}-undo`, kind: "undo", geometry: { stroke: stroke.id }, class_number: 0 };
    const anew = { id, kind: stroke.kind, geometry: { ...stroke.geometry, over: stroke.geometry.over ?? true },
      class_number: number };
    return number ? [undo, anew] : [undo];
  }
  return [{ id, kind: "region", class_number: number,
    geometry: { ...regionOf(area, image.width, image.height), over: true } }];
}

/** The select tool. */
export function createSelect(surface) {
  let found = null; // {stroke, area, way: "stroke" | "area", image}
  let shape = null; // the outline of what is chosen, a Path2D in image pixels
  let dragged = null; // {index, geometry} of the corner under the hand
  let card = null;
  let asked = 0;

  const isOwn = () => found?.way === "stroke" && found.stroke.mine;
  const canChange = () => surface.image.editable;
  const handles = () => isOwn() && surface.image.editable ? cornersIn({ ...found.stroke, geometry: geometry() }) : [];
  const geometry = () => dragged?.geometry ?? found.stroke.geometry;
  const classOf = () => found.way === "stroke" ? found.stroke.class_number : found.area.class_number;

  const clear = () => {
    asked += 1;
    [found, shape, dragged] = [null, null, null];
    card?.remove();
    card = null;
    surface.redraw("overlay");
  };
  const measure = () => {
    const { width, height } = surface.image;
    const pixels = found.way === "area" ? { box: found.area.box, where: whereOf(found.area) } :
      cover({ ...found.stroke, geometry: geometry() }, height, width);
    shape = new Path2D();
    if (pixels) for (const [x0, y0, x1, y1] of edges(pixels.box, pixels.where)) {
      shape.moveTo(x0, y0);
      shape.lineTo(x1, y1);
    }
    surface.redraw("overlay");
  };
  const show = (changes) => {
    Object.assign(found, changes);
    measure();
    card?.remove();
    card = cardOf();
    surface.root.append(card);
  };

  const ask = async ([x, y]) => {
    const { image } = surface;
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) return clear();
    const turn = asked += 1;
    try {
      const reply = await surface.api(`object?x=${Math.floor(x)}&y=${Math.floor(y)}`);
      if (turn !== asked || image.id !== surface.image.id) return;
      if (!reply.stroke && !reply.area) return clear();
      const restored = reply.stroke?.kind === "revision"; // the whole mask: there is no stroke to change
      found = { area: reply.area, stroke: restored ? null : reply.stroke, image: image.id,
        restored: restored && reply.stroke.name, left: toStage(surface.view(), [x, y])[0] > surface.stage.width / 2 };
      show({ way: found.stroke ? "stroke" : "area" });
    } catch (error) {
      if (turn === asked) surface.hint(`Nothing can be selected: ${error.message}.`);
    }
  };

  const change = (number) => {
    if (!canChange() || number === classOf()) return;
    const id = crypto.randomUUID();
    const { stroke, way } = found;
    const area = way === "area" ? found.area : stroke.mine ? null : shownOf(stroke, surface.mask.values, surface.image);
    if (area && !area.pixels) return surface.hint("Nothing of this stroke is seen any more.");
    const rows = rowsFor({ stroke: way === "stroke" ? stroke : null, area }, number, surface.image, id);
    surface.change(rows);
    if (!number) return clear();
    const made = rows.at(-1);
    found.stroke = { ...made, mine: true, name: surface.data.user.name, at: null };
    show({ area: found.area && { ...found.area, class_number: number } });
  };
  const drop = () => {
    const moved = { ...found.stroke, geometry: dragged.geometry };
    const changed = JSON.stringify(moved.geometry) !== JSON.stringify(found.stroke.geometry);
    dragged = null;
    if (!changed) return measure();
    const id = crypto.randomUUID();
    surface.change(rowsFor({ stroke: moved }, moved.class_number, surface.image, id));
    show({ stroke: { ...moved, id, at: null }, area: null });
  };

  function cardOf() {
    const { stroke, area, way, restored, left } = found;
    const kind = surface.classes.find((one) => one.number === classOf());
    const swatch = make("i", { class: "swatch", style: `--colour: ${kind?.colour ?? "#888"}` });
    const title = way === "area" ? "Connected area" : KINDS[stroke.kind] ?? stroke.kind;
    const facts = way === "stroke" ? [whose(stroke), timeOf(stroke.at)] :
      [`${area.pixels.toLocaleString("en")} pixels`, ...(restored ? [`restored by ${restored}`] : [])];
    const note = handles().length ? "Corners can be dragged." : isOwn() || way === "area" ? "" :
      "Your change is painted over it.";
    const ways = [["stroke", "Stroke", stroke], ["area", "Area", area]].filter(([, , there]) => there);
    return make("section", { class: `ftl-card ftl-object${left ? " left" : ""}`, "aria-label": "Selected object" },
      make("header", {}, swatch, make("div", {}, make("b", {}, title), make("small", {}, facts.join(" · "))),
        button({ icon: "close", title: "Close (Esc)" }, clear)),
      ways.length > 1 && make("div", { class: "choice", role: "group", "aria-label": "What is selected" },
        ways.map(([name, label]) => make("button", { type: "button", "aria-pressed": String(name === way),
          onclick: () => show({ way: name }) }, label))),
      canChange() ? [
        make("div", { class: "kinds", role: "group", "aria-label": "Mask class" }, surface.classes.map((one) =>
          make("button", { type: "button", class: "chip", title: `Change to ${one.name}`,
            "aria-pressed": String(one.number === classOf()), onclick: () => change(one.number) },
          make("i", { class: "swatch", style: `--colour: ${one.colour}` }), make("span", {}, one.name)))),
        make("footer", {}, make("small", {}, note),
          button({ icon: "trash", text: "Delete", title: "Delete (Del)", class: "labelled danger" }, () => change(0))),
      ] : make("small", {}, surface.image.why ?? ""));
  }

  return {
    name: "select", letter: "V", label: "Select", icon: "select", cursor: "default", reads: true, looks: true,
    what: "Shows whose a stroke or an area is, and changes its class or deletes it.",
    help: "Click a stroke or an area to see whose it is, and to change it.",
    down(point, event, clicks = 1) {
      if (found && found.image !== surface.image.id) clear();
      const index = found ? nearest(handles(), point, reachOf(event, surface.view())) : -1;
      if (index >= 0) dragged = { index, geometry: found.stroke.geometry };
      else if (clicks === 1) ask(point);
    },
    move(point) {
      if (!dragged) return;
      dragged.geometry = withCorner(found.stroke, dragged.index, point, surface.image);
      measure();
    },
    up: () => dragged && drop(),
    cancel() {
      if (!dragged) return clear();
      dragged = null;
      measure();
    },
    key(event) {
      if (!found) return false;
      const name = pressed(event);
      if (/^ctrl\+(shift\+)?[zy]$/.test(name)) clear(); // what is selected may be what goes
      const of = /^[1-9]$/.test(name) && surface.classes.find((one) => one.number === Number(name));
      const act = of ? () => change(of.number) :
        { escape: clear, delete: () => change(0), backspace: () => change(0) }[name];
      act?.();
      return Boolean(act);
    },
    options: () => [],
    draw(context, view) {
      if (found?.image !== surface.image.id || !shape) return;
      const onStage = new Path2D();
      onStage.addPath(shape, new DOMMatrix([view.scale, 0, 0, view.scale, view.x, view.y]));
      const colour = getComputedStyle(surface.root).getPropertyValue("--accent") || "#b83a09";
      outline(context, colour, 1.5, onStage);
      drawHandles(context, view, handles(), colour, dragged?.index);
    },
  };
}

/** Whose a stroke is; of one that a network proposed, whose decision it was. */
export function whose({ mine, name, geometry }) {
  if (!geometry.proposed_by) return mine ? "You" : name;
  return `Proposed by ${geometry.proposed_by}, accepted by ${mine ? "you" : name}`;
}

function timeOf(at) {
  if (!at) return "just now";
  return new Date(at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
