// Names while one types: a list behind `@` (people, agents, teams) or of tasks, and who a text would call.
// Any field with `data-names` has it (mentions | people | agents | tasks); the server makes the options, see /naming.
const sources = { mentions: "people", people: "people", agents: "agents", tasks: "tasks" };
const list = document.createElement("ul");
list.id = "names";
list.className = "pop names";
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "Names");
list.hidden = true;

let field = null; // for whom the list is open
let asked = 0; // answers to older questions are not shown
let waiting; // the timer of the next question

// The piece of the field that is being typed: behind an `@` in a text, between commas elsewhere.
function piece(target) {
  const before = target.value.slice(0, target.selectionStart ?? target.value.length);
  const found = target.dataset.names === "mentions" ? before.match(/(?:^|[^\w@/.])@([\w.-]*)$/) : before.match(/(?:^|[,\s])([^,\s]*)$/);
  return found && { text: found[1], start: before.length - found[1].length - (target.dataset.names === "mentions" ? 1 : 0) };
}

const options = () => [...list.children];
const active = () => list.querySelector("[aria-selected=true]");

function choose(option) {
  for (const other of options()) other.setAttribute("aria-selected", other === option);
  option?.scrollIntoView({ block: "nearest" });
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field?.removeAttribute("aria-activedescendant");
}

function close() {
  clearTimeout(waiting);
  asked++;
  field?.removeAttribute("aria-activedescendant");
  if (field?.matches("input")) field.setAttribute("aria-expanded", "false");
  field = null;
  list.hidden = true;
}

async function suggest(target) {
  const typed = piece(target);
  if (!typed || (target.dataset.names !== "mentions" && !typed.text && document.activeElement !== target)) return close();
  const turn = ++asked;
  const answer = await fetch(`/naming/${sources[target.dataset.names]}?q=${encodeURIComponent(typed.text)}`);
  if (turn !== asked || !answer.ok) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  if (turn !== asked) return;
  list.replaceChildren(...template.content.children);
  if (!list.children.length) return close();
  options().forEach((option, place) => (option.id = `name-${place}`));
  field = target;
  const modal = target.closest("dialog"); // what is modal covers everything else
  const main = modal ? null : document.getElementById("main");
  (modal ?? main).append(list);
  list.hidden = false;
  if (target.matches("input")) target.setAttribute("aria-expanded", "true");
  const box = target.getBoundingClientRect();
  list.style.inlineSize = `${Math.min(box.width, 380)}px`;
  const isLow = box.bottom + list.offsetHeight + 8 > innerHeight;
  const top = isLow ? box.top - list.offsetHeight - 4 : box.bottom + 4;
  const origin = main?.getBoundingClientRect(); // a container is the origin of what is placed in it
  list.style.insetInlineStart = `${box.left - (origin?.left ?? 0)}px`;
  list.style.insetBlockStart = `${top - (origin ? origin.top - main.scrollTop : 0)}px`;
  choose(options()[0]);
}

function take(option) {
  const target = field;
  const typed = piece(target);
  const isText = target.dataset.names === "mentions";
  const rest = target.value.slice(target.selectionStart);
  const head = target.value.slice(0, typed.start) + option.dataset.value + (isText ? " " : ", ");
  target.value = head + rest.trimStart();
  target.setSelectionRange(head.length, head.length);
  close();
  target.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

// --- who a text would call ---------------------------------------------------------------------
let previewing;

function preview(target) {
  const place = document.getElementById(target.dataset.preview);
  if (!place) return;
  clearTimeout(previewing);
  if (!target.value.includes("@")) return place.replaceChildren();
  previewing = setTimeout(async () => {
    const answer = await fetch("/naming/preview", { method: "POST", body: new URLSearchParams({ text: target.value }) });
    if (answer.ok && target.value.includes("@")) place.innerHTML = await answer.text();
  }, 200);
}

// --- hands ---------------------------------------------------------------------------------------
document.addEventListener("focusin", ({ target }) => {
  if (!target.matches?.("[data-names]")) return;
  const said = { "aria-autocomplete": "list", "aria-controls": "names", "aria-haspopup": "listbox" };
  // Several lines can be no combobox (ARIA in HTML): there the list is announced by its active option alone.
  if (target.matches("input")) Object.assign(said, { role: "combobox", "aria-expanded": "false" });
  for (const [name, value] of Object.entries(said)) target.setAttribute(name, value);
  if (!list.isConnected) document.getElementById("main").append(list);
});

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("[data-names]")) return;
  if (target.dataset.preview) preview(target);
  clearTimeout(waiting);
  waiting = setTimeout(() => suggest(target), 120);
});

// Before the other keys of the page: while the list is open, arrows and Enter are its own.
document.addEventListener(
  "keydown",
  (event) => {
    if (list.hidden || event.target !== field) return;
    const all = options();
    const at = all.indexOf(active());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(all[(at + step + all.length) % all.length]);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey && active()) take(active());
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) take(option);
});
document.addEventListener("focusout", ({ target }) => target === field && close());
document.addEventListener("reset", ({ target }) => {
  for (const place of target.querySelectorAll(".preview")) place.replaceChildren();
});
