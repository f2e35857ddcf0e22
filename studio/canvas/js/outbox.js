// Strokes on their way to the log: kept in the browser, under their user, until the studio says that it has them.
// Entry: {id, order, user: {id, name}, image: {id, project, name, file}, row, size, stored, copied}. `copied`: read
// from the store, and not drawn in this tab. Any row may be sent twice: the studio takes it once, by its id.
const BATCH = 100, BYTES = 1_000_000; // most rows and length of a request
const FLUSHED = 60_000; // a page that is being left may send 64 KiB
const FIRST = 1000, LONGEST = 10_000; // ms between attempts while there is no answer
const PATIENCE = 3000; // ms for the browser's store to open
const TROUBLE = new Set([401, 408, 409, 425, 429]); // not the row's fault, nor is 500 and above

/** Send rows in order, one request at a time, those of one image together.
 *
 *  `user`: {id, name}. `send(image, rows) -> reply`: throws an Error, a sentence, with `status` if there was an answer.
 *  `onreply(image, reply)`. `onchange()`: the status is another. `ondrop(image, ids)`: rows that never reach the log.
 *  `store`, `clock`, `events`: for tests. */
export function createOutbox({ user, send, onreply = () => {}, onchange = () => {}, ondrop = () => {},
  store = openStore(), clock = browserClock, events = globalThis.window }) {
  const opened = Promise.resolve(store);
  const refused = new Map(); // by id: why
  const closed = new Map(); // by image id: why nothing of it is taken
  const alone = new Set(); // ids of rows to send one at a time, to find the one that is refused
  let entries = [], others = [], kept = true, last = 0, why = null;
  let timer = null, pause = FIRST, loaded = false, busy = false, again = false, ended = false;

  const isOpen = (entry) => !refused.has(entry.id);

  const ready = opened.then(async (opened) => {
    kept = opened.lasts;
    const found = (await opened.all()).sort((one, other) => one.order - other.order);
    last = Math.max(last, found.at(-1)?.order ?? 0);
    others = found.filter((entry) => entry.user.id !== user.id);
    const had = new Set(entries.map((entry) => entry.id));
    const own = found.filter((entry) => entry.user.id === user.id && !had.has(entry.id));
    entries = [...own.map((entry) => ({ ...entry, stored: true, copied: true })), ...entries];
  }).catch(() => { kept = false; }).then(() => {
    loaded = true;
    onchange();
    run();
  });

  /** Keep a row of an image and send it as soon as can be. */
  function add({ id, project, name, file }, row) {
    last = Math.max(last + 1, clock.now() * 1000);
    const content = { id: row.id, order: last, user, image: { id, project, name, file }, row,
      size: JSON.stringify(row).length };
    const entry = { ...content, stored: null }; // not known yet
    entries.push(entry);
    const reason = closed.get(id) ?? joins(entry);
    if (reason) refused.set(entry.id, reason);
    opened.then((opened) => opened.put(content).then(() => opened.lasts)).catch(() => false).then((lasts) => {
      entry.stored = lasts;
      if (entry.gone) forget([entry]);
      onchange();
      run();
    });
    onchange();
  }

  /** An undo is of the author's last stroke, or of one by its id: it waits with one that is refused, and why. */
  function joins({ image, row }) {
    if (row.kind !== "undo" && row.kind !== "redo") return null;
    const held = entries.filter((entry) => entry.image.id === image.id && refused.has(entry.id));
    const cause = row.geometry.stroke ? held.find((entry) => entry.id === row.geometry.stroke) : held.at(-1);
    return cause && refused.get(cause.id);
  }

  /** The entries of the next request: the oldest that may go, and those of its image behind it. */
  function batch(of = entries.filter(isOpen), most = BYTES, unstored = false) {
    const found = [];
    let size = 0;
    for (const entry of of.filter((entry) => entry.image.id === of[0].image.id)) {
      size += entry.size;
      const full = size > most || found.length === BATCH || alone.has(entry.id) || alone.has(found[0]?.id);
      if ((full && found.length) || (entry.stored === null && !unstored)) break; // it is written before it is sent
      found.push(entry);
    }
    return found;
  }

  async function run() {
    if (!loaded || ended || busy || timer !== null) return;
    busy = true;
    for (let sent; !ended && (sent = batch()).length; again = false) {
      await recheck(sent.filter((entry) => entry.copied));
      sent = sent.filter((entry) => !entry.gone);
      why = sent.length ? await attempt(sent) : null;
      onchange();
      if (why === null) pause = FIRST;
      else if (!again) {
        timer = clock.setTimeout(nudge, pause);
        pause = Math.min(2 * pause, LONGEST);
        break;
      }
    }
    busy = again = false;
  }

  /** Forget copies that the store has no more: another tab, which had them as well, has sent them or given them up. */
  async function recheck(copies) {
    if (!copies.length) return;
    const found = await opened.then((opened) => opened.all()).catch(() => copies); // rather sent twice than lost
    const ids = new Set(found.map((entry) => entry.id));
    abandon(copies.filter((entry) => !ids.has(entry.id)));
  }

  /** Send some entries of an image; what keeps the studio from answering, or null. */
  async function attempt(sent) {
    const { image } = sent[0];
    let reply;
    try {
      reply = await send(image, sent.map((entry) => entry.row));
    } catch (error) {
      if (!error.status || error.status >= 500 || TROUBLE.has(error.status)) return error.message;
      refuse(sent, error);
      return null;
    }
    const taken = new Set(reply?.taken ?? sent.map((entry) => entry.id));
    forget(sent.filter((entry) => taken.has(entry.id)));
    for (const entry of sent) if (!entry.gone) refused.set(entry.id, "the studio did not take it");
    queueMicrotask(() => onreply(image, reply)); // what fails there does not keep the rest from being sent
    return null;
  }

  /** 403: nothing of the image is taken. Else it may be one row of many: they are sent again, each for itself. */
  function refuse(sent, { status, message }) {
    const { image } = sent[0];
    if (status === 403) {
      closed.set(image.id, message);
      entries.filter((entry) => entry.image.id === image.id).forEach((entry) => refused.set(entry.id, message));
    } else if (sent.length > 1) sent.forEach((entry) => alone.add(entry.id));
    else {
      refused.set(sent[0].id, message);
      for (const entry of entries.filter(isOpen)) if (joins(entry)) refused.set(entry.id, message);
    }
  }

  function forget(gone) {
    const ids = gone.map((entry) => entry.id);
    gone.forEach((entry) => { entry.gone = true; }); // its writing may still be under way
    entries = entries.filter((entry) => !entry.gone);
    for (const id of ids) [refused, alone].forEach((one) => one.delete(id));
    opened.then((opened) => opened.delete(ids)).catch(() => {}); // sent again after a restart, and taken once
  }

  /** Forget entries of an image that this tab will not send, and say so. */
  function abandon(gone) {
    if (!gone.length) return;
    forget(gone);
    ondrop(gone[0].image, gone.map((entry) => entry.id));
  }

  /** Try at once. */
  function nudge() {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
    again = busy; // the request under way may have been lost with the line
    run();
  }

  /** Send what waits without waiting for answers, for the page is being left: what does not get through stays kept. */
  function flush() {
    const images = new Set(entries.filter(isOpen).map((entry) => entry.image.id));
    for (const id of images) {
      const sent = batch(entries.filter((entry) => isOpen(entry) && entry.image.id === id), FLUSHED, true);
      attempt(sent).then(onchange);
    }
  }

  const of = (group) => entries.filter((entry) => group.ids.includes(entry.id));

  function status() {
    const groups = new Map(), kin = new Map();
    for (const entry of entries) {
      const [stored, reason] = [entry.stored !== false && kept, refused.get(entry.id) ?? why];
      const key = JSON.stringify([entry.image.id, reason, refused.has(entry.id), stored]);
      const group = groups.get(key) ?? { image: entry.image.id, file: entry.image.name, why: reason,
        refused: refused.has(entry.id), stored, count: 0, ids: [] };
      groups.set(key, Object.assign(group, { count: group.count + 1 }));
      group.ids.push(entry.id);
    }
    for (const { user: { id, name } } of others) kin.set(id, { name, count: (kin.get(id)?.count ?? 0) + 1 });
    return { saved: !entries.length, waiting: entries.length, groups: [...groups.values()], others: [...kin.values()],
      kept };
  }

  const back = () => {
    pause = FIRST;
    nudge();
  };
  const leave = (event) => {
    if (entries.some((entry) => !entry.stored)) event.preventDefault();
  };
  const listeners = { online: back, pagehide: flush, beforeunload: leave };
  for (const [name, act] of Object.entries(listeners)) events?.addEventListener(name, act);

  return {
    add, flush, status,

    /** Resolved once what an earlier tab kept is among what waits. */
    ready,

    /** The rows of an image that the studio has not, in order. */
    waiting: (id) => entries.filter((entry) => entry.image.id === id).map((entry) => entry.row),

    /** Send a refused group once more. */
    retry(group) {
      for (const entry of of(group)) {
        refused.delete(entry.id);
        closed.delete(entry.image.id);
      }
      onchange();
      back();
    },

    /** Give a group up. */
    drop(group) {
      abandon(of(group));
      if (!entries.some((entry) => entry.image.id === group.image)) closed.delete(group.image);
      onchange();
    },

    /** What a group holds, as JSON to keep. */
    text: (group) => JSON.stringify(of(group).map(({ user: by, image, row, order }) =>
      ({ user: by.name, file: image.name, image: image.id, project: image.project,
        drawn: new Date(order / 1000).toISOString(), ...row })), null, 1),

    /** Give a group to the user as a file. */
    download(group) {
      const address = URL.createObjectURL(new Blob([this.text(group)], { type: "application/json" }));
      Object.assign(document.createElement("a"), { href: address, download: "strokes.json" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    },

    dispose() {
      ended = true;
      if (timer !== null) clock.clearTimeout(timer);
      for (const [name, act] of Object.entries(listeners)) events?.removeEventListener(name, act);
    },
  };
}

const browserClock = {
  now: () => Date.now(),
  setTimeout: (act, ms) => setTimeout(act, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** Entries in memory alone: they end with the tab. */
export function memoryStore(entries = new Map()) {
  return {
    lasts: false,
    put: async (entry) => void entries.set(entry.id, structuredClone(entry)),
    all: async () => [...entries.values()],
    delete: async (ids) => ids.forEach((id) => entries.delete(id)),
  };
}

/** The browser's own store, or memory where there is none. */
export async function openStore() {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = request.oncomplete = () => resolve(request.result);
    request.onerror = request.onabort = request.onblocked = () => reject(request.error);
  });
  try {
    const opening = indexedDB.open("ftl", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("outbox", { keyPath: "id" });
    const late = new Promise((_, reject) => setTimeout(reject, PATIENCE));
    const database = await Promise.race([done(opening), late]);
    const change = (act) => {
      const turn = database.transaction("outbox", "readwrite");
      act(turn.objectStore("outbox"));
      return done(turn);
    };
    return {
      lasts: true,
      put: (entry) => change((all) => all.put(entry)),
      all: () => done(database.transaction("outbox").objectStore("outbox").getAll()),
      delete: (ids) => change((all) => ids.forEach((id) => all.delete(id))),
    };
  } catch {
    return memoryStore();
  }
}
