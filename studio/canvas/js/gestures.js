// What a pointer, the wheel and a key do on the stage: looking (here), or the tool. Nothing else decides that.
//
// The pen (Fabric) beneath listens to mouse and touch events of its own canvas and of the document. This listens on
// the stage in the capture phase, so what is not for the pen never reaches it.

import { anchored, fit, isWhole, pan, toImage, zoomAt, zoomTo } from "./view.js";

const NEAR = 8; // CSS pixels: a tap, not a drag
const TWICE = 350; // ms between two clicks of a double click
const NOTCH = 40; // of the wheel for one step of the tool's size

/** Whether keys are the page's: text is being written, a dialog is open, or the browser has a meaning for the key. */
export const isElsewhere = (event, root = document) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const written = "input, textarea, select, [contenteditable]:not([contenteditable=false]), [role=listbox]";
  if (event.composedPath()[0].closest?.(written)) return true;
  const dialog = "dialog[open], [role=dialog]:not([aria-hidden=true])";
  return Boolean(document.querySelector(dialog) ?? root.querySelector(dialog));
};

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** What a wheel event asks for, in CSS pixels: {x, y}. */
export const wheelDelta = ({ deltaX, deltaY, deltaMode }, height) => {
  const unit = [1, 16, height][deltaMode];
  return { x: deltaX * unit, y: deltaY * unit };
};

/** The factor of a wheel's or a trackpad's way: 120 pixels of a wheel are a quarter, a pinch is finer. */
export const wheelFactor = (way, pinch) => Math.min(2, Math.max(0.5, Math.exp(-way * (pinch ? 0.01 : 0.0019))));

/**
 * Listen on `stage`: {element, width, height}; toolbars lie over the element, not in it. `surface`: image(), view(),
 * setView(view), tool() -> tool or null, busy() -> the view must stand still (what asks for another one is shown when
 * it may move again), fingersPan(), size(factor) for Alt + wheel, cursor(point in image pixels or null).
 *
 * tool.down(point, event, clicks), tool.move(point, event) (also with no button down), tool.up(point, event),
 * tool.cancel(); points in image pixels. tool.freehand: the pen beneath gets the events too; an up whose event is no
 * pointerup (the window lost the focus) has to end the pen's stroke itself, and so has a cancel. tool.looks: a double
 * click shows the whole image or 1:1. While one may look or looks, the element's data-looking is "ready" or "moving".
 *
 * @returns {{key(event): boolean, dispose()}} key takes keydown and keyup of the space bar and the arrows, and says
 * whether it was for one of them; other keys are the toolbar's.
 */
export const listen = (stage, surface) => {
  const { element } = stage;
  const stop = new AbortController();
  const looks = new Map(); // pointers that look: id -> stage point
  let stroke = null; // {id, type, tool, image, event, last: its point, held: a down that the tool waits for, touches}
  let pen = "any"; // of what follows the last pointerdown, what may reach the pen: any, mouse, none
  let start = null; // {image, view, points} of the pan or pinch that goes on
  let ahead = null; // the view to show as soon as it may move
  let space = false;
  let sized = 0;
  let click = { time: -Infinity, point: [0, 0], pans: false, count: 0 };

  const here = (event) => {
    const { left, top } = element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const isOurs = (event) => Boolean(surface.view()) && event.composedPath().includes(element);
  const mark = () => {
    const state = looks.size ? "moving" : space ? "ready" : "";
    if (state) element.dataset.looking = state;
    else delete element.dataset.looking;
  };

  const current = () => ahead ?? surface.view();
  const show = (view) => {
    if (!surface.busy?.()) {
      ahead = null;
      surface.setView(view);
      return;
    }
    if (!ahead) requestAnimationFrame(retry);
    ahead = view;
  };
  const retry = () => {
    if (!ahead || stop.signal.aborted) return;
    if (surface.busy?.()) requestAnimationFrame(retry);
    else show(ahead);
  };

  const panBy = (dx, dy) => show(pan(current(), dx, dy, surface.image(), stage));
  const toggle = (point) => {
    const whole = isWhole(current(), surface.image(), stage);
    show(whole ? zoomTo(current(), 1, point, surface.image(), stage) : fit(surface.image(), stage));
  };

  // Looking: one pointer pans, the first two pinch.
  const restart = () => {
    const points = new Map([...looks].slice(0, 2));
    start = looks.size ? { image: surface.image(), view: current(), points } : null;
    mark();
  };
  const drag = () => {
    if (start.image !== surface.image()) return restart(); // the next image has come meanwhile
    const pairs = [...start.points].map(([id, before]) => [before, looks.get(id)]);
    const [[a, b], second] = pairs;
    if (!second) return show(pan(start.view, b[0] - a[0], b[1] - a[1], surface.image(), stage));
    const [before, after] = [[a, second[0]], [b, second[1]]];
    const far = ([p, q]) => Math.max(1, distance(p, q));
    const mid = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
    const scale = (start.view.scale * far(after)) / far(before);
    show(anchored(scale, toImage(start.view, mid(before)), mid(after), surface.image(), stage));
  };

  // The tool: a finger's first touch is held back until it moves or lifts, as a second one may follow.
  const give = (kind, event, clicks) =>
    stroke.image === surface.image() && stroke.tool[kind]?.(toImage(surface.view(), here(event)), event, clicks);
  const release = () => {
    if (!stroke?.held) return;
    const { event, clicks } = stroke.held;
    stroke.held = null;
    give("down", event, clicks);
  };
  const cancel = () => {
    const { tool, held } = stroke;
    stroke = null;
    if (!held) tool.cancel?.();
  };
  const finish = (event) => {
    release();
    give("up", event);
    stroke = null;
    if (event.type !== "pointerup") pen = "none";
  };

  const capture = (id) => {
    try {
      element.setPointerCapture(id);
    } catch {
      // the pointer is gone already, or was made by a script
    }
  };
  const take = (event) => {
    event.preventDefault(); // no mouse events after this one
    event.stopImmediatePropagation();
    capture(event.pointerId);
    pen = "none";
  };
  const refuse = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!stroke) pen = "none";
    else if (event.pointerType === "touch" && pen === "any" && !stroke.touches) pen = "mouse";
  };

  const down = (event) => {
    if (!isOurs(event)) return;
    element.focus({ preventScroll: true }); // keys are ours again, whatever field they were for
    const point = here(event);
    const { pointerId: id, pointerType: type } = event;

    if (type === "touch" && stroke?.type === "pen") return refuse(event); // the palm of the hand that draws
    if (type === "pen" && (looks.size || stroke?.type === "touch")) {
      looks.clear();
      restart();
      if (stroke) cancel();
    }
    if (stroke && type === "touch" && stroke.type === "touch") {
      const first = stroke;
      cancel();
      looks.set(first.id, first.last);
      capture(first.id);
    }
    const tool = surface.tool();
    const pans = space || event.button === 1 || looks.size > 0 || (type === "touch" && Boolean(surface.fingersPan?.()));
    const again = click.pans === pans && event.timeStamp - click.time < TWICE && distance(point, click.point) < NEAR;
    const count = again && click.count === 1 ? 2 : 1; // a third begins anew
    click = { time: event.timeStamp, point, pans, count };
    if (pans) {
      take(event);
      looks.set(id, point);
      restart();
      return;
    }
    if (stroke || !tool || (event.button !== 0 && event.button !== 5)) return refuse(event);
    ahead = null; // what is drawn is drawn where it was seen
    stroke = { id, type, tool, image: surface.image(), event, last: point, held: null };
    pen = "any";
    if (!tool.freehand) take(event);
    if (type === "touch" && !tool.freehand) stroke.held = { event, clicks: click.count };
    else give("down", event, click.count);
  };

  const move = (event) => {
    const { pointerId: id } = event;
    if (looks.has(id)) {
      looks.set(id, here(event));
      if (start.points.has(id)) drag();
      return;
    }
    if (stroke?.id === id) {
      if (stroke.image !== surface.image()) return void (stroke = null);
      if (event.pointerType === "mouse" && event.buttons === 0) return finish(event); // let go where nobody saw it
      const point = here(event);
      if (stroke.held && distance(point, stroke.last) < NEAR) return;
      release();
      Object.assign(stroke, { last: point, event });
      for (const between of stroke.tool.freehand ? event.getCoalescedEvents?.() ?? [] : []) give("move", between);
      give("move", event);
      surface.cursor?.(toImage(surface.view(), point));
      return;
    }
    if (stroke || looks.size || event.pointerType === "touch" || !isOurs(event)) return;
    const at = toImage(surface.view(), here(event));
    surface.tool()?.move?.(at, event);
    surface.cursor?.(at);
  };

  const up = (event) => {
    const { pointerId: id } = event;
    if (looks.delete(id)) {
      const tapped = click.count === 2 && !looks.size && start.points.size === 1;
      const still = tapped && distance(here(event), click.point) < NEAR;
      restart();
      if (still) toggle(click.point);
    } else if (stroke?.id === id) {
      const { tool } = stroke;
      finish(event);
      if (tool.looks && click.count === 2) toggle(click.point);
    }
  };

  const lost = (event) => {
    if (looks.delete(event.pointerId)) restart();
    if (stroke?.id === event.pointerId) cancel();
  };

  const blur = (event) => {
    if (event.target !== window) return; // only a button of the page has lost the focus
    space = false;
    looks.clear();
    restart();
    if (stroke?.held) cancel();
    else if (stroke) finish(stroke.event); // what is drawn by now is a stroke
  };

  const wheel = (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { x, y } = wheelDelta(event, stage.height);
    if (event.altKey) {
      sized += y || x;
      if (Math.abs(sized) < NOTCH) return;
      surface.size?.(sized < 0 ? 1.1 : 1 / 1.1);
      sized = 0;
    } else if (stroke?.tool.freehand || looks.size) {
      return; // the view stands still under a hand that draws, and follows one that drags
    } else if (event.ctrlKey || Math.abs(y) >= Math.abs(x)) {
      show(zoomAt(current(), wheelFactor(y, event.ctrlKey), here(event), surface.image(), stage));
    } else {
      panBy(-x, 0);
    }
  };

  /** Keep from the pen what is not for it. */
  const shield = (event) => {
    const touch = event.type.startsWith("touch");
    if (pen === "any" && stroke && touch) stroke.touches = true;
    if (pen === "any" || (pen === "mouse" && !touch) || !isOurs(event)) return;
    if (touch && event.cancelable) event.preventDefault(); // no scrolling, no mouse events
    event.stopImmediatePropagation();
  };

  const key = (event) => {
    const button = event.composedPath()[0];
    if (event.code === "Space" && event.type === "keyup" && space) {
      space = false;
      mark();
      event.preventDefault(); // or the button that was clicked last is pressed
      return true;
    }
    if (event.type !== "keydown" || !surface.view() || isElsewhere(event, element.getRootNode())) return false;
    if (event.key === " ") {
      if (button.matches?.("button:focus-visible, a, summary, [role=button]:focus-visible")) return false;
      space = true;
      mark();
      event.preventDefault();
      return true;
    }
    const way = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way || stroke?.tool.freehand) return false;
    const share = event.shiftKey ? 2 : 8;
    panBy((way[0] * stage.width) / share, (way[1] * stage.height) / share);
    event.preventDefault();
    return true;
  };

  element.style.touchAction = "none";
  element.tabIndex = -1; // a press gives it the keys; Tab goes past it, from control to control
  const options = { capture: true, passive: false, signal: stop.signal };
  const on = (target, kinds, handler) => {
    for (const kind of kinds) target.addEventListener(kind, handler, options);
  };
  on(element, ["pointerdown"], down);
  on(window, ["pointermove"], move);
  on(window, ["pointerup"], up);
  on(window, ["pointercancel"], lost);
  on(window, ["blur"], blur);
  on(element, ["wheel"], wheel);
  on(element, ["mousedown", "mousemove", "mouseup", "touchstart", "touchmove", "touchend"], shield);
  on(element, ["contextmenu", "gesturestart"], (event) => isOurs(event) && event.preventDefault());
  element.addEventListener("pointerleave", () => stroke || surface.cursor?.(null), { signal: stop.signal });

  return {
    key,
    dispose() {
      stop.abort();
      looks.clear();
      mark();
      if (stroke) cancel();
    },
  };
};
