// The project's networks that draw masks: which there are, how sure they must be, and what was refused of them.
import { whereOf } from "../rasterise.js";

const AGAIN = 5000; // ms after which it is asked again how far the training of a network is
const GONE = 0.5; // an area is gone if more than this share of it was refused, or is drawn already

/** A source of proposals. `changed()`: the slider or a choice is another, so what is shown is to be asked for again.
 *  `now()`: ms; for tests. */
export function createNetworks(surface, changed, now = () => performance.now()) {
  let known = null; // {networks, training}: what the studio said last
  let asked = null, at = 0; // the id of the image that it was asked about, and when
  let key = null, over = false; // the network that was chosen; whether it may propose what is drawn already
  const percents = {}, refused = new Map(); // by network; by image and network: [area]

  const placeOf = (source) => `${surface.image.id} ${source.key}`;
  const networks = () => known?.networks ?? [];
  const chosen = () => networks().find((one) => one.key === key) ?? networks()[0] ?? null;
  const percent = () => percents[chosen().key] ?? chosen().percent;

  /** Ask once an image which networks there are, and while one is trained now and then; `then(waiting)` hears, the first
   *  time, of areas that wait for a decision, or null. */
  async function load(then = () => {}) {
    const { id } = surface.image, first = asked !== id;
    if (!first && !(known?.training && now() - at > AGAIN)) return;
    [asked, at] = [id, now()];
    try {
      const { networks, waiting, training } = await surface.api("proposals");
      if (asked !== id) return;
      known = { networks: networks.map(keyed), training };
      if (first && surface.image.id === id) then(waiting && keyed(waiting));
      surface.set({});
    } catch (error) {
      if (asked === id) asked = null;
      if (surface.image.id === id) surface.hint(`The networks cannot be listed: ${error.message}.`);
    }
  }

  return {
    load,
    chosen,
    get loaded() {
      return known !== null;
    },
    /** Whether a network that draws masks is being trained, or waits for that. */
    get training() {
      return Boolean(known?.training);
    },
    /** What is said where no network can be chosen. */
    get missing() {
      if (!known) return "Looking for networks …";
      if (!known.training) return "No network yet";
      const { percent } = known.training;
      return percent === null ? "A network waits to be trained" : `A network is being trained: ${percent} %`;
    },
    /** Let it be asked again which networks there are. */
    forget() {
      asked = null;
    },
    use(source, at) {
      key = source.key;
      percents[key] ??= at;
    },
    /** What is asked of the server. */
    question(least) {
      const { job, network } = chosen();
      return { kind: "network", job, network, percent: percent(), least, over };
    },
    /** What the strokes say of themselves that are made of a network's areas. */
    origin: (source) => ({ proposed_by: source.title, over }),
    refuse(source, area) {
      refused.set(placeOf(source), [...refused.get(placeOf(source)) ?? [], area]);
    },
    takeBack(source, area) {
      refused.set(placeOf(source), (refused.get(placeOf(source)) ?? []).filter((other) => other !== area));
    },
    /** The areas that are still to be decided. */
    open: (source, areas) => areas.filter((area) =>
      shareOf(area, refused.get(placeOf(source)) ?? []) <= GONE && (over || drawnShare(area, surface) <= GONE)),
    /** Which network is asked, where there are several. */
    choice: () => networks().length < 2 ? [] : [
      { type: "select", label: "Network", value: chosen().key,
        choices: networks().map(({ key, title }) => ({ value: key, label: title })), set(value) {
          key = value;
          surface.set({});
          changed();
        } },
    ],
    /** What the chosen network is asked with, while its areas are seen. */
    settings: () => chosen() ? [
      { type: "slider", label: "Sure from", value: percent(), min: 1, max: 99, step: 1, text: (value) => `${value} %`,
        set(value) {
          percents[chosen().key] = value;
          surface.set({});
          changed();
        } },
      { type: "toggle", icon: "over", label: "Also where something is drawn", value: over, set(value) {
        over = value;
        surface.set({});
        changed();
      } },
    ] : [],
    /** What trains the chosen network further, where there is more to learn and the user may. */
    further() {
      const { job, network, further } = chosen() ?? {};
      if (!further?.more && !further?.runs) return [];
      if (further.runs) return [{ type: "text", label: "Is being trained further" }];
      const many = further.more === 1 ? "1 photograph" : `${further.more} photographs`;
      return [{ type: "button", label: "Train again", title: `Train it further: ${many} drawn since`, async set() {
        try {
          await surface.api("proposals/further", { job, network });
          further.runs = true;
          surface.hint("It is trained further in the background: the page Jobs shows how far it is.");
        } catch (error) {
          surface.hint(`It is not trained further: ${error.message}.`);
        }
        surface.set({});
      } }];
    },
    /** Which class each of the chosen network's several classes becomes; "" where the user's choice is that of all. */
    get legend() {
      const { classes } = chosen() ?? { classes: [] };
      if (classes.length < 2) return "";
      const becomes = ({ name, number }) =>
        `${name} as ${surface.classes.find((one) => one.number === number)?.name ?? "the chosen class"}`;
      return `${classes.map(becomes).join(", ")}. `;
    },
  };
}

const keyed = (network) => ({ ...network, key: `${network.job} ${network.network}` });

/** The share 0..1 of an area's pixels that others have too. */
export function shareOf(area, others) {
  const [left, top, width, height] = area.box, inside = whereOf(area);
  let shared = 0;
  const counted = new Uint8Array(inside.length);
  for (const other of others) {
    const [x, y, wide, high] = other.box, where = whereOf(other);
    for (let row = Math.max(top, y); row < Math.min(top + height, y + high); row++)
      for (let column = Math.max(left, x); column < Math.min(left + width, x + wide); column++) {
        const at = (row - top) * width + column - left;
        if (!inside[at] || counted[at] || !where[(row - y) * wide + column - x]) continue;
        counted[at] = 1;
        shared += 1;
      }
  }
  return shared / area.pixels;
}

/** The share 0..1 of an area's pixels that are of a class in this browser's mask, with what is not sent yet. */
function drawnShare(area, { mask, image }) {
  if (!mask?.values) return 0;
  const [left, top, width] = area.box;
  let drawn = 0;
  whereOf(area).forEach((inside, at) => {
    if (inside && mask.values[(top + Math.floor(at / width)) * image.width + left + at % width]) drawn += 1;
  });
  return drawn / area.pixels;
}
