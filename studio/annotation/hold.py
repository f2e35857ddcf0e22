"""Keys and clicks wait until the canvas has sent the last stroke.

The canvas sends a stroke 200 ms after mouse-up, and drops it when it is taken off before. So what may take it off is
held back in the browser while a stroke is under the mouse or on its way, and then done in its order. The choice of a
class or tool leaves the canvas where it is: it waits for mouse-up alone.
"""

from __future__ import annotations

import streamlit as st

_QUIET_MS = 400
"""After mouse-up: the canvas' 200 ms, and time for the reply to arrive first."""

_JS = """
export default function () {
  if (window.ftlHold) return;
  const hold = window.ftlHold = { down: false, until: 0, waiting: [], replayed: new WeakSet() };
  const onCanvas = (event) => event.composedPath().some((one) => one.tagName === "CANVAS");
  const typing = (event) => ["INPUT", "TEXTAREA"].includes(event.composedPath()[0].tagName);
  const harmless = (event, path) => event.type === "keydown"
    ? /^[1-9begt]$/i.test(event.key) && !event.ctrlKey && !event.metaKey
    : path.some((one) => /st-key-(class|tool)-/.test(one.className));
  const ready = (event, path) => !hold.down && (performance.now() > hold.until || harmless(event, path));
  const replay = () => {
    while (hold.waiting.length && ready(...hold.waiting[0])) {
      const [event, path] = hold.waiting.shift();
      const again = new event.constructor(event.type, event);
      hold.replayed.add(again);
      path[0].dispatchEvent(again);
    }
    if (hold.waiting.length) setTimeout(replay, 30);
  };
  const catchIt = (event) => {
    if (hold.replayed.has(event) || onCanvas(event) || typing(event)) return;
    const path = event.composedPath();
    if (!hold.waiting.length && ready(event, path)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (hold.waiting.push([event, path]) === 1) replay();
  };
  window.addEventListener("pointerdown", (event) => { if (onCanvas(event)) hold.down = true; }, true);
  for (const type of ["pointerup", "pointercancel"]) window.addEventListener(type, () => {
    if (!hold.down) return;
    hold.down = false;
    hold.until = performance.now() + QUIET;
  }, true);
  window.addEventListener("keydown", catchIt, true);
  window.addEventListener("click", catchIt, true);
}
""".replace("QUIET", str(_QUIET_MS))


def hold() -> None:
    """Have this browser tab hold keys and clicks back while a stroke is on its way."""
    st.components.v2.component("studio_hold", js=_JS)(key="hold", height=0)
