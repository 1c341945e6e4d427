// Keeps a phone's page as the wallet is: it counts down to the deadlines and, when
// the server says that something changed, fetches the part of the page that shows
// it. Without this script the page works the same and is reloaded by hand.

let live = document.getElementById("live");
let shownAt = performance.now();
let fetching = false;
let again = false;

function countDown() {
  const passed = (performance.now() - shownAt) / 1000;
  for (const line of live.querySelectorAll("[data-left]")) {
    const left = Math.max(0, Math.round(Number(line.dataset.left) - passed));
    line.querySelector("strong").textContent = String(left);
    line.hidden = false;
  }
}

// What the visitor has entered survives; fields are found again by their ids.
function entries() {
  return [...live.querySelectorAll("input[id]")].map(({ id, value, checked }) => ({ id, value, checked }));
}

function show(next) {
  const entered = entries();
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  live.replaceWith(next);
  live = next;
  shownAt = performance.now();
  for (const { id, value, checked } of entered) {
    const field = document.getElementById(id);
    if (field instanceof HTMLInputElement) {
      if (field.type === "radio") field.checked = checked;
      else field.value = value;
    }
  }
  if (focused) document.getElementById(focused)?.focus();
  const waiting = document.getElementById("waiting");
  if (waiting.textContent !== live.dataset.waiting) waiting.textContent = live.dataset.waiting;
  countDown();
}

async function refresh() {
  again = true;
  if (fetching) return;
  fetching = true;
  try {
    while (again) {
      again = false;
      const answer = await fetch(`${live.dataset.path}/live?lang=${live.dataset.lang}`);
      if (!answer.ok) return;
      const fragment = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fragment.getElementById("live");
      if (next) show(document.adoptNode(next));
    }
  } catch {
    // The server is away. The stream of events comes back with it and tells.
  } finally {
    fetching = false;
  }
}

countDown();
setInterval(countDown, 500);
new EventSource(`${live.dataset.path}/events?version=${live.dataset.version}`).addEventListener("changed", refresh);
