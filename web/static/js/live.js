// Puts live fragments in their places: never an older one over a newer, never under the reader's hands.
import { refresh, tickClock } from "./times.js";

const live = document.getElementById("live");
const held = new Map(); // element id -> the newest fragment that waits for the reader to let go
const still = matchMedia("(prefers-reduced-motion: reduce)");
let lastWord = Date.now();
let state = "off";

function say(next) {
  state = next;
  if (!live) return;
  live.dataset.live = next;
  const words = { on: "Live", waiting: "Reconnecting", stale: `Data as of ${new Date(lastWord).toTimeString().slice(0, 8)}` };
  live.lastElementChild.textContent = words[next];
}

// --- what may be replaced now -------------------------------------------------------------------
const isTyped = (field) => "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;

const fields = "input, textarea, select";

// A block that is morphed keeps its focus; only a field that is typed in must not change under the hands.
function isBusy(element, style) {
  const focused = document.activeElement;
  return (
    (element.contains(focused) && (style !== "outerMorph" || focused.matches(fields))) ||
    element.querySelector("details.menu[open], .dragged") !== null ||
    [...element.querySelectorAll("input, textarea")].some(isTyped)
  );
}

const rootOf = ({ fragment, target, swapSpec }) =>
  swapSpec.style === "place" ? document.getElementById(fragment.firstElementChild?.id) : target;

const textOf = ({ fragment }) => [...fragment.children].map((child) => child.outerHTML).join("");

document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  for (const task of [...tasks]) {
    if (task.type !== "partial") continue;
    const drop = () => tasks.splice(tasks.indexOf(task), 1);
    const root = rootOf(task);
    if (!root) {
      if (task.swapSpec.style !== "place" || !task.target) drop();
      continue;
    }
    const waiting = held.get(root.id);
    const version = Number(task.fragment.firstElementChild?.dataset.v ?? Infinity);
    if (version < Number(waiting?.version ?? root.dataset.v ?? 0)) drop();
    else if (ctx.sourceElement === live && isBusy(root, task.swapSpec.style)) {
      const target = task.target.id;
      held.set(root.id, { version, style: task.swapSpec.style, html: `<hx-partial hx-target="#${target}" hx-swap="${task.swapSpec.style}">${textOf(task)}</hx-partial>` });
      drop();
    } else held.delete(root.id);
  }
});

function letGo() {
  for (const [id, waiting] of held) {
    const root = document.getElementById(id);
    if (root && isBusy(root, waiting.style)) continue;
    held.delete(id);
    if (root) htmx.swap({ text: waiting.html, sourceElement: live, target: live, swap: "none" });
  }
}
for (const event of ["focusout", "toggle", "dragend"]) document.addEventListener(event, () => setTimeout(letGo), true);

// --- "place": a card goes where its rank says ---------------------------------------------------
const bare = (slot) => slot.outerHTML.replace(/ data-(v|htmx-powered)="\w+"|(?<=<time[^>]*>)[^<]*/g, "");

function place(list, slot) {
  const old = document.getElementById(slot.id);
  if (old?.parentElement === list && bare(old) === bare(slot)) {
    old.dataset.v = slot.dataset.v; // the answer to a click was here first: nothing to see, nothing to disturb
    return;
  }
  const from = old?.getBoundingClientRect();
  const before = [...list.children].find((other) => other !== old && other.dataset.rank > slot.dataset.rank);
  const loud = ["stuck", "failed", "human"];
  const signal = slot.firstElementChild.dataset.signal;
  if (old && loud.includes(signal) && old.firstElementChild.dataset.signal !== signal) announce(slot);
  old?.remove();
  list.insertBefore(slot, before ?? null);
  refresh(slot);
  const to = slot.getBoundingClientRect();
  const [x, y] = [from ? from.left - to.left : 0, from ? from.top - to.top : 0];
  if ((x || y) && !still.matches) {
    slot.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: 240, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}

function announce(slot) {
  const text = (selector) => slot.querySelector(selector)?.textContent.trim() ?? "";
  document.getElementById("announce").textContent = `${text(".id")} ${text(".status")}: ${text("h3")}. ${text(".why")}`;
}

htmx.registerExtension("place", {
  handle_swap: (style, list, fragment) => {
    if (style !== "place") return false;
    const slot = fragment.firstElementChild;
    if (slot) place(list, slot);
    return [slot];
  },
});

// --- the stream ----------------------------------------------------------------------------------
document.addEventListener("htmx:sse:after:connection", () => say("on"));
document.addEventListener("htmx:sse:before:message", () => {
  lastWord = Date.now();
  if (state !== "on") say("on");
});
document.addEventListener("htmx:sse:after:message", () => refresh());
for (const event of ["htmx:sse:error", "htmx:sse:close"]) document.addEventListener(event, () => say("waiting"));
live?.addEventListener("htmx:sse:before:connection", ({ detail }) => detail.connection.attempt > 0 && say("waiting"));

// Fragments cannot bring this page up to date: fetch it whole, and change only what differs.
live?.addEventListener("resync", () => {
  const here = location.pathname + location.search;
  htmx.ajax("GET", here, { source: document.body, target: "#main", select: "#main", selectOOB: "#bell,#spend", swap: "outerMorph" });
});

setInterval(() => {
  if (state === "on") tickClock();
  if (state === "waiting" && Date.now() - lastWord > 10_000) say("stale");
}, 1000);
