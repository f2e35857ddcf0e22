// The drawing surface: what one mounted component holds, and how its modules hang together. `data`: see surface.py.
import { createAssists } from "./assists.js";
import { drawOthers } from "./company.js";
import { listen } from "./gestures.js";
import { createLive, get, post } from "./live.js";
import { createMask } from "./mask.js";
import { createMinimap } from "./minimap.js";
import { createOutbox } from "./outbox.js";
import { createPace } from "./pace.js";
import { mountPen } from "./pen.js";
import { createPhoto, drawGrid } from "./photo.js";
import { loadState, saveState } from "./state.js";
import { createToolbar, unfinishedText } from "./toolbar.js";
import { createTools } from "./tools.js";
import { distance } from "./tools/geometry.js";
import { isTyping } from "./tools/keys.js";
import { fit, resized, toImage } from "./view.js";

const NEAR = 2; // CSS pixels: the pen takes whole ones
const UNHEARD = 5000; // ms after which the page is told again where its user went
const EDGE = 8; // CSS pixels that are left free below the surface

const surfaces = new WeakMap(); // by the element that Streamlit gives

/** What Streamlit calls at each run of the page, with the same element and new data. */
export default function (given) {
  const { parentElement } = given;
  const surface = surfaces.get(parentElement) ?? createSurface(parentElement.querySelector(".surface"), given.data);
  surfaces.set(parentElement, surface);
  surface.update(given);
  return () => { // Streamlit may end a run of this function after the next one has begun
    if (!surface.isOf(given)) return;
    surface.dispose();
    surfaces.delete(parentElement);
  };
}

function createSurface(root, first) {
  const tab = crypto.randomUUID();
  const layers = Object.fromEntries(["photo", "mask", "overlay"].map((name) => {
    const canvas = root.querySelector(`canvas.${name}`);
    return [name, { canvas, context: canvas.getContext("2d"), stale: true }];
  }));
  const element = root.querySelector(".stage");
  const stage = { element, width: 0, height: 0 };
  const views = new Map(); // by image id: where this tab looked last
  let given = { data: first }, image = null, view = null, photo = null, mask = null, live = null, pen = null;
  const steps = new Map(); // by image id: what this tab did and undid, {done: [step], undone: [step]}
  let people = [], comments = [], cursor = null, frame = 0, wanted = 0, left = null, toldAt = 0, ending = 0, ahead = null;
  let undecided = null; // id of the image on which proposals wait, as the page knows it

  const surface = {
    root, stage, tab,
    user: first.user,
    state: loadState(),
    live: { people: () => people, comments: () => comments },
    get data() { return given.data; },
    get image() { return image; },
    get mask() { return mask; },
    get photo() { return photo; },
    get tool() { return tools[surface.state.tool]; },
    get classes() { return given.data.classes; },
    view: () => view,
    setView,
    redraw,
    stroke,
    change,
    undo: () => back("undo"),
    redo: () => back("redo"),
    step,
    hint: (text) => toolbar.hint(text),
    api: (path, body) => body === undefined ? get(`${image.file}/${path}`) : post(`${image.file}/${path}`, body),
    event: (value) => given.setTriggerValue("event", { at: Date.now(), ...value }),
    ask: () => live.soon(),
    penLine,
    penCancel: () => pen?.cancel(),
    unfinished,
    drawing: () => Boolean(ending || surface.tool.drawing?.()),
    set(changes) {
      if ("tool" in changes && changes.tool !== surface.state.tool) surface.tool.cancel?.();
      Object.assign(surface.state, changes);
      saveState(surface.state);
      look();
      toolbar.update();
      tellUndecided();
      redraw();
    },
    isOf: (one) => one === given,
    update,
    dispose,
  };
  const tools = surface.tools = { ...createTools(surface), ...createAssists(surface) };
  const toolbar = createToolbar(surface);
  const gestures = listen(stage, {
    view: () => view, setView, image: () => image, tool: () => image?.editable || surface.tool.reads ? surface.tool : null,
    busy: () => ending > 0,
    fingersPan: () => surface.state.fingersPan,
    size: (factor) => surface.tool.resize?.(factor > 1 ? 1 : -1),
    cursor: (point) => { cursor = point; redraw("overlay"); },
  });
  const minimap = createMinimap(root, { view: () => view, setView, stage, image: () => image });
  const pace = createPace(Object.values(layers).map(({ canvas }) => canvas), () => redraw());
  const outbox = createOutbox({
    user: first.user,
    send: (of, rows) => post(`${of.file}/strokes`,
      { user: first.user.id, after: of.id === image?.id ? mask.position : null, rows }),
    onreply: (of, reply) => of.id === image?.id && receive(reply),
    ondrop: (of, ids) => of.id === image?.id && ids.forEach((id) => mask.drop(id)),
    onchange: () => {
      if (image) for (const row of outbox.waiting(image.id)) mask.add(row); // those of an earlier tab, once they are read
      toolbar.update();
    },
  });
  surface.outbox = outbox;
  const sizes = new ResizeObserver(resize);
  sizes.observe(element);
  window.addEventListener("resize", fill);
  window.addEventListener("keydown", key, true);
  window.addEventListener("keyup", key, true);
  window.ftlSurface = surface; // for whoever looks with the browser's own tools

  function update(next) {
    given = next;
    const asked = next.data.image;
    if (left !== null && asked.id === left) { // the page does not know yet that we went on, or went back since
      if (next.data.heard === toldAt) tell();
      return toolbar.update();
    }
    left = null;
    if (asked.id !== image?.id) open(asked);
    else Object.assign(image, asked);
    goOn();
    fill();
    toolbar.update();
    redraw();
    prefetch();
  }

  function open(next) {
    live?.stop();
    if (image) {
      views.set(image.id, view);
      surface.tool.cancel?.();
      photo.dispose();
    }
    image = { ...next };
    view = views.get(image.id) ?? (stage.width ? fit(image, stage) : null);
    [people, comments] = [[], []];
    photo = ahead?.id === image.id ? ahead.photo : createPhoto(image, () => redraw("photo"));
    if (ahead?.photo !== photo) ahead?.photo.dispose();
    ahead = null;
    mask = createMask(image, () => redraw("mask"));
    for (const row of outbox.waiting(image.id)) mask.add(row);
    const own = live = createLive({
      ask: (body) => post(`${next.file}/live`, body),
      body: () => ({ after: mask.position, tab, cursor, drawing: surface.tool.drawing?.() ?? null }),
      onreply: (reply) => own === live && receive(reply),
      ontrouble: (text) => own === live && toolbar.trouble(text),
    });
    minimap.open(photo);
    root.dataset.image = image.id;
    tellUndecided();
    redraw();
    const begun = unfinished();
    if (begun) toolbar.hint(`Here is ${unfinishedText(begun, surface.tool)}`);
  }

  /** The shape whose corners wait on this image: {tool, way to end it}; null where there is none. That of the tool in
   *  hand goes before others. */
  function unfinished() {
    if (!image?.editable) return null;
    const found = [surface.tool, ...Object.values(tools)].find((tool) => tool.unfinished?.());
    return found ? { tool: found, way: found.unfinished() } : null;
  }

  function receive(reply) {
    mask.receive(reply);
    if (left !== null && Date.now() - toldAt > UNHEARD) tell();
    ({ people, comments } = reply);
    const { state, editable, why, class_id } = reply;
    const changed = state !== image.state || class_id !== image.class_id;
    Object.assign(image, { state, editable, why, class_id });
    if (changed) {
      if (editable) outbox.status().groups.filter((group) => group.refused && group.image === image.id)
        .forEach((group) => outbox.retry(group));
      surface.event({ kind: "changed" });
    }
    root.dataset.position = mask.position;
    toolbar.update();
    redraw("overlay");
  }

  /** Add a row to the log; its id. `number`: of its class. What was begun before the image was closed is kept too: the
   *  studio refuses it, and its user is asked what to do with it. */
  function stroke(kind, geometry, number = surface.state.classNumber, id = crypto.randomUUID()) {
    const rows = [{ id, kind, class_number: number, geometry }];
    if (kind === "undo") return change(rows) && id;
    add(rows);
    return id;
  }

  /** Add rows to the log that are undone together. */
  function change(rows) {
    if (!image.editable) return toolbar.hint(image.why);
    add(rows);
    return true;
  }

  function add(rows) {
    const { done, undone } = history();
    const hides = ({ kind }) => kind === "undo";
    done.push({ made: rows.filter((row) => !hides(row)).map((row) => row.id),
      hid: rows.filter(hides).map((row) => row.geometry.stroke) });
    undone.length = 0;
    send(rows);
  }

  function history() {
    if (!steps.has(image.id)) steps.set(image.id, { done: [], undone: [] });
    return steps.get(image.id);
  }

  /** Undo or redo what this tab did last, and then what its user did before. */
  function back(kind) {
    if (!image.editable) return toolbar.hint(image.why);
    const { done, undone } = history();
    const [from, to] = kind === "undo" ? [done, undone] : [undone, done];
    const step = from.pop();
    const other = kind === "undo" ? "redo" : "undo";
    const row = (kind, geometry) => ({ id: crypto.randomUUID(), kind, class_number: 0, geometry });
    if (step || kind === "undo") to.push(step ?? { earlier: true });
    send(!step || step.earlier ? [row(kind, {})] :
      [...step.made.map((id) => row(kind, { stroke: id })), ...step.hid.map((id) => row(other, { stroke: id }))]);
  }

  function send(rows) {
    for (const { kind, geometry, class_number, id } of rows) {
      const paints = !["erase", "undo", "redo"].includes(kind);
      const over = paints && surface.state.over === false && !("over" in geometry) ? { over: false } : {};
      const row = { id, kind, class_number: paints ? class_number : 0, geometry: { ...geometry, ...over } };
      mask.add(row);
      outbox.add(image, row);
    }
    redraw();
  }

  /** Go to the next or previous image: at once where the page has said which it is, else when it says so. */
  function step(by) {
    wanted += by;
    goOn();
  }

  function goOn() {
    if (!wanted || left !== null || ending) return; // the page, or a stroke that is just ending, comes first
    const by = Math.sign(wanted);
    const other = by > 0 ? given.data.next : given.data.previous;
    wanted = other ? wanted - by : 0;
    if (!other) return toolbar.hint("There is no further image in this direction.");
    left = image.id;
    open(other);
    toolbar.update();
    tell();
  }

  /** Tell the page which image this tab shows now; its answer says whether it has followed. */
  function tell() {
    toldAt = Date.now();
    surface.event({ kind: "step", image: image.id, at: toldAt });
  }

  /** Tell the page whether proposals on this image wait for a decision: Submit asks about them. */
  function tellUndecided() {
    const now = tools.propose.undecided ? image.id : null;
    if (now !== undecided) given.setStateValue("undecided", undecided = now);
  }

  /** Have the next photograph here before it is asked for. */
  function prefetch() {
    const { next } = given.data;
    if (!next || ahead?.id === next.id) return;
    ahead?.photo.dispose();
    ahead = { id: next.id, photo: createPhoto(next, () => redraw("photo")) };
    ahead.photo.prefetch();
  }

  /** The line of the stroke that just ended, in image pixels, once the pen has it.
   *
   *  The pen gets one place a frame, in whole pixels; `trail` has all that the browser knows of the same line.
   *  `began`: the view as it began. If the window or a key has changed it since, the pen's pixels mean nothing. */
  async function penLine(trail, began) {
    const at = view;
    ending += 1;
    await penRests();
    const line = pen?.take()?.map((point) => toImage(at, point)) ?? [];
    ending -= 1;
    setTimeout(goOn);
    return at !== began || line.every((point) => trail.some((other) => distance(point, other) * at.scale < NEAR)) ? trail : line;
  }

  function key(event) {
    if (!image || isTyping(event)) return;
    if (surface.tool.key?.(event) || gestures.key(event) || (event.type === "keydown" && toolbar.key(event))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }

  function setView(next) {
    view = next;
    pace.moved();
    minimap.update();
    toolbar.zoomed();
    redraw();
  }

  /** The surface reaches down to the end of the window, whatever the page has above it. */
  function fill() {
    const above = root.getBoundingClientRect().top + (document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0);
    root.style.setProperty("--above", `${above + EDGE}px`);
  }

  function resize() {
    fill();
    const { width, height } = element.getBoundingClientRect();
    if (!width || !height || (width === stage.width && height === stage.height)) return;
    const was = { width: stage.width, height: stage.height, inset: stage.inset };
    Object.assign(stage, { width, height });
    pace.size(stage);
    if (!image) return;
    view = view && was.width ? resized(view, image, was, stage) : fit(image, stage);
    redraw();
  }

  function look() {
    const { brightness, contrast, opacity } = surface.state;
    layers.photo.canvas.style.filter = brightness || contrast !== 1 ? `brightness(${1 + brightness}) contrast(${contrast})` : "";
    layers.mask.canvas.style.opacity = opacity;
  }

  function redraw(name) {
    for (const one of name ? [name] : Object.keys(layers)) layers[one].stale = true;
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    if (!image || !view) return;
    if (pace.apply()) for (const layer of Object.values(layers)) layer.stale = true;
    for (const [name, layer] of Object.entries(layers)) {
      if (!layer.stale) continue;
      layer.stale = false;
      const { context } = layer;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, layer.canvas.width, layer.canvas.height);
      context.setTransform(pace.ratio, 0, 0, pace.ratio, 0, 0);
      if (name === "photo") photo.draw(context, view, stage);
      else if (name === "mask") mask.draw(context, view, stage, surface.shownColours());
      else {
        drawGrid(context, view, stage, image);
        drawOthers(context, view, people, given.data.classes);
        tools.pin.drawPins(context, view);
        for (const tool of Object.values(tools)) // what was begun with another tool is not forgotten
          if (tool !== surface.tool && tool.unfinished?.()) tool.draw(context, view, null);
        surface.tool.draw?.(context, view, cursor);
      }
    }
  }

  surface.shownColours = () => {
    const { hidden } = surface.state;
    return new Map(given.data.classes.filter((one) => !hidden.includes(one.number)).map((one) =>
      [one.number, [1, 3, 5].map((at) => parseInt(one.colour.slice(at, at + 2), 16))]));
  };

  function dispose() {
    if (window.ftlSurface === surface) delete window.ftlSurface; // its masks are large
    live?.stop();
    photo?.dispose();
    ahead?.photo.dispose();
    pen?.dispose();
    outbox.dispose();
    gestures.dispose();
    sizes.disconnect();
    window.removeEventListener("resize", fill);
    pace.dispose();
    window.removeEventListener("keydown", key, true);
    window.removeEventListener("keyup", key, true);
    cancelAnimationFrame(frame);
  }

  mountPen(root.querySelector(".pen"), first.pen).then((mounted) => { pen = mounted; root.dataset.pen = "ready"; });
  resize();
  look();
  return surface;
}

/** Wait until the pen has heard of a stroke's end: by mouseup or touchend, which come behind pointerup. */
function penRests() {
  return new Promise((resolve) => {
    const names = ["mouseup", "touchend", "touchcancel"];
    const done = () => {
      names.forEach((name) => window.removeEventListener(name, done));
      clearTimeout(timer);
      resolve();
    };
    names.forEach((name) => window.addEventListener(name, done));
    const timer = setTimeout(done, 50); // it is lost where the window is
  });
}
