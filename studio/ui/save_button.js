// The file is asked for by script, so that an answer which is no file can be read and shown where it was asked for.

const ARROW = "M12 16 7 11l1.4-1.45L11 12.15V4h2v8.15l2.6-2.6L17 11zM4 20v-5h2v3h12v-3h2v5z";
const WAITING = "M12 4a8 8 0 1 0 8 8h-2a6 6 0 1 1-6-6z";

async function sentence(answer) {
  try {
    const text = (await answer.json()).error;
    if (text) return text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  } catch { /* it is no JSON: then its status is all that is known */ }
  return `The studio could not make the file (error ${answer.status}). Try again; if it stays, tell whoever runs the studio.`;
}

async function save(address, name) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(await sentence(answer), { cause: "answered" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".save");
  const made = JSON.stringify(data);
  if (root.dataset.made === made) return;
  root.dataset.made = made;
  const { label, address, name, hint } = data;
  const starter = document.createElement("button");
  const alert = document.createElement("p");
  alert.setAttribute("role", "alert");
  alert.hidden = true;
  starter.type = "button";
  starter.title = hint;
  starter.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ARROW}"></path></svg>`;
  starter.append(label);
  const path = starter.querySelector("path");
  starter.onclick = async () => {
    starter.disabled = true;
    path.setAttribute("d", WAITING);
    alert.hidden = true;
    try {
      await save(address, name);
    } catch (error) {
      alert.textContent = error.cause === "answered" ? error.message
        : "The studio did not answer, or broke off in the middle. Nothing was saved: try again.";
      alert.hidden = false;
    }
    starter.disabled = false;
    path.setAttribute("d", ARROW);
  };
  root.replaceChildren(starter, alert);
}
