// What others draw, over the canvas and never under the mouse: asked for every second, drawn as SVG in image pixels.
const EVERY = 1000; // ms between two questions
const TAG = 6000; // ms for which a stroke bears its author's name
const MOST = 200; // strokes, after which the view is drawn anew with them in it
const HUES = ["#3e63dd", "#d6409f", "#0d74ce", "#ad5700", "#208368", "#8145b5", "#ca244d", "#5c7c2f"];

const svg = (kind, attributes, parent) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
};
const hue = (id) => HUES[id % HUES.length];

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".overlay");
  if (root.mount !== data.mount) Object.assign(root, { mount: data.mount, position: data.position, asked: false, shown: 0 });
  root.view = data; // opacity may change while the canvas stays
  if (root.drawn === data.mount) return;
  root.drawn = data.mount;
  Object.assign(root.dataset, { mount: data.mount, base: data.position, position: data.position });
  root.replaceChildren();
  const [left, top, cropWidth, cropHeight, width, height] = data.view;
  const scale = width / cropWidth;
  const stage = svg("svg", { width, height, viewBox: [left, top, cropWidth, cropHeight].join(" "),
    preserveAspectRatio: "none" }, root);
  const defs = svg("defs", {}, stage);
  const photo = svg("pattern", { id: "photo", patternUnits: "userSpaceOnUse", width: data.width, height: data.height }, defs);
  const strokes = svg("g", {}, stage);
  const pins = svg("g", {}, stage);
  const tags = svg("g", {}, stage);
  const people = document.createElement("div");
  people.className = "people";
  root.append(people);

  const draw = (one) => {
    if (one.id.startsWith(data.mount) || [...strokes.children].some((known) => known.dataset.id === one.id)) return;
    if (one.erase && !photo.firstChild) // it uncovers the photograph, whatever lies below
      svg("image", { href: data.photo, width: data.width, height: data.height, preserveAspectRatio: "none" }, photo);
    const paint = one.erase ? "url(#photo)" : one.colour;
    const opacity = one.erase ? 1 : root.view.opacity;
    const path = svg("path", one.width
      ? { d: one.path, fill: "none", stroke: paint, "stroke-width": one.width, "stroke-linecap": "round",
        "stroke-linejoin": "round", "stroke-opacity": opacity }
      : { d: one.path, fill: paint, "fill-rule": "evenodd", "fill-opacity": opacity }, strokes);
    path.dataset.id = one.id;
    path.dataset.author = one.author;
    root.shown += 1;
    const name = root.people?.[one.author];
    const [, x, y] = one.path.match(/M([-\d.e]+) ([-\d.e]+)/) ?? [];
    if (!name || x === undefined) return;
    const tag = svg("text", { x, y, "font-size": 12 / scale, fill: hue(one.author), class: "tag" }, tags);
    tag.textContent = name;
    setTimeout(() => tag.remove(), TAG);
  };

  const pin = (one, number) => {
    const spot = svg("g", { transform: `translate(${one.x} ${one.y}) scale(${1 / scale})`, class: "pin" }, pins);
    svg("circle", { r: 10 }, spot);
    svg("text", { "text-anchor": "middle", y: 4 }, spot).textContent = number;
  };

  // A view is drawn anew only while its user's hand rests, and what they draw meanwhile waits for it.
  const anew = () => {
    const hold = window.ftlHold;
    if (root.asked || hold && !hold.rests()) return;
    root.asked = true;
    hold?.awaitCanvas();
    setTriggerValue("anew", `${data.mount} ${root.position}`);
  };

  const told = (text) => {
    let line = root.querySelector(".told");
    if (!text) return line?.remove();
    if (!line) root.append(line = Object.assign(document.createElement("div"), { className: "told" }));
    line.textContent = text;
  };

  const ask = async () => {
    if (!root.isConnected || root.mount !== data.mount) return;
    try {
      const reply = await fetch(`${data.address}?after=${root.position}`, { cache: "no-store" });
      if (root.mount !== data.mount) return;
      if (reply.status === 401) told("You are signed out. Sign in again in another tab; this page then goes on.");
      else if (!reply.ok) told((await reply.json()).error);
      else {
        const got = await reply.json();
        told("");
        root.people = Object.fromEntries(got.people.map((one) => [one.id, one.name]));
        got.strokes.forEach(draw);
        root.position = root.dataset.position = got.position;
        if (got.stale || root.shown > MOST) root.stale = data.mount;
        people.replaceChildren(...got.people.map((one) => {
          const chip = Object.assign(document.createElement("span"), { textContent: one.name });
          chip.style.background = hue(one.id);
          return chip;
        }));
        pins.replaceChildren();
        got.comments.forEach((one, index) => pin(one, index + 1));
      }
    } catch {
      told("The studio does not answer.");
    }
    if (window.ftlStrokes?.recovered) { // of another canvas of this image: the view lacks them
      window.ftlStrokes.recovered = false;
      root.stale = data.mount;
    }
    if (root.stale === data.mount) anew();
    setTimeout(ask, EVERY);
  };
  ask();
}
