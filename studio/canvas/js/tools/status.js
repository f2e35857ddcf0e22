// What is saved and what is not: one line, and buttons where a person has to decide.
import { button, drawn, make } from "./dom.js";

const counted = (count) => `${count} stroke${count === 1 ? "" : "s"}`;

/** What the line says: {icon, text, groups: those of the outbox that do not get through, others: of other people}.
 *  `unfinished`: {tool} of a shape that was begun, of which nothing is saved, or null. */
export function statusOf({ waiting = 0, groups = [], others = [] }, trouble, unfinished = null) {
  const stuck = groups.filter((group) => group.refused || group.why);
  const say = (icon, text) => ({ icon, text, groups: stuck, others });
  if (stuck.length) return say("warning", "Not saved");
  if (trouble) return say("warning", sentence(trouble));
  if (waiting) return say("wait", "Saving");
  return unfinished ? say(unfinished.tool.icon, `Unfinished ${unfinished.tool.label.toLowerCase()}`) : say("check", "Saved");
}

/** A sentence about strokes that are not saved. */
export function groupText({ count, file, why, stored }) {
  const kept = stored ? "kept in this browser" : "kept in this tab only";
  return `${counted(count)}${file ? ` on ${file}` : ""} not saved, ${kept}: ${why ?? "the studio does not answer"}.`;
}

/** A sentence about strokes that another user of this browser left. */
export const otherText = ({ name, count }) =>
  `${counted(count)} of ${name} ${count === 1 ? "waits" : "wait"} in this browser until ${name} signs in.`;

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** The status line: {element, update(), trouble(text)}. */
export function createStatus(surface) {
  const line = make("div", { class: "line", role: "status" });
  const list = make("div", { class: "groups" });
  const element = make("div", { class: "ftl-status" }, list, line);
  let trouble = null, before = null;

  const rowOf = (group) => {
    const { outbox } = surface;
    const drop = button({ text: "Drop", title: "Drop these strokes for good" }, () => {
      if (drop.dataset.sure) return outbox.drop(group);
      drop.dataset.sure = "1";
      drop.lastChild.textContent = `Drop ${counted(group.count)}?`;
    });
    return make("div", { class: "notice", role: "alert" }, drawn("warning"), make("span", {}, groupText(group)),
      make("div", { class: "buttons" },
        button({ text: "Try again", title: "Send them again", class: "labelled primary" }, () => outbox.retry(group)),
        button({ text: "Download", title: "Save them as a file" }, () => outbox.download(group)),
        group.refused && drop));
  };

  const self = {
    element,
    update() {
      const { icon, text, groups, others } = statusOf(surface.outbox?.status() ?? {}, trouble, surface.unfinished());
      const now = JSON.stringify([icon, text, groups, others]);
      if (now === before) return;
      before = now;
      element.dataset.state = icon;
      line.replaceChildren(drawn(icon), make("span", {}, text));
      list.replaceChildren(...groups.map(rowOf), ...others.map((one) =>
        make("div", { class: "notice" }, drawn("wait"), make("span", {}, otherText(one)))));
    },
    trouble(text) {
      trouble = text;
      self.update();
    },
  };
  return self;
}
