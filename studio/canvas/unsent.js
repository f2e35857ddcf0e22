// One keep of strokes for the whole tab, see unsent.py: in memory, and in localStorage under the user and the canvas.
const STORE = "ftl-strokes/";
const EVERY = 1000; // ms between two attempts to send
const AGAIN = 5; // attempts, of which one is made where the studio refused
const PARTS = ["type", "stroke", "strokeWidth", "path", "points", "left", "top", "width", "height", "scaleX", "scaleY",
  "originX", "originY"]; // what studio.canvas.adapter reads of an object
const PAINTS = ["Path", "Polygon", "Rect"];
const counted = (count) => `${count} stroke${count === 1 ? "" : "s"}`;
const are = (count) => count === 1 ? "It is" : "They are";

const made = () => {
  const places = new Map(); // by canvas: whose it is, and what its coordinates mean
  const kept = new Map(); // by canvas: its place, its objects, and how many of them are `saved`
  const keep = { place: null, canvas: null, root: null, recovered: false };
  const key = (entry) => `${STORE}${entry.user}/${entry.mount}`;
  const own = () => [...kept.values()].filter((entry) => entry.user === keep.place.user);
  const lacking = (entry) => entry.objects.length - entry.saved;
  let busy = false;
  let round = 0;

  const store = (entry) => {
    const { text, told, ...content } = entry;
    try {
      entry.text = JSON.stringify(content);
      localStorage.setItem(key(entry), entry.text);
      entry.stored = true;
    } catch { // the browser's room for this site is used up
      entry.stored = false;
    }
  };
  const forget = (entry) => {
    try {
      if (localStorage.getItem(key(entry)) === entry.text) localStorage.removeItem(key(entry)); // else a tab has more
    } catch { /* nothing is stored where there is no store */ }
    if (entry.mount !== keep.canvas?.mount) kept.delete(entry.mount);
  };
  const stored = () => {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(STORE)).map((name) => {
        const text = localStorage.getItem(name);
        return { ...JSON.parse(text), text, stored: true };
      });
    } catch {
      return [];
    }
  };
  const load = () => stored().sort((one, other) => one.at - other.at).forEach((entry) => {
    if (entry.user === keep.place.user && !kept.has(entry.mount)) kept.set(entry.mount, entry);
  });

  keep.report = (mount, objects) => {
    const place = places.get(mount);
    if (!place) return;
    const entry = kept.get(mount) ?? { ...place, objects: [], saved: 0, strokes: 0, at: Date.now() };
    const painted = objects.filter((one) => PAINTS.includes(one.type));
    if (painted.length <= entry.objects.length) return; // a canvas that was hidden comes back empty
    kept.set(mount, entry);
    entry.objects = painted.map((one) => Object.fromEntries(PARTS.filter((part) => part in one).map((part) => [part, one[part]])));
    store(entry);
    draw();
    send();
  };

  const post = async (entry) => {
    const { user, mount, view, pens, objects } = entry;
    const address = `/files/${entry.project}/images/${entry.image}/strokes`;
    const reply = await fetch(address, { method: "POST", body: JSON.stringify({ user, mount, view, pens, objects }),
      headers: { "Content-Type": "application/json" }, cache: "no-store" });
    if (reply.ok) {
      entry.saved = objects.length;
      entry.strokes = (await reply.json()).strokes;
      entry.told = null;
      if (entry.mount !== keep.canvas?.mount && entry.image === keep.place.image) keep.recovered = true;
      if (!lacking(entry)) forget(entry);
    } else if (reply.status === 401) {
      entry.told = { why: "you are signed out. Sign in again", ends: true };
    } else if (reply.status === 429 || reply.status >= 500) {
      entry.told = { why: (await reply.json().catch(() => ({}))).error ?? "the studio could not take them", ends: true };
    } else {
      entry.told = { why: (await reply.json()).error, refused: true };
    }
  };
  // One after the other, in the order in which they were drawn.
  const send = async () => {
    if (busy) return;
    busy = true;
    round += 1;
    for (let entry; entry = own().find((one) => lacking(one) && one.round !== round && !(one.told?.refused && round % AGAIN));) {
      const count = entry.objects.length;
      await post(entry).catch(() => { entry.told = { why: "the studio does not answer", ends: true }; });
      if (entry.told || entry.objects.length === count) entry.round = round;
      if (entry.told?.ends) break;
    }
    busy = false;
    draw();
  };

  const line = (text, waits, ...buttons) => {
    const made = Object.assign(document.createElement("p"), { textContent: text, className: waits ? "waits" : "" });
    for (const [label, act] of buttons)
      made.append(" ", Object.assign(document.createElement("button"), { textContent: label, onclick: act }));
    return made;
  };
  const download = (entries) => {
    const content = entries.map(({ file, project, image, view, pens, objects, saved, at }) =>
      ({ file, project, image, view, pens, drawn: new Date(at).toISOString(), objects: objects.slice(saved) }));
    const blob = new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: "strokes.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const drop = (entries, count) => {
    if (!confirm(`Drop ${counted(count)} for good?`)) return;
    for (const entry of entries) {
      entry.objects.length = entry.saved;
      forget(entry);
    }
    draw();
  };
  const draw = () => {
    const lines = [];
    const waiting = own().filter(lacking);
    const groups = Map.groupBy(waiting, (entry) => [entry.image, entry.told?.why, entry.stored].join("/"));
    for (const entries of groups.values()) {
      const [{ image, file, told, stored }] = entries;
      const count = entries.reduce((sum, entry) => sum + lacking(entry), 0);
      const where = image === keep.place.image ? "" : ` of ${file}`;
      const kept = stored ? `${are(count)} kept in this browser` : `${are(count)} kept in this tab only: leave it open`;
      if (!told) lines.push(line(`Saving ${counted(count)}${where}`, false));
      else lines.push(line(`${counted(count)}${where} not saved yet: ${told.why}. ${kept}.`, true,
        ...(told.refused ? [["Download", () => download(entries)], ["Drop", () => drop(entries, count)]] : [])));
    }
    const others = Map.groupBy(stored().filter((entry) => entry.user !== keep.place.user), (entry) => entry.name);
    for (const [name, entries] of others) {
      const count = entries.reduce((sum, entry) => sum + lacking(entry), 0);
      lines.push(line(`${counted(count)} of ${name} not saved yet: sent when ${name} signs in here and opens Annotate.`, false));
    }
    if (keep.canvas) {
      const seen = `${kept.get(keep.canvas.mount)?.strokes ?? 0} since this view`;
      lines.unshift(line(waiting.length ? `Saved · ${seen}` : `All strokes saved · ${seen}`, false));
    } else if (!lines.length) lines.push(line("All strokes saved", false));
    if (keep.root.dataset.told !== lines.map((one) => one.textContent).join("\n")) {
      keep.root.dataset.told = lines.map((one) => one.textContent).join("\n");
      keep.root.replaceChildren(...lines);
    }
  };

  keep.show = (root, { place, canvas }) => {
    const before = keep.place?.user;
    Object.assign(keep, { root, place, canvas });
    if (canvas) places.set(canvas.mount, canvas);
    if (before !== place.user) load();
    if (canvas) keep.report(canvas.mount, window.ftlReported?.get(canvas.mount) ?? []);
    draw();
    send();
  };
  setInterval(() => own().some(lacking) && send(), EVERY);
  window.addEventListener("pagehide", () => window.ftlCanvases?.forEach((flush) => flush()));
  window.addEventListener("beforeunload", (event) => {
    if (own().some((entry) => lacking(entry) && !entry.stored)) event.preventDefault();
  });
  return keep;
};

export default function ({ data, parentElement }) {
  window.ftlStrokes ??= made();
  window.ftlStrokes.show(parentElement.querySelector(".unsent"), data);
}
