// A text and the button that copies it. Browsers offer their clipboard only over https and on the computer itself:
// elsewhere the text is selected, and copied as by Ctrl+C.

async function copy(shown) {
  try {
    await navigator.clipboard.writeText(shown.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(shown);
    return document.execCommand("copy");
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".copy-field");
  if (root.dataset.text === data.text) return;
  root.dataset.text = data.text;
  const shown = document.createElement("code");
  shown.textContent = data.text;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.onclick = async () => {
    button.textContent = (await copy(shown)) ? "Copied" : "Press Ctrl+C";
  };
  root.replaceChildren(shown, button);
}
