import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutbox, memoryStore, openStore } from "../../studio/canvas/js/outbox.js";

const ADA = { id: 1, name: "Ada" }, BOB = { id: 2, name: "Bob" };
const IMAGE = { id: 7, project: 3, name: "bridge.jpg", file: "/files/3/images/7" };
const OTHER = { id: 8, project: 3, name: "pier.jpg", file: "/files/3/images/8" };
const row = (id, more = {}) =>
  ({ id, kind: "brush", class_number: 1, geometry: { points: [[1, 1]], width: 3 }, ...more });
const undo = (id, stroke) => row(id, { kind: "undo", class_number: 0, geometry: stroke ? { stroke } : {} });
const rest = async () => { for (let turn = 0; turn < 40; turn++) await new Promise(setImmediate); };

/** A clock that stands still until it is told to go on. */
const clockOf = () => {
  const waits = [];
  let time = 1_000_000;
  return {
    waits,
    now: () => time,
    setTimeout: (act, ms) => waits[waits.push({ act, at: time + ms, ms }) - 1],
    clearTimeout: (wait) => { if (waits.includes(wait)) waits.splice(waits.indexOf(wait), 1); },
    async on(ms) {
      time += ms;
      for (let due; (due = waits.findIndex((wait) => wait.at <= time)) >= 0;) waits.splice(due, 1)[0].act();
      await rest();
    },
  };
};
const lasting = (kept = new Map()) => ({ ...memoryStore(kept), lasts: true });

/** An outbox and the studio that it sends to: `answer(image, rows)` may throw a status, a text, or give a reply. */
const made = (options = {}) => {
  const studio = { log: [], requests: [], replies: [], dropped: [], answer: () => {}, held: null };
  const clock = clockOf(), events = new EventTarget(), kept = options.kept ?? new Map();
  const outbox = createOutbox({
    user: ADA, clock, events, store: lasting(kept),
    onreply: (image, reply) => studio.replies.push([image.id, reply]),
    ondrop: (image, ids) => studio.dropped.push([image.id, ids]),
    async send(image, rows) {
      studio.requests.push([image.id, rows.map((one) => one.id)]);
      if (studio.held) await studio.held;
      const status = studio.answer(image, rows);
      if (status) throw Object.assign(new Error(`no: ${status}`), { status: status === "silent" ? undefined : status });
      for (const one of rows) if (!studio.log.includes(one.id)) studio.log.push(one.id);
      return { position: studio.log.length, taken: rows.map((one) => one.id) };
    },
    ...options,
  });
  return { outbox, studio, clock, events, kept };
};

test("rows are kept before they are sent, go in order, and are forgotten once they are taken", async () => {
  const steps = [], kept = new Map(), store = lasting(kept);
  const { outbox, studio } = made({ kept, store: { ...store, put: async (entry) => {
    await rest();
    steps.push(`kept ${entry.id}`);
    await store.put(entry);
  } } });
  studio.answer = (_, rows) => void steps.push(`sent ${rows.map((one) => one.id)}`);
  outbox.add(IMAGE, row("a"));
  outbox.add(IMAGE, row("b"));
  assert.deepEqual(outbox.waiting(7).map((one) => one.id), ["a", "b"]);
  assert.equal(outbox.status().saved, false);
  for (let turn = 0; turn < 4; turn++) await rest();
  assert.ok(steps.indexOf("kept a") < steps.findIndex((step) => step.startsWith("sent a")), steps.join());
  assert.deepEqual(studio.log, ["a", "b"]);
  assert.deepEqual(outbox.status(), { saved: true, waiting: 0, groups: [], others: [], kept: true });
  assert.equal(kept.size, 0);
  assert.equal(studio.replies.at(-1)[1].position, 2);
});

test("one request at a time; what is drawn meanwhile goes together in the next, image by image", async () => {
  const { outbox, studio } = made();
  await outbox.ready;
  let answer;
  studio.held = new Promise((resolve) => { answer = resolve; });
  outbox.add(IMAGE, row("a"));
  await rest();
  [[IMAGE, "b"], [OTHER, "c"], [IMAGE, "d"]].forEach(([image, id]) => outbox.add(image, row(id)));
  await rest();
  assert.deepEqual(studio.requests, [[7, ["a"]]]);
  studio.held = null;
  answer();
  await rest();
  assert.deepEqual(studio.requests, [[7, ["a"]], [7, ["b", "d"]], [8, ["c"]]]);
});

test("no request is too large: a hundred rows, a megabyte", async () => {
  const { outbox, studio } = made();
  const large = { counts: Array(200_000).fill(1), size: [1, 1] };
  for (let index = 0; index < 130; index++) outbox.add(IMAGE, row(`s${index}`));
  for (let index = 0; index < 4; index++) outbox.add(IMAGE, row(`l${index}`, { kind: "region", geometry: large }));
  await rest();
  assert.deepEqual(studio.requests.map(([, ids]) => ids.length), [1, 100, 31, 2]); // the first is not waited with
});

test("while the studio does not answer it is asked after 1, 2, 4, 8, 10, 10 s, and at once when the line is back",
  async () => {
    const { outbox, studio, clock, events } = made();
    for (const status of ["silent", 503, 429, 401]) {
      studio.answer = () => status;
      outbox.add(IMAGE, row(`of ${status}`));
      await rest();
      const pauses = [];
      for (let turn = 0; turn < 6; turn++) {
        assert.equal(clock.waits.length, 1);
        pauses.push(clock.waits[0].ms);
        outbox.add(IMAGE, row(`${turn} of ${status}`)); // drawing on does not ask more often
        await rest();
        assert.equal(clock.waits.length, 1);
        await clock.on(clock.waits[0].ms);
      }
      assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 10000, 10000]);
      const { groups: [group], waiting } = outbox.status();
      assert.equal(waiting, 7);
      assert.deepEqual([group.image, group.file, group.count, group.why, group.refused, group.stored],
        [7, "bridge.jpg", 7, `no: ${status}`, false, true]);
      studio.answer = () => {};
      events.dispatchEvent(new Event("online"));
      await rest();
      assert.equal(outbox.status().saved, true);
    }
  });

test("a line that comes back during a request is used at once if that request is lost", async () => {
  const { outbox, studio, clock, events } = made();
  let lose;
  studio.held = new Promise((resolve) => { lose = resolve; });
  studio.answer = () => "silent";
  outbox.add(IMAGE, row("a"));
  await rest();
  events.dispatchEvent(new Event("online"));
  studio.held = null;
  lose();
  studio.answer = () => (studio.requests.length > 1 ? null : "silent");
  await rest();
  assert.deepEqual(studio.log, ["a"]);
  assert.equal(clock.waits.length, 0);
});

test("after a restart everything of this user is sent, in order; that of others is kept and named", async () => {
  const kept = new Map();
  const first = made({ kept });
  first.studio.answer = () => "silent";
  ["a", "b"].forEach((id) => first.outbox.add(IMAGE, row(id)));
  first.outbox.add(OTHER, row("c"));
  await rest();
  first.outbox.dispose();
  const bob = made({ kept, user: BOB });
  bob.outbox.add(IMAGE, row("x"));
  await rest();
  assert.deepEqual(bob.studio.log, ["x"]);
  assert.deepEqual(bob.outbox.status().others, [{ name: "Ada", count: 3 }]);
  assert.equal(bob.outbox.status().saved, true);
  assert.equal(kept.size, 3);
  const again = made({ kept });
  let answer;
  again.studio.held = new Promise((resolve) => { answer = resolve; });
  again.outbox.add(IMAGE, row("d"));
  await again.outbox.ready;
  assert.deepEqual(again.outbox.waiting(7).map((one) => one.id), ["a", "b", "d"]);
  answer();
  await rest();
  assert.deepEqual(again.studio.log.filter((id) => id !== "c"), ["a", "b", "d"]);
  assert.ok(again.studio.log.includes("c"));
  assert.equal(kept.size, 0);
});

test("copies that another tab has dropped are not sent; if the store cannot be read they are", async () => {
  const kept = new Map(), first = made({ kept });
  first.studio.answer = () => "silent";
  ["dropped", "b"].forEach((id) => first.outbox.add(IMAGE, row(id)));
  first.outbox.add(OTHER, row("c"));
  await rest();
  const store = lasting(kept), second = made({ kept, store });
  second.studio.answer = () => "silent";
  second.outbox.add(IMAGE, row("own"));
  await rest();
  assert.equal(second.outbox.status().waiting, 4);
  const before = second.studio.requests.length;
  first.outbox.drop({ image: 7, ids: ["dropped"] });
  await rest();
  second.studio.answer = () => {};
  await second.clock.on(10_000);
  assert.deepEqual(second.studio.requests.slice(before), [[7, ["b", "own"]], [8, ["c"]]]);
  assert.deepEqual(second.studio.dropped, [[7, ["dropped"]]]);
  assert.equal(second.outbox.status().saved, true);
  first.studio.answer = () => {};
  await first.clock.on(10_000); // it drew them itself: they are sent again, and taken once
  assert.equal(first.outbox.status().saved, true);
  first.studio.answer = () => "silent";
  first.outbox.add(IMAGE, row("d"));
  await rest();
  let reads = 0;
  const all = async () => { if (reads++) throw new Error("broken"); return store.all(); };
  const third = made({ kept, store: { ...store, all } });
  await rest();
  assert.deepEqual(third.studio.log, ["d"]);
});

test("one bad row is found among many; the others go on, an undo of it waits with it", async () => {
  const { outbox, studio } = made();
  studio.answer = (_, rows) => (rows.some((one) => one.id === "bad" || one.geometry.stroke === "bad") ? 400 : null);
  ["a", "bad", "c"].forEach((id) => outbox.add(IMAGE, row(id)));
  outbox.add(IMAGE, undo("u", "bad"));
  outbox.add(IMAGE, row("d"));
  await rest();
  outbox.add(IMAGE, undo("v"));
  await rest();
  assert.deepEqual(studio.log, ["a", "c", "d"]);
  const { groups } = outbox.status();
  assert.deepEqual(groups.map((group) => [group.count, group.refused, group.why]), [[3, true, "no: 400"]]);
  assert.deepEqual(JSON.parse(outbox.text(groups[0])).map((one) => [one.id, one.file, one.user]),
    [["bad", "bridge.jpg", "Ada"], ["u", "bridge.jpg", "Ada"], ["v", "bridge.jpg", "Ada"]]);
  outbox.drop(groups[0]);
  await rest();
  assert.deepEqual(studio.dropped, [[7, ["bad", "u", "v"]]]);
  assert.equal(outbox.status().saved, true);
});

test("where an image takes nothing more, all of it waits for its user, other images do not", async () => {
  const { outbox, studio, kept } = made();
  studio.answer = (image) => (image.id === 7 ? 403 : null);
  ["a", "b"].forEach((id) => outbox.add(IMAGE, row(id)));
  outbox.add(OTHER, row("c"));
  await rest();
  outbox.add(IMAGE, row("d"));
  await rest();
  assert.deepEqual(studio.log, ["c"]);
  assert.ok(studio.requests.filter(([image]) => image === 7).length <= 2, "no row is tried behind a refused one");
  const [group] = outbox.status().groups;
  assert.deepEqual([group.count, group.refused, kept.size], [3, true, 3]);
  studio.answer = () => {};
  outbox.retry(group);
  await rest();
  assert.deepEqual(studio.log, ["c", "a", "b", "d"]);
  assert.equal(kept.size, 0);
});

test("413: many rows are sent one at a time, one that is too large is refused alone", async () => {
  const { outbox, studio } = made();
  await outbox.ready;
  studio.answer = (_, rows) => (rows.length > 1 || rows[0].id === "large" ? 413 : null);
  ["a", "large", "b"].forEach((id) => outbox.add(IMAGE, row(id)));
  await rest();
  assert.deepEqual(studio.log, ["a", "b"]);
  assert.deepEqual(outbox.status().groups.map((group) => group.ids), [["large"]]);
});

test("a full or missing store: rows are sent all the same, and the page asks before it is left", async () => {
  const put = async () => { throw new Error("full"); };
  const full = { lasts: true, all: async () => [], put, delete: async () => {} };
  const broken = { ...full, all: async () => { throw new Error("broken"); } };
  for (const store of [full, broken, memoryStore(), await openStore()]) {
    const { outbox, studio, events } = made({ store });
    studio.answer = () => "silent";
    outbox.add(IMAGE, row("a"));
    await rest();
    assert.equal(outbox.status().groups[0].stored, false);
    const leave = new Event("beforeunload", { cancelable: true });
    events.dispatchEvent(leave);
    assert.ok(leave.defaultPrevented);
    studio.answer = () => {};
    events.dispatchEvent(new Event("online"));
    await rest();
    assert.deepEqual(studio.log, ["a"]);
  }
  const { outbox, studio, events } = made();
  studio.answer = () => "silent";
  outbox.add(IMAGE, row("a"));
  await rest();
  const leave = new Event("beforeunload", { cancelable: true });
  events.dispatchEvent(leave);
  assert.ok(!leave.defaultPrevented, "it is kept in the browser");
});

test("a page that is left sends what waits, the request under way included, and what is lost comes again", async () => {
  const kept = new Map(), { outbox, studio, events } = made({ kept });
  await outbox.ready;
  studio.held = new Promise(() => {});
  outbox.add(IMAGE, row("a"));
  await rest();
  outbox.add(IMAGE, row("b"));
  outbox.add(OTHER, row("c"));
  events.dispatchEvent(new Event("pagehide"));
  assert.deepEqual(studio.requests, [[7, ["a"]], [7, ["a", "b"]], [8, ["c"]]]);
  await rest();
  const next = made({ kept });
  await rest();
  assert.deepEqual(next.studio.log, ["a", "b", "c"]);
});

test("a mistake in whoever hears of a reply does not stop the sending", async () => {
  const { outbox, studio } = made({ onreply: () => { throw new Error("mistake"); } });
  const heard = [], hear = (error) => heard.push(error.message);
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", hear);
  try {
    outbox.add(IMAGE, row("a"));
    await rest();
    outbox.add(IMAGE, row("b"));
    await rest();
  } finally {
    process.removeAllListeners("uncaughtException");
    before.forEach((listener) => process.on("uncaughtException", listener));
  }
  assert.deepEqual([studio.log, heard], [["a", "b"], ["mistake", "mistake"]]);
});

test("through 300 random cuts each row arrives once and in order", async () => {
  let seed = 5;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const kept = new Map(), log = [], clock = clockOf();
  let current = made({ kept, clock });
  const restart = () => {
    current.outbox.dispose();
    current = made({ kept, clock, send: async (image, rows) => {
      const way = next();
      if (way < 0.2) throw new Error("cut on the way there");
      for (const one of rows) if (!log.includes(one.id)) log.push(one.id);
      if (way < 0.4) throw new Error("cut on the way back");
      if (way < 0.5) throw Object.assign(new Error("full disk"), { status: 503 });
      return { position: log.length, taken: rows.map((one) => one.id) };
    } });
  };
  restart();
  const drawn = [];
  for (let turn = 0; turn < 300; turn++) {
    if (next() < 0.1) {
      clock.on(1); // no browser starts within the same millisecond
      restart();
    }
    drawn.push(`s${turn}`);
    current.outbox.add(IMAGE, row(`s${turn}`));
    if (next() < 0.5) await rest();
    if (next() < 0.3) await clock.on(10_000);
  }
  while (!current.outbox.status().saved) await clock.on(10_000);
  assert.deepEqual(log, drawn);
  assert.equal(kept.size, 0);
});
