// Switches theme and navigation width at once, and keeps them where the server looks.
const root = document.documentElement;
const system = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
const next = {
  theme: () => ((root.dataset.theme || system()) === "dark" ? "light" : "dark"),
  nav: () => (root.dataset.nav === "narrow" ? "wide" : "narrow"),
};

document.addEventListener("submit", (event) => {
  const name = event.target.dataset.preference;
  if (!(name in next)) return;
  event.preventDefault();
  root.dataset[name] = next[name]();
  document.cookie = `pointsman_${name}=${root.dataset[name]}; path=/; max-age=31536000; samesite=lax`;
});
