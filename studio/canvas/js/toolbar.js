// The toolbars on the stage: tools at the left, classes and options above, the rest at the right, what is saved below.
import { colourOf } from "./company.js";
import { chooseClass, DEFAULTS, openProject, toggleClass } from "./state.js";
import { button, drawn, make, mark } from "./tools/dom.js";
import { meaningOf, pressed } from "./tools/keys.js";
import { createControls } from "./tools/controls.js";
import { createSheet } from "./tools/sheet.js";
import { createStatus } from "./tools/status.js";
import { fit, zoomAt, zoomTo } from "./view.js";

const STEP = 1.25; // of a zoom button
const HINT = 5000; // ms
const sentence = (text) => text[0].toUpperCase() + text.slice(1);
const NARROW = 640, TWO_ROWS = 800; // pixels, as in surface.css

/** A tool's tooltip, and its name for screen readers. */
export function namesOf({ label, letter, what }) {
  const name = letter ? `${label} (${letter})` : label;
  return { title: what ? `${name}: ${what}` : name, "aria-label": name };
}

/** What the toolbars cover of a stage of this width, for view.js. */
export function insetOf(width, panels) {
  if (!panels) return { left: 0, top: 0, right: 0, bottom: 0 };
  if (width < NARROW) return { left: 0, top: 116, right: 0, bottom: 96 };
  return { left: 60, top: width < TWO_ROWS ? 112 : 60, right: 60, bottom: 44 };
}

/** How a shape that was begun is ended or dropped; `inHand`: the tool that is chosen. */
export function unfinishedText({ tool, way }, inHand) {
  const first = tool === inHand ? "" : `choose ${tool.label} (${tool.letter}), then `;
  return `an unfinished ${tool.label.toLowerCase()}: ${first}${way}, Escape drops it.`;
}

/** Build the toolbars in surface.root. */
export function createToolbar(surface) {
  const { root, state, tools, stage } = surface;
  if (!tools[state.tool]) state.tool = DEFAULTS.tool;
  Object.defineProperty(stage, "inset", { enumerable: true, get: () => insetOf(stage.width, state.panels) });

  const commands = {
    undo: () => surface.undo(),
    redo: () => surface.redo(),
    smaller: () => surface.tool.resize?.(-1),
    larger: () => surface.tool.resize?.(1),
    closer: () => zoom(STEP),
    farther: () => zoom(1 / STEP),
    whole: () => surface.setView(fit(surface.image, stage)),
    actual: () => surface.setView(zoomTo(surface.view(), 1, null, surface.image, stage)),
    next: () => surface.step(1),
    previous: () => surface.step(-1),
    panels: () => surface.set({ panels: !state.panels }),
    sheet: () => sheet.show(),
    full,
  };
  const zoom = (factor) => surface.setView(zoomAt(surface.view(), factor, null, surface.image, stage));
  const choose = (number) => surface.tool.chosen?.(number) || surface.set(chooseClass(state, number));
  const command = (name, label, key, sign = name) =>
    button({ icon: sign, title: key ? `${label} (${key})` : label, "data-command": name }, () => commands[name]());

  const toolButtons = Object.values(tools).map((tool) => button({ icon: tool.icon, "data-tool": tool.name,
    ...namesOf(tool) }, () => surface.set({ tool: tool.name })));
  const grouped = [[], [], []]; // select; what draws; assists
  Object.values(tools).forEach((tool, index) => grouped[tool.reads ? 0 : tool.assist ? 2 : 1].push(toolButtons[index]));
  const toolBar = make("div", { class: "ftl-bar ftl-tools", role: "toolbar", "aria-label": "Tools" },
    grouped.filter((group) => group.length).map((group) => make("div", { class: "group" }, group)));

  const chips = make("div", { class: "ftl-bar ftl-classes", role: "toolbar", "aria-label": "Mask class",
    onwheel: (event) => { chips.scrollLeft += event.deltaY; } });
  const controls = createControls();
  const help = make("span", { class: "ftl-help" });
  const options = make("div", { class: "ftl-bar ftl-options", role: "toolbar", "aria-label": "Options of the tool" },
    controls.element);
  const percent = make("output", { "aria-label": "Zoom", title: "Screen pixels an image pixel" });
  const undo = command("undo", "Undo", "Ctrl+Z"), redo = command("redo", "Redo", "Ctrl+Y");
  const lookButton = button({ icon: "look", "data-command": "look",
    title: "Opacity, brightness, contrast, mask classes shown", "aria-expanded": "false" }, () => openLook(look.hidden));
  const actions = make("div", { class: "ftl-bar ftl-actions", role: "toolbar", "aria-label": "View" },
    make("div", { class: "group" }, undo, redo),
    make("div", { class: "group zoom" }, command("closer", "Closer", "+", "plus"), percent,
      command("farther", "Farther", "-", "minus"), command("whole", "Whole image", "0"), command("actual", "1:1", ".")),
    make("div", { class: "group" }, lookButton, command("full", "Full screen"), command("sheet", "Tools and keys", "?", "help")));

  const lookControls = createControls();
  const shown = make("div", { class: "kinds", role: "group", "aria-label": "Mask classes shown" });
  const look = make("section", { class: "ftl-card ftl-look", hidden: true, "aria-label": "Look" }, lookControls.element,
    make("small", {}, "Mask classes shown"), shown,
    make("footer", {}, button({ text: "Reset", title: "Reset the look" }, () => surface.set({ opacity: DEFAULTS.opacity,
      brightness: DEFAULTS.brightness, contrast: DEFAULTS.contrast, hidden: [],
      hiddenClasses: { ...state.hiddenClasses, [state.project]: [] } }))));

  const banner = make("div", { class: "ftl-banner", role: "status", hidden: true }, drawn("lock"), make("span"));
  const people = make("div", { class: "ftl-people", role: "group", "aria-label": "Also here" });
  const status = createStatus(surface);
  const toast = make("div", { class: "ftl-hint", role: "status", "aria-live": "polite" });
  const back = button({ icon: "look", text: "Toolbars", title: "Show the toolbars (Tab)", class: "labelled ftl-back" },
    () => commands.panels());
  const sheet = createSheet(tools);
  const bars = make("div", { class: "ftl-bars" }, toolBar, make("div", { class: "ftl-top" }, banner, chips, options),
    actions, make("div", { class: "ftl-bottom" }, status.element, help, people), toast, back);
  root.append(bars, look, sheet.element);

  // A click gives the keys to the stage: a space bar must not press the button again.
  for (const part of [bars, look])
    part.addEventListener("mousedown", (event) => {
      if (event.target.closest("input, select")) return;
      event.preventDefault();
      stage.element.focus({ preventScroll: true });
    });
  const openLook = (open) => {
    look.hidden = !open;
    mark(lookButton, "aria-expanded", open);
  };
  const outside = (event) => {
    const path = event.composedPath();
    if (!look.hidden && !path.includes(look) && !path.includes(lookButton)) openLook(false);
  };
  root.addEventListener("pointerdown", outside, true);

  let chipsOf = null, hinted = 0;

  function full() {
    if (root.getRootNode().fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.().catch(() => toolbar.hint("This browser shows no full screen here."));
  }

  function updateClasses() {
    const { classes } = surface;
    const signature = JSON.stringify([state.project, classes]);
    if (signature !== chipsOf) {
      chipsOf = signature;
      const chip = (one, onclick, key) => make("button", { type: "button", class: "chip", "data-class": one.number,
        title: key ? `${one.name} (${one.number})` : one.name, onclick },
        make("i", { class: "swatch", style: `--colour: ${one.colour}` }), make("span", {}, one.name),
        key && make("kbd", {}, one.number));
      chips.replaceChildren(...classes.map((one) =>
        chip(one, () => choose(one.number), one.number < 10)));
      shown.replaceChildren(...classes.map((one) => chip(one, () => surface.set(toggleClass(state, one.number)))));
    }
    for (const one of chips.children) {
      const on = Number(one.dataset.class) === state.classNumber;
      if (on && one.getAttribute("aria-pressed") !== "true" && chips.scrollWidth > chips.clientWidth)
        chips.scrollTo({ left: one.offsetLeft - 40, behavior: "smooth" });
      mark(one, "aria-pressed", on);
    }
    for (const one of shown.children) mark(one, "aria-pressed", !state.hidden.includes(Number(one.dataset.class)));
  }

  function updateLook() {
    const percents = (value) => `${Math.round(value * 100)} %`;
    const slider = (name, label, min, max) => ({ type: "slider", label, value: state[name], min, max, step: 0.05,
      text: percents, set: (value) => surface.set({ [name]: value }) });
    lookControls.update([slider("opacity", "Opacity of masks", 0, 1), slider("brightness", "Brightness", -0.5, 0.5),
      slider("contrast", "Contrast", 0.5, 3)]);
  }

  function updatePeople() {
    const others = new Map(surface.live.people().map((one) => [one.id, one])); // several tabs are one person
    const signature = [...others.values()].map(({ id, name }) => `${id} ${name}`).join("\n");
    if (people.dataset.of === signature) return;
    people.dataset.of = signature;
    people.replaceChildren(...[...others.values()].map(({ id, name }) =>
      make("span", { title: `${name} is on this image`, style: `--colour: ${colourOf(id)}` }, name)));
  }

  const toolbar = {
    /** Show what is true now. */
    update() {
      const { image, tool } = surface;
      if (!image) return;
      if (state.project !== image.project) Object.assign(state, openProject(state, image.project, surface.classes));
      const locked = !image.editable;
      root.classList.toggle("ftl-locked", locked);
      root.classList.toggle("ftl-plain", !state.panels);
      stage.element.style.cursor = locked && !tool.reads ? "not-allowed" : tool.cursor ?? "";
      toolButtons.forEach((one) => {
        const { name, reads } = tools[one.dataset.tool];
        mark(one, "aria-pressed", name === state.tool);
        one.disabled = locked && !reads;
      });
      undo.disabled = redo.disabled = locked;
      updateClasses();
      updateLook();
      updatePeople();
      controls.update(locked ? [] : tool.options?.() ?? []);
      const begun = surface.unfinished();
      help.textContent = locked && !tool.reads ? "" : begun ? sentence(unfinishedText(begun, tool)) : tool.help ?? "";
      options.hidden = !options.querySelector(".control");
      banner.hidden = !locked;
      banner.lastChild.textContent = image.why ?? "This image cannot be drawn on.";
      status.update();
      toolbar.zoomed();
    },
    /** The view has changed. */
    zoomed() {
      const scale = surface.view()?.scale;
      if (scale) percent.textContent = scale < 0.1 ? `${(scale * 100).toFixed(1)} %` : `${Math.round(scale * 100)} %`;
    },
    /** Say something for some seconds. */
    hint(text) {
      clearTimeout(hinted);
      toast.textContent = text ?? "";
      hinted = setTimeout(() => { toast.textContent = ""; }, HINT);
    },
    /** Say for as long as it lasts that the studio is not reached; null: it is again. */
    trouble: (text) => status.trouble(text),
    /** Whether a key was for the toolbar. */
    key(event) {
      const name = pressed(event);
      if (!name || !surface.image) return false;
      const target = event.composedPath()[0];
      if (name === "escape" && !look.hidden) {
        openLook(false);
        return true;
      }
      const meaning = meaningOf(name, tools);
      if (meaning?.command === "panels" && target !== stage.element) return false; // Tab goes on to the next control
      if (event.repeat && !["smaller", "larger", "closer", "farther", "undo", "redo"].includes(meaning?.command))
        return Boolean(meaning);
      if (meaning?.command) commands[meaning.command]();
      else if (meaning?.tool) {
        if (surface.image.editable || tools[meaning.tool].reads) surface.set({ tool: meaning.tool });
      } else if (meaning && surface.classes.some((one) => one.number === meaning.number))
        choose(meaning.number);
      return Boolean(meaning);
    },
  };
  return toolbar;
}
