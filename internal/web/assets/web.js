// What the pages do by themselves. Without this script they show the same and are
// reloaded by hand.
//
// Live parts: an element with an id and data-live (its own address) is fetched and
// put in place when the page's stream (data-events of body) names its id. What was
// entered, the focus and what was unfolded survive. A hidden tab holds no stream.
// Count-downs: data-left is the number of seconds left when the part was made.
// Copying: every .copy gets a button.

const body = document.body;
const shownAt = new WeakMap(); // part → when it was put in place

function shown(part) {
  shownAt.set(part, performance.now());
}

function countDown() {
  for (const line of document.querySelectorAll("[data-left]")) {
    const since = shownAt.get(line.closest("[data-live]")) ?? 0;
    const left = Math.max(0, Math.round(Number(line.dataset.left) - (performance.now() - since) / 1000));
    line.querySelector("strong").textContent = String(left);
    line.hidden = false;
  }
}

// offerCopying gives every .copy within root a button. Blocks get it behind them.
function offerCopying(root) {
  for (const text of root.querySelectorAll(".copy:not([data-offered])")) {
    text.dataset.offered = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copier";
    button.textContent = body.dataset.copy;
    const name = text.getAttribute("aria-label") ?? text.textContent.slice(0, 40);
    button.setAttribute("aria-label", `${body.dataset.copy}: ${name}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = body.dataset.copied;
      setTimeout(() => { button.textContent = body.dataset.copy; }, 1500);
    });
    text.after(button);
  }
}

// Fields and unfolded parts are found again by their ids.
function put(part, next) {
  const entered = [...part.querySelectorAll("input[id], select[id]")].map(({ id, value, checked }) => ({ id, value, checked }));
  const unfolded = [...part.querySelectorAll("details[id]")].map(({ id, open }) => ({ id, open }));
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceWith(next);
  shown(next);
  offerCopying(next);
  for (const { id, value, checked } of entered) {
    const field = document.getElementById(id);
    if (!field) continue;
    if (field.type === "radio" || field.type === "checkbox") field.checked = checked;
    else field.value = value;
  }
  for (const { id, open } of unfolded) {
    const details = document.getElementById(id);
    if (details) details.open = open;
  }
  if (focused) document.getElementById(focused)?.focus();
  // A part may say something aloud: data-says names the element that speaks.
  const speaker = document.getElementById(next.dataset.speaker);
  if (speaker && speaker.textContent !== next.dataset.says) speaker.textContent = next.dataset.says;
  countDown();
}

const asked = new Map(); // id of a part → whether it must be fetched once more

async function refresh(id) {
  if (asked.has(id)) {
    asked.set(id, true);
    return;
  }
  try {
    do {
      asked.set(id, false);
      const part = document.getElementById(id);
      if (!part?.dataset.live) return;
      const answer = await fetch(part.dataset.live);
      if (!answer.ok) return;
      const fragment = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fragment.getElementById(id);
      if (next) put(document.getElementById(id), document.adoptNode(next));
    } while (asked.get(id));
  } catch {
    // The server is away. The stream comes back with it and tells.
  } finally {
    asked.delete(id);
  }
}

let stream;

// The address of the stream says what is shown, so that nothing is missed between
// the page and the stream.
function follow() {
  const address = new URL(body.dataset.events, location.href);
  for (const part of document.querySelectorAll("[data-live]")) {
    address.searchParams.append("shown", `${part.id}:${part.dataset.version ?? ""}`);
  }
  stream = new EventSource(address);
  stream.addEventListener("changed", (event) => refresh(event.data));
}

for (const part of document.querySelectorAll("[data-live]")) shown(part);
offerCopying(document);
if (document.querySelector("[data-left]") || body.dataset.events) {
  countDown();
  setInterval(countDown, 500);
}
if (body.dataset.events) {
  follow();
  document.addEventListener("visibilitychange", () => {
    stream?.close();
    stream = undefined;
    if (!document.hidden) follow();
  });
}
