// The package's canvas. Each of its reports is kept in this browser first, see unsent.js.
let draw = null; // the package's own function, once it is loaded
const newest = new WeakMap(); // by place: Streamlit may end a run of this function after the next one has begun

const mount = (given) => {
  const { data, parentElement, setStateValue, ...rest } = given;
  const reported = window.ftlReported ??= new Map(); // for unsent.js, which may hear of a canvas after its first stroke
  let gone = false;
  const report = (name, value) => {
    if (name === "drawing") {
      reported.set(data.mount, value.raw.objects);
      window.ftlStrokes?.report(data.mount, value.raw.objects);
    }
    if (!gone) setStateValue(name, value);
  };
  const clean = draw({ ...rest, data, parentElement, setStateValue: report });
  // The canvas waits 200 ms with a report; its toolbar, which is not shown, has a button that does not.
  const flush = () => parentElement.querySelector(".dc-toolbar button")?.click();
  const canvases = window.ftlCanvases ??= new Map();
  canvases.set(parentElement, flush);
  return () => {
    if (newest.get(parentElement) !== given) return;
    gone = true;
    if (window.ftlHold?.down) document.dispatchEvent(new MouseEvent("mouseup")); // what is drawn by now is a stroke
    flush();
    canvases.delete(parentElement);
    reported.delete(data.mount);
    clean();
  };
};

export default function (given) {
  newest.set(given.parentElement, given);
  if (draw) return mount(given);
  return import(new URL(given.data.script, location.origin)).then((script) => {
    draw = script.default;
    return newest.get(given.parentElement) === given ? mount(given) : () => {};
  });
}
