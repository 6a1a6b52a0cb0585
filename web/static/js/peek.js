// "Why?" on a card opens a small list beside it; without this the link leads to the task's page, where the same stands.
const peek = document.getElementById("peek");

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!peek || ctx.target !== peek || !peek.hasChildNodes()) return;
  const box = ctx.sourceElement.getBoundingClientRect();
  peek.showPopover();
  const isLow = box.bottom + peek.offsetHeight + 8 > innerHeight;
  peek.style.insetBlockStart = `${Math.max(8, isLow ? box.top - peek.offsetHeight - 4 : box.bottom + 4)}px`;
  peek.style.insetInlineStart = `${Math.max(8, Math.min(box.left, innerWidth - peek.offsetWidth - 8))}px`;
  peek.focus(); // Escape closes it and gives the focus back to the card
});
