// The browser's history. Streamlit makes an entry of every change of the address. A page that only adds its project or
// photograph to its address completes the entry: with one more, the first Back would show the same page again.
{
  const push = history.pushState.bind(history);

  const completes = (now, next) => {
    const added = [...next.searchParams.keys()].filter((name) => !now.searchParams.has(name));
    const named = next.pathname.endsWith("/annotate") ? ["project", "image"] : ["project"]; // Review's image is opened
    return next.pathname === now.pathname && added.length > 0 && added.every((name) => named.includes(name)) &&
      [...now.searchParams].every(([name, value]) => next.searchParams.get(name) === value);
  };

  history.pushState = (state, title, address) => {
    if (address && completes(new URL(location.href), new URL(address, location.href)))
      history.replaceState(state, title, address);
    else push(state, title, address);
  };
}
