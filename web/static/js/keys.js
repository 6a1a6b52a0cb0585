import { judge, openMenu, primaryOf } from "./verbs.js";

// The keyboard's map stands in templates/frame/shell.html (?). A key does what a link or button on the page does.
const links = (root = document) => [...root.querySelectorAll(".card h3 a, .item h3 a")].filter((link) => link.checkVisibility());
const columns = () => [...document.querySelectorAll(".column")].filter((column) => links(column).length);
const current = () => document.activeElement?.closest?.(".card, .item") ?? document.querySelector(".item[aria-current]");

function focus(link) {
  link?.focus();
  link?.closest("li")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function step(by) {
  const here = current();
  const list = links(here?.closest(".cards, #items") ?? document);
  const at = list.findIndex((link) => here?.contains(link));
  focus(list[at + by] ?? list[at] ?? list[0]);
}

function across(by) {
  const all = columns();
  const here = current()?.closest(".column");
  const goal = here ? all[all.indexOf(here) + by] : all[0];
  if (!goal) return;
  const row = here ? links(here).findIndex((link) => current().contains(link)) : 0;
  focus(links(goal)[Math.min(row, links(goal).length - 1)]);
}

function openEmergency() {
  const menu = document.getElementById("freeze-all");
  if (!menu) return;
  menu.open = true;
  menu.querySelector("input").focus();
}

const click = (selector, root = document) => root?.querySelector(selector)?.click();
const actions = {
  j: () => step(1),
  k: () => step(-1),
  h: () => across(-1),
  l: () => across(1),
  m: () => click(".acts a", current()),
  w: () => click(".ask-why", current()),
  F: () => openEmergency(),
  c: () => (document.getElementById("new-task-link") ? click("#new-task-link") : location.assign("/tasks/new")),
  ".": openMenu,
  a: () => judge("approve"),
  r: () => judge("request_changes"),
  q: () => judge("ask"),
  "/": () => document.getElementById("q")?.focus(),
  "?": () => document.getElementById("help")?.showModal(),
};
const places = { b: "/", i: "/inbox", f: "/agents", r: "/recurring" };
let isGoing = false;

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("form") ?? document.querySelector("#item form:has(button.main)");
    form?.requestSubmit(primaryOf(form)); // its main button: a verdict is the value of the button
    return;
  }
  const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (isGoing && places[event.key]) {
    location.assign(places[event.key]);
    isGoing = false;
    return; // the second letter of a pair is no key of its own
  }
  isGoing = event.key === "g";
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
});
