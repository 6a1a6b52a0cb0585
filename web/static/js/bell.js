// The title says how many wait, like the bell, for those who look at another tab.
const count = () => document.querySelector("#bell b")?.textContent ?? "";

function entitle() {
  const plain = document.title.replace(/^\(\d+\) /, "");
  const next = count() ? `(${count()}) ${plain}` : plain;
  if (document.title !== next) document.title = next;
}

const nav = document.querySelector(".nav");
if (nav) new MutationObserver(entitle).observe(nav, { childList: true, subtree: true });
