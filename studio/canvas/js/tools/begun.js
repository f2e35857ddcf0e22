// What was begun on images and is not finished, kept in this tab: over other images, other pages, and a reload.

/** What a tool of a user keeps, by image id: {get(image) -> value or null, set(image, value or null)}. */
export function createBegun({ user, name }) {
  const key = `ftl-begun-${user.id}-${name}`;
  let all = {};
  try {
    all = JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch { /* no storage, or it is denied: it lasts as long as this page */ }
  return {
    get: (image) => all[image] ?? null,
    set(image, value) {
      if (value) all[image] = value;
      else delete all[image];
      try {
        sessionStorage.setItem(key, JSON.stringify(all));
      } catch { /* as above */ }
    },
  };
}
