// One guard for the whole tab, between its user and the page. See hold.py.
const QUIET = 400; // ms after mouse-up: the canvas' 200, and time for its reply to arrive first
const TAKEN = 400; // ms in which a key or click that may change something has started a run of the page
const SURE = 10000; // ms for those that do, however busy the studio is
const MODIFIERS = ["Control", "Shift", "Alt", "AltGraph", "Meta"];

export default function ({ data, setStateValue }) {
  if (window.ftlHold) {
    Object.assign(window.ftlHold, { run: data.run, room: data.room, tell: setStateValue });
    return;
  }
  // queue: what waits, in its order: keys and clicks {event, path, all}, with all the events of each; strokes
  // {canvas, events}
  const hold = window.ftlHold = { run: data.run, room: data.room, tell: setStateValue, queue: [], change: null, down: false, until: 0 };
  const replayed = new WeakSet();
  const canvasOf = (event) => event.composedPath().find((one) => one.tagName === "CANVAS");
  const typing = (event) => ["INPUT", "TEXTAREA"].includes(event.composedPath()[0].tagName);
  const running = () => document.querySelector("[data-test-script-state]").dataset.testScriptState !== "notRunning";
  const keep = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const canvases = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    one.shadowRoot ? canvases(one.shadowRoot) : one.matches("canvas.upper-canvas") ? [one] : []); // Fabric's, once it listens
  const listens = (canvas) => canvas?.isConnected && canvas.matches(".upper-canvas");
  const dispatch = (event, target) => {
    const again = new event.constructor(event.type, event);
    replayed.add(again);
    target.dispatchEvent(again);
  };

  // A class, tool or size leaves the canvas where it is; all else may take it off.
  const picksPen = ({ event, path }) => event.type === "keydown"
    ? /^[1-9begt]$/i.test(event.key) && !event.ctrlKey && !event.metaKey
    : path.some((one) => /st-key-(class-|tool-|width)/.test(one.className));

  // Undo and redo mount the canvas anew, with the same view.
  const stepsBack = ({ event, path }) => event.type === "keydown"
    ? /^[zy]$/i.test(event.key) && (event.ctrlKey || event.metaKey)
    : path.some((one) => /st-key-(undo|redo)/.test(one.className));

  // Keys and clicks wait for the stroke before them, and for the page to have done the one before them: Streamlit may
  // drop a click that another follows within milliseconds. Strokes wait for the pen chosen before them.
  const ready = (one) => !hold.change && (one.events || !hold.down && (performance.now() > hold.until || picksPen(one)));
  const begin = (change) => {
    hold.change = { ...change, at: performance.now(), run: hold.run };
    setTimeout(settle, 30, 0);
  };
  const changes = (one) => {
    const again = stepsBack(one);
    const pen = picksPen(one);
    const button = one.event.type !== "keydown" ? one.path.some((part) => /st-key-(class-|tool-)/.test(part.className))
      : !/\d/.test(one.event.key) || document.querySelector(`.st-key-class-${one.event.key}`);
    begin({ view: !again && !pen, again, within: again || pen && button ? SURE : TAKEN });
  };
  // For the overlay: whether the hand rests, and that the same view will be mounted anew.
  hold.rests = () => !hold.down && !hold.queue.length && !hold.change && performance.now() > hold.until + QUIET;
  hold.awaitCanvas = () => begin({ view: false, again: true, within: SURE });
  // How wide a canvas may be is told when the window has another width, and the hand rests.
  setInterval(() => {
    const width = document.querySelector("[class*=st-key-stage-]")?.clientWidth;
    const room = width && Math.min(Math.max(Math.floor(width / 20) * 20, 240), 780);
    if (!room || room === hold.room || !hold.rests()) return;
    hold.room = room;
    begin({ view: true, again: false, within: SURE });
    hold.tell("room", room);
  }, 500);
  const settle = (still) => {
    const { run, at, again, view, within } = hold.change;
    const taken = hold.run !== run || performance.now() - at > within;
    const drawn = taken && !running() && (!again || canvases(document).length);
    // The page has drawn what the run brought. A new canvas takes its listeners a moment after it is there, and then
    // tells how its background fits, which would have Streamlit drop a click of that moment.
    if (still > (again || view ? 10 : 2)) hold.change = null;
    else setTimeout(settle, 30, drawn ? still + 1 : 0);
  };
  const work = () => {
    while (hold.queue.length && ready(hold.queue[0])) {
      const one = hold.queue.shift();
      if (one.events) draw(one);
      else {
        changes(one);
        const target = one.path[0].isConnected ? one.path[0] : document.body;
        for (const event of one.all) dispatch(event, target);
      }
    }
    if (hold.queue.length) setTimeout(work, 30);
  };
  const wait = (one) => {
    if (hold.queue.push(one) === 1) setTimeout(work, 30);
  };
  const draw = ({ drops, canvas, events, again }) => {
    if (again && !listens(canvas)) canvas = canvases(document).at(-1);
    if (drops || !listens(canvas)) return;
    for (const event of events) {
      if (event.type === "mousedown") hold.down = true;
      dispatch(event, event.type === "mousedown" ? canvas : document);
      if (event.type === "mouseup") end();
    }
  };
  const end = () => {
    if (!hold.down) return;
    hold.down = false;
    hold.until = performance.now() + QUIET;
  };

  const place = (event) => { // where the canvas is, or was before it was taken off to be mounted anew
    const box = hold.box;
    return box && event.clientX > box.left && event.clientX < box.right && event.clientY > box.top
      && event.clientY < box.bottom;
  };

  // A click waits with the press that it is the end of: Streamlit's buttons want both, and press themselves 80 ms after
  // one without its click. Whether it waits is decided as the press begins.
  let press = null; // the events of one that waits, until its click
  let passes = false; // whether the press under way is let through
  const slides = (event) => event.composedPath().some((part) => part.role === "slider");
  const waits = (one) => hold.queue.length || !ready(one);
  for (const type of ["pointerdown", "mousedown", "pointerup", "mouseup"]) window.addEventListener(type, (event) => {
    if (replayed.has(event)) return;
    if (type === "pointerdown") {
      const free = canvasOf(event) || place(event) || typing(event) || slides(event);
      press = !free && waits({ event, path: event.composedPath() }) ? [] : null;
      passes = !press;
    }
    if (!press) return;
    keep(event);
    press.push(event);
  }, true);

  for (const type of ["keydown", "click"]) window.addEventListener(type, (event) => {
    if (!event.isTrusted || canvasOf(event) || typing(event) || MODIFIERS.includes(event.key)) return;
    if (type === "click" && place(event)) return; // of a stroke whose canvas went meanwhile
    // Streamlit's shortcuts are of all keys that are down: without its end, a key given back would spoil the next
    const rest = type === "keydown" ? [new KeyboardEvent("keyup", event)] : [];
    const one = { event, path: event.composedPath(), all: [event, ...rest] };
    if (type === "click" && press) {
      one.all = [...press, event];
      press = null;
    } else if (type === "click" && passes && event.detail || !waits(one)) return changes(one);
    keep(event);
    wait(one);
  }, true);

  // Arrow keys on a slider are the slider's alone.
  document.body.addEventListener("keydown", (event) => {
    if (event.composedPath()[0].role === "slider") event.stopPropagation();
  });

  // Streamlit's canvas draws with mouse events.
  const keys = () => hold.queue.filter((one) => !one.events);
  const view = () => hold.change?.view || keys().some((one) => !picksPen(one) && !stepsBack(one));
  const again = () => hold.change?.again || keys().some(stepsBack);
  let open = null; // the waiting stroke whose mouse is still down
  for (const type of ["mousedown", "mousemove", "mouseup"]) window.addEventListener(type, (event) => {
    if (replayed.has(event)) return;
    const canvas = canvasOf(event);
    if (type === "mousedown" && canvas) hold.box = canvas.getBoundingClientRect();
    if (type === "mousedown" && canvas && !hold.change && !listens(canvas)) hold.awaitCanvas();
    const waits = hold.change || hold.queue.length;
    if (type === "mousedown" && waits && (canvas || again() && place(event))) {
      // on a canvas about to go, what is drawn would be seen and lost: it is not begun
      open = { drops: view(), canvas, again: again(), events: [] };
      wait(open);
    }
    if (!open) return;
    if (hold.queue.includes(open) || open.drops) {
      keep(event);
      open.events.push(event);
    }
    if (type === "mouseup") open = null;
  }, true);
  window.addEventListener("pointerdown", (event) => {
    if (canvasOf(event) && !hold.change && !hold.queue.length) hold.down = true;
  }, true);
  for (const type of ["pointerup", "pointercancel"]) window.addEventListener(type, end, true);
}
