// Dialogs that htmx fills, forms that close what they stand in, and the command id of every click.
const dialog = document.getElementById("dialog");

function commandId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return "cmd_" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A retry must be the same command: the id stays with the form until the server has answered it.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.request.method === "GET" || ctx.request.body?.get?.("command_id")) return;
  const form = ctx.sourceElement;
  form._commandId ??= commandId();
  ctx.request.headers["Idempotency-Key"] = form._commandId;
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target !== dialog || !dialog.hasChildNodes() || dialog.open) return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.querySelector("summary").focus(); // where the focus goes back to
    menu.open = false;
  }
  dialog.showModal();
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement;
  const status = ctx.response?.status ?? 503;
  if (status < 500) delete form._commandId;
  if (status >= 400 || !form.matches("form")) return;
  form.closest("details.menu")?.removeAttribute("open");
  form.closest("dialog")?.close();
  form.closest(".toast")?.remove();
  form.reset();
  const id = form.elements.command_id;
  if (id) id.value = commandId();
});

document.addEventListener("click", (event) => {
  if (event.target.matches("dialog")) event.target.close(); // its backdrop
  const closer = event.target.closest("dialog [data-closes]:not(form)");
  if (closer) event.preventDefault();
  closer?.closest("dialog").close();
  const opener = event.target.closest("[data-opens]");
  if (opener) event.preventDefault();
  document.getElementById(opener?.dataset.opens)?.showModal();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A toast goes when it has been read; one that asks for something stays until it is used or closed.
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    const seconds = { done: 5, refused: 8 }[node.dataset?.kind];
    if (seconds) setTimeout(() => node.remove(), seconds * 1000);
  }
}).observe(document.getElementById("toasts"), { childList: true });

// "Reassign" on a card leads to /tasks/T-12#reassign: the form that this button asks for opens.
function openNamed() {
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named?.matches?.("a[hx-get]")) named.click();
}
addEventListener("hashchange", openNamed);
addEventListener("load", openNamed);
