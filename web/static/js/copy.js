// Buttons that copy what another element says.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-copies]");
  if (!button) return;
  const said = button.textContent;
  const text = document.getElementById(button.dataset.copies).textContent;
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  button.textContent = copied ? "Copied" : "Select it and copy by hand";
  setTimeout(() => { button.textContent = said; }, 2000);
});
for (const button of document.querySelectorAll("button[data-copies][hidden]")) button.hidden = false;
