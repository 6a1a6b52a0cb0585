// The keyboard's way to what can be done: `.` opens the menu, arrows move in it; a, r and q judge a deliverable.
const menu = () => document.getElementById("operate");
const lines = (pop) => [...pop.querySelectorAll("a, button")].filter((line) => line.checkVisibility());

export function openMenu() {
  const details = menu();
  if (!details) return;
  details.open = true;
  lines(details.querySelector(".pop"))[0]?.focus();
}

document.addEventListener("keydown", (event) => {
  const pop = event.target.closest?.("details.menu[open] > .pop:not(.form)");
  if (event.key === "Escape") {
    const open = event.target.closest?.("details.menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const summary = event.target.closest?.("details.menu[open] > summary");
  if (!step || !(pop || summary)) return;
  const all = lines(pop ?? summary.nextElementSibling);
  const at = pop ? all.indexOf(event.target) : step > 0 ? -1 : 0;
  all[(at + step + all.length) % all.length]?.focus();
  event.preventDefault();
});

// A verdict by one key. What needs words goes into the note first; then Ctrl+Enter sends this verdict, not approval.
export function judge(verdict) {
  const form = document.querySelector("form.review:has(button[name=verdict])");
  const button = form?.querySelector(`button[value=${verdict}]`);
  if (!button) return;
  const note = form.elements.note;
  if (verdict === "approve" || note.value.trim()) return button.click();
  mark(form, button);
  note.focus();
}

export function primaryOf(form) {
  return form.querySelector("button.main") ?? form.querySelector("button");
}

function mark(form, button) {
  const main = form.querySelector("button.main");
  if (main === button) return;
  main?.classList.remove("main");
  button.classList.add("main");
  button.append(main?.querySelector("kbd") ?? "");
}
