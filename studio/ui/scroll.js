// Brings a part of the page into view, and the keyboard with it: Streamlit has nothing that scrolls.
export default function ({ data }) {
  const part = document.querySelector(`.st-key-${CSS.escape(data.key)}`);
  if (!part) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  part.style.scrollMarginTop = "4rem"; // Streamlit's header lies over the page
  part.scrollIntoView({ behavior: calm ? "instant" : "smooth", block: "start" });
  part.tabIndex = -1;
  part.style.outline = "none";
  part.focus({ preventScroll: true });
}
