// Ends of jobs: any open page of the studio asks for them, shows each once as a notification of the browser, where
// its user allowed that, and marks its title until somebody comes to look.
const EVERY = 5000;
const STORE = "ftl-notices";

function begin() {
  if (window.ftlNotices) return window.ftlNotices;
  const state = (window.ftlNotices = { mark: "", asked: false });
  const others = new BroadcastChannel(STORE);

  const title = () => {
    if (state.mark && !document.title.startsWith(state.mark)) document.title = `${state.mark} ${document.title}`;
  };
  const mark = (done) => {
    clear();
    state.mark = done ? "✓" : "✗";
    title();
  };
  const clear = () => {
    if (!state.mark) return;
    const had = `${state.mark} `;
    state.mark = "";
    if (document.title.startsWith(had)) document.title = document.title.slice(had.length);
  };
  new MutationObserver(title).observe(document.head, { childList: true, characterData: true, subtree: true });
  for (const what of ["pointerdown", "keydown"]) window.addEventListener(what, clear, true);
  others.onmessage = ({ data }) => mark(data);

  const show = (notice) => {
    mark(notice.done);
    others.postMessage(notice.done);
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const shown = new Notification(notice.title, { body: notice.text, tag: `ftl-job-${notice.job}` });
    shown.onclick = () => {
      window.focus();
      window.location.assign(notice.link);
    };
  };
  const ask = async () => {
    try {
      const reply = await fetch("/files/notices", { method: "POST", cache: "no-store" });
      if (reply.ok) (await reply.json()).notices.forEach(show);
    } catch {
      // the studio is away for a moment
    }
    setTimeout(ask, EVERY);
  };
  ask();
  return state;
}

function offer(state, parent) {
  parent.style.textAlign = "right";
  const draw = () => {
    parent.replaceChildren();
    if (!("Notification" in window) || Notification.permission === "granted") return;
    const blocked = state.asked && Notification.permission === "denied";
    const shown = document.createElement(blocked ? "span" : "button");
    shown.textContent = blocked
      ? "Your browser blocks notifications: allow them in its settings for this site"
      : "Notify me when my jobs end";
    shown.style.cssText = blocked
      ? "font: 0.875rem var(--st-font); color: var(--st-text-color); opacity: 0.7"
      : "font: 0.9rem var(--st-font); color: var(--st-text-color); background: var(--st-background-color); " +
        "border: 1px solid var(--st-border-color, rgba(128, 128, 128, 0.4)); border-radius: 0.5rem; " +
        "padding: 0.4rem 0.8rem; cursor: pointer";
    if (!blocked)
      shown.onclick = () => {
        state.asked = true;
        Notification.requestPermission().then(draw);
      };
    parent.append(shown);
  };
  draw();
}

export default function ({ parentElement, data }) {
  const state = begin();
  if (data?.offer) offer(state, parentElement.querySelector(".offer"));
}
