// Dragging a card: the columns where the rules let it go are lit, the others say why not. The server decides all the same.
const drops = (slot) => new Map(slot.dataset.drops.trim().split(/\s+/).filter(Boolean).map((pair) => pair.split(":")));
let slot = null;

document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.(".card[draggable=true]");
  if (!card) return;
  slot = card.closest(".slot");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", slot.id.replace("slot-", ""));
  const allowed = drops(slot);
  requestAnimationFrame(() => {
    slot?.firstElementChild.classList.add("dragged");
    for (const column of document.querySelectorAll(".column")) {
      if (!column.contains(slot)) column.dataset.drop = allowed.has(column.dataset.column) ? "yes" : "no";
    }
  });
});

document.addEventListener("dragend", () => {
  slot?.firstElementChild.classList.remove("dragged");
  for (const column of document.querySelectorAll(".column")) delete column.dataset.drop;
  if (slot?.contains(document.activeElement)) document.activeElement.blur(); // pressing focused it: let go of it, too
  slot = null;
});

const goal = (event) => {
  const column = slot && event.target.closest?.(".column");
  return column && drops(slot).has(column.dataset.column) && !column.contains(slot) ? column : null;
};

document.addEventListener("dragover", (event) => {
  if (!goal(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
});

document.addEventListener("drop", (event) => {
  const column = goal(event);
  if (!column) return;
  event.preventDefault();
  const ref = slot.id.replace("slot-", "");
  const verb = drops(slot).get(column.dataset.column);
  if (verb === "move") post(`/tasks/${ref}/move`, { to: column.dataset.column });
  else if (verb === "approve") post(`/tasks/${ref}/review`, { verdict: "approve", version: slot.querySelector("[data-version]").dataset.version });
  else slot.querySelector(".acts a").click(); // what should change must be said: the menu asks for it
});

function post(address, values) {
  htmx.ajax("POST", address, { source: document.getElementById("toasts"), target: "#toasts", swap: "none", values });
}
