// Tiles are links: a plain click opens the image in this session, any other way a browser knows of works as well.
// Ticks are the browser's own until Python tells others, so that quick clicks do not wait for one another.

function element(kind, name, text) {
  const made = document.createElement(kind);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(one, ticked) {
  const tile = element("div", "tile");
  const link = element("a", "");
  link.href = one.link;
  link.target = "_self";
  link.title = one.name;
  link.dataset.id = one.id;
  const picture = element("img", "");
  picture.src = one.picture;
  picture.alt = one.name;
  picture.loading = "lazy";
  const words = element("div", "words");
  const name = element("bdi", "name", one.name);
  const about = element("span", "about", one.class ?? "no class");
  const dot = element("i", "dot");
  if (one.colour) dot.style.background = one.colour;
  about.prepend(dot);
  words.append(name, about);
  link.append(picture, words);
  const badges = element("div", "badges");
  if (one.mask) badges.append(element("span", "mask", "mask"));
  for (const name of one.here) badges.append(element("span", "here", name));
  if (one.state !== "open") badges.append(element("span", one.state, one.state));
  const tick = element("label", "tick");
  const box = element("input", "");
  box.type = "checkbox";
  box.checked = ticked;
  box.value = one.id;
  box.ariaLabel = `Select ${one.name}`;
  tick.append(box);
  tile.append(link, badges, tick);
  return tile;
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const grid = parentElement.querySelector(".gallery");
  const boxes = () => [...grid.querySelectorAll("input")];
  const ticked = () => boxes().filter((box) => box.checked).map((box) => Number(box.value));
  const told = new Set(data.chosen);
  const own = new Map(grid.turn === data.turn ? boxes().map((box) => [Number(box.value), box.checked]) : []);
  const isTicked = (id) => own.get(id) ?? told.has(id);
  const tiles = JSON.stringify(data.tiles);
  if (grid.tiles !== tiles) {
    grid.replaceChildren(...data.tiles.map((one) => draw(one, isTicked(one.id))));
    grid.last = undefined;
  } else {
    for (const box of boxes()) box.checked = isTicked(Number(box.value));
  }
  grid.tiles = tiles;
  grid.turn = data.turn;

  grid.onclick = (event) => {
    const link = event.target.closest("a");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      setTriggerValue("open", Number(link.dataset.id));
    } else if (event.target.type === "checkbox") {
      const all = boxes();
      const at = all.indexOf(event.target);
      if (event.shiftKey && grid.last !== undefined) {
        const [from, to] = [Math.min(at, grid.last), Math.max(at, grid.last)];
        for (const box of all.slice(from, to + 1)) box.checked = event.target.checked;
      }
      grid.last = at;
      const shown = all.map((box) => Number(box.value));
      setStateValue("chosen", { shown, ticked: ticked(), at: performance.now() }); // the time makes it a change always
    }
  };
}
