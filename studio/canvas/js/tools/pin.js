// Pins: comments at a place of the image.
import { toImage, toStage } from "../view.js";
import { make } from "./dom.js";
import { distance } from "./geometry.js";
import { nameOf, pressed } from "./keys.js";

const RADIUS = 11; // of a pin, stage pixels
const ROOM = { width: 264, height: 44 }; // of the text field

/** The pin tool: click, write, Enter. `drawPins` shows all pins whatever the tool. */
export function createPin(surface) {
  let field = null; // {form, at}
  let shown = null; // the bubble of the pin under the pointer
  let described = null; // its comment

  const located = () => surface.live.comments().filter((comment) => Number.isFinite(comment.x));
  const over = (point) => {
    const { scale } = surface.view();
    return point && located().findLast(({ x, y }) => distance([x, y], point) * scale <= RADIUS + 2);
  };
  const place = (element, at, view, { width, height }) => {
    const [x, y] = toStage(view, at);
    element.style.left = `${Math.max(8, Math.min(x + 16, surface.stage.width - width - 8))}px`;
    element.style.top = `${Math.max(8, Math.min(y - height / 2, surface.stage.height - height - 8))}px`;
  };

  const close = () => {
    field?.form.remove();
    field = null;
    surface.redraw("overlay");
  };
  const send = async (event) => {
    event.preventDefault();
    const { form, at } = field, input = form.elements.text;
    if (!input.value.trim()) return close();
    input.disabled = true;
    try {
      const [x, y] = at.map((value) => Math.round(value * 10) / 10);
      await surface.api("comments", { x, y, text: input.value.trim() });
      if (field?.form === form) close();
      surface.ask();
      surface.event?.({ kind: "pin" });
    } catch (error) {
      surface.hint(`The comment is not saved: ${error.message}.`);
      input.disabled = false;
      input.focus();
    }
  };
  const ask = (at) => {
    close();
    const input = make("input", { name: "text", maxlength: 2000, placeholder: "Comment", autocomplete: "off",
      "aria-label": "Comment at this place", onkeydown: (event) => nameOf(event) === "escape" && close() });
    const form = make("form", { class: "ftl-card ftl-comment", onsubmit: send }, input,
      make("button", { type: "submit", class: "labelled primary" }, "Add"));
    field = { form, at };
    surface.root.append(form);
    place(form, at, surface.view(), ROOM);
    input.focus({ preventScroll: true });
    surface.redraw("overlay");
  };

  const tell = (comment) => {
    if (comment?.id === described?.id) return;
    described = comment;
    shown?.remove();
    shown = comment ? make("div", { class: "ftl-card ftl-bubble", role: "tooltip" },
      make("b", {}, comment.author), make("span", {}, comment.text)) : null;
    if (!shown) return;
    surface.root.append(shown);
    place(shown, [comment.x, comment.y], surface.view(), shown.getBoundingClientRect());
  };

  surface.stage.element?.addEventListener("pointermove", (event) => { // whatever the tool
    if (!surface.view() || event.buttons) return;
    const { left, top } = surface.stage.element.getBoundingClientRect();
    tell(over(toImage(surface.view(), [event.clientX - left, event.clientY - top])) ?? null);
  });

  return {
    name: "pin", letter: "P", label: "Pin a comment", icon: "pin", cursor: "crosshair",
    what: "Leaves a comment for others at a place of the photograph.",
    help: "Click where the comment belongs.",
    down(point) {
      this.at = over(point) ? null : point;
      if (!this.at) tell(over(point)); // a finger does not hover
    },
    up() {
      if (this.at) ask(this.at);
      this.at = null;
    },
    cancel() {
      this.at = null;
      close();
    },
    key(event) {
      if (!field || pressed(event) !== "escape") return false;
      close();
      return true;
    },
    options: () => [],
    drawPins(context, view) {
      located().forEach((comment, index) => drawPin(context, toStage(view, [comment.x, comment.y]), String(index + 1)));
      if (described && shown) place(shown, [described.x, described.y], view, shown.getBoundingClientRect());
      if (!field) return;
      drawPin(context, toStage(view, field.at), "+");
      place(field.form, field.at, view, ROOM);
    },
  };
}

function drawPin(context, [x, y], text) {
  context.save();
  context.beginPath();
  context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: "#ffd60a", strokeStyle: "#1b1b1f", lineWidth: 1.5, textAlign: "center",
    textBaseline: "middle", font: "600 11px system-ui, sans-serif", shadowColor: "rgb(0 0 0 / 0.35)", shadowBlur: 4 });
  context.fill();
  context.shadowBlur = 0;
  context.stroke();
  context.fillStyle = "#1b1b1f";
  context.fillText(text, x, y + 0.5);
  context.restore();
}
