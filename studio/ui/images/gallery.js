// Tiles are links: a plain click opens the image in this session, any other way a browser knows of works as well.
// Ticks are the browser's own until Python tells others, so that quick clicks do not wait for one another.

const PREVIEW = 480; // CSS pixels, the longer side at most
const HOVER = 450, FOCUS = 250; // ms before it shows
const SECOND_CLICK = 800; // ms in which a click at the same place is no verdict on the tile that has moved there
const OWN_WORK = "This is your own work: another reviewer of the project accepts it";
const ICONS = {
  accept: "M5 12.5l4.5 4.5L19 7.5",
  return: "M9 6l-5 5 5 5M4 11h10a5 5 0 0 1 0 10h-3",
};

function element(kind, name, text) {
  const made = document.createElement(kind);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function picture(address, name, alt) {
  const made = element("img", name);
  made.loading = "lazy"; // a mask that is hidden is not fetched either
  made.src = address;
  made.alt = alt;
  return made;
}

function verdict(one, what, label, refused) {
  const made = element("button", `verdict ${what}`);
  made.type = "button";
  made.dataset.what = what;
  made.dataset.id = one.id;
  made.ariaLabel = `${label} ${one.name}`;
  made.title = refused ?? label;
  made.disabled = refused !== undefined;
  made.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[what]}"/></svg>`;
  return made;
}

function draw(one, ticked, chooses) {
  const tile = element("div", "tile");
  tile.dataset.id = one.id;
  const link = element("a", "");
  link.href = one.link;
  link.target = "_self";
  link.dataset.id = one.id;
  const pictures = element("div", "pictures");
  pictures.append(picture(one.thumbnail, "photograph", one.name));
  if (one.mask) pictures.append(picture(one.mask, "mask", ""));
  const people = element("div", "people");
  pictures.append(people);
  const words = element("div", "words");
  const name = element("bdi", "name", one.name);
  name.title = one.name;
  const about = element("span", "about", one.about);
  about.title = one.about;
  if (one.colour !== null) {
    const dot = element("i", "dot");
    if (one.colour) dot.style.background = one.colour;
    about.prepend(dot);
  }
  words.append(name, about);
  link.append(pictures, words);
  const badges = element("div", "badges");
  if (one.mask) badges.append(element("span", "drawn", "mask"));
  for (const text of one.badges) badges.append(element("span", "", text));
  if (one.state !== "open") badges.append(element("span", one.state, one.state));
  tile.append(link, badges);
  if (chooses) tile.append(tick(one, ticked));
  if (one.verdicts) {
    const own = one.verdicts === "own" ? OWN_WORK : undefined;
    const verdicts = element("div", "verdicts");
    verdicts.append(verdict(one, "accept", "Accept", own), verdict(one, "return", "Return"));
    tile.classList.add("waits");
    tile.append(verdicts);
  }
  return tile;
}

function tick(one, ticked) {
  const label = element("label", "tick");
  const box = element("input", "");
  box.type = "checkbox";
  box.checked = ticked;
  box.value = one.id;
  box.ariaLabel = `Select ${one.name}`;
  label.append(box);
  return label;
}

/** Show who has an image open, [{id, name}], on its tile. */
function showPeople(tile, people) {
  const chips = people.slice(0, 2).map(({ id, name }) => {
    const chip = element("span", "", name);
    chip.style.setProperty("--own", `hsl(${Math.round(id * 360 / 1.618) % 360} 65% 45%)`); // as on the surface
    chip.title = `${name} has this open`;
    return chip;
  });
  if (people.length > 2) {
    const more = element("span", "more", `+${people.length - 2}`);
    more.title = people.slice(2).map(({ name }) => name).join(", ");
    chips.push(more);
  }
  tile.querySelector(".people").replaceChildren(...chips);
}

/** Ask who has which image open, now and then, for as long as the grid is there. */
function follow(grid, address, seconds) {
  if (!address || grid.asking) return;
  const ask = async () => {
    if (!grid.isConnected) return;
    const tiles = [...grid.querySelectorAll(".tile")];
    if (!document.hidden && tiles.length) {
      try {
        const reply = await fetch(`${address}?images=${tiles.map((tile) => tile.dataset.id)}`);
        if (reply.ok) {
          const there = await reply.json();
          for (const tile of tiles) showPeople(tile, there[tile.dataset.id] ?? []);
        }
      } catch { /* the studio is away for a moment */ }
    }
    clearTimeout(grid.asking);
    grid.asking = setTimeout(ask, 1000 * seconds);
  };
  ask();
}

function rest(grid) {
  clearTimeout(grid.asking);
  grid.asking = undefined;
}

/** A larger picture beside the tile that is pointed at or has the focus; nothing on it takes a click. */
function previews(grid, box, tiles, masks) {
  const hide = () => {
    clearTimeout(box.waiting);
    if (box.matches(":popover-open")) box.hidePopover();
  };
  const show = (tile) => {
    const one = tiles.find(({ id }) => String(id) === tile.dataset.id);
    if (!one || !tile.isConnected) return;
    const at = tile.getBoundingClientRect();
    const right = innerWidth - at.right, onRight = right >= at.left;
    const room = Math.min(PREVIEW, (onRight ? right : at.left) - 24);
    const scale = Math.min(room / one.width, Math.min(PREVIEW, innerHeight - 24) / one.height);
    const [width, height] = [one.width, one.height].map((side) => Math.max(1, Math.round(side * scale)));
    const small = tile.querySelector(".photograph"); // it is there already
    box.style.cssText = `width: ${width}px; height: ${height}px; background-image: url("${small.src}")`;
    box.replaceChildren(picture(one.preview, "", one.name));
    if (masks && one.mask) box.append(picture(one.maskPreview, "mask", ""));
    box.showPopover();
    const top = Math.min(Math.max(12, at.top + (at.height - height) / 2), innerHeight - height - 12);
    box.style.top = `${top}px`;
    box.style.left = `${onRight ? at.right + 12 : at.left - 12 - width}px`;
  };
  const soon = (event, wait) => {
    hide();
    const tile = event.target.closest?.(".tile");
    if (tile) box.waiting = setTimeout(show, wait, tile);
  };
  const gone = new AbortController();
  const on = (kind, run) => grid.addEventListener(kind, run, { signal: gone.signal });
  on("pointerover", (event) => {
    const from = event.relatedTarget?.closest?.(".tile");
    if (event.pointerType !== "touch" && from !== event.target.closest(".tile")) soon(event, HOVER);
  });
  on("focusin", (event) => {
    if (event.target.matches("a:focus-visible")) soon(event, FOCUS);
  });
  on("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  for (const kind of ["pointerleave", "pointerdown", "focusout"]) on(kind, hide);
  window.addEventListener("scroll", hide, { capture: true, passive: true, signal: gone.signal });
  return () => {
    hide();
    gone.abort();
  };
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const grid = parentElement.querySelector(".gallery");
  const boxes = () => [...grid.querySelectorAll("input")];
  const ticked = () => boxes().filter((box) => box.checked).map((box) => Number(box.value));
  const chosen = new Set(data.chosen);
  const own = new Map(grid.turn === data.turn ? boxes().map((box) => [Number(box.value), box.checked]) : []);
  const isTicked = (id) => own.get(id) ?? chosen.has(id);
  const tiles = JSON.stringify(data.tiles);
  if (grid.tiles !== tiles) {
    grid.replaceChildren(...data.tiles.map((one) => draw(one, isTicked(one.id), data.turn !== null)));
    grid.last = undefined;
    rest(grid);
  } else {
    for (const box of boxes()) box.checked = isTicked(Number(box.value));
  }
  follow(grid, data.present, data.seconds);
  grid.tiles = tiles;
  grid.turn = data.turn;
  grid.classList.toggle("masks", data.masks);
  grid.leave?.();
  grid.leave = previews(grid, parentElement.querySelector(".preview"), data.tiles, data.masks);

  grid.onclick = (event) => {
    const link = event.target.closest("a");
    const said = event.target.closest("button.verdict");
    if (said) {
      const { timeStamp, x, y } = event, before = grid.judged;
      if (before && timeStamp - before.timeStamp < SECOND_CLICK && Math.hypot(x - before.x, y - before.y) < 20) return;
      grid.judged = { timeStamp, x, y };
      const { id, strokes } = data.tiles.find((one) => String(one.id) === said.dataset.id);
      setTriggerValue("verdict", { id, strokes, what: said.dataset.what });
    } else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
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
  return () => {
    grid.leave?.();
    rest(grid);
  };
}
