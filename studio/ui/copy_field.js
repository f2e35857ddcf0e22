// A text and the button that copies it. Browsers offer their clipboard only over https and on the computer itself:
// elsewhere the text is copied as its user would do it, and stays selected where that was refused.

/** Put a field of the same size in the place of a text, all of it selected; the field. */
function select(shown, text) {
  const field = document.createElement("textarea");
  field.readOnly = true;
  field.value = text;
  field.setAttribute("aria-label", "Text to copy");
  field.style.height = `${shown.offsetHeight}px`;
  shown.replaceWith(field);
  field.focus();
  field.setSelectionRange(0, text.length); // on phones select() may do nothing
  return field;
}

/** Whether a field's text was copied, for certain: by an event in which it was handed over. */
function copied(field) {
  let given = false;
  field.oncopy = (event) => {
    event.clipboardData.setData("text/plain", field.value);
    event.preventDefault();
    given = true;
  };
  const done = document.execCommand("copy");
  field.oncopy = null;
  return done && given;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".copy-field");
  if (root.dataset.text === data.text) return;
  root.dataset.text = data.text;
  let shown = document.createElement("code");
  shown.textContent = data.text;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
      button.textContent = "Copied";
    } catch {
      shown = select(shown, data.text);
      button.textContent = copied(shown) ? "Copied" : "Selected: copy it";
    }
  };
  root.replaceChildren(shown, button);
}
