// What was begun on images and is not finished, kept in this tab: over other images, other pages, and a reload.

/** What a tool of a user keeps, by image id: {get(image) -> value or null, set(image, value or null)}. */
export function createBegun({ user, name }, storage = globalThis.sessionStorage) {
  const key = `ftl-begun-${user.id}-${name}`;
  let all = {};
  try {
    all = JSON.parse(storage.getItem(key)) ?? {};
  } catch { /* no storage: it lasts as long as this page */ }
  return {
    get: (image) => all[image] ?? null,
    set(image, value) {
      if (value) all[image] = value;
      else delete all[image];
      try {
        storage.setItem(key, JSON.stringify(all));
      } catch { /* as above */ }
    },
  };
}
