// One timer for all ages; the same words as web/words.py. Moments are shown in the reader's own time zone.
const UNITS = [[86400, "day", "days"], [3600, "h", "h"], [60, "min", "min"], [1, "s", "s"]];

export function duration(seconds) {
  for (const [size, one, many] of UNITS) {
    if (seconds < size) continue;
    const count = Math.floor(seconds / size);
    return `${count} ${count === 1 ? one : many}`;
  }
  return "0 s";
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (number) => String(number).padStart(2, "0");

function clock(moment, withSeconds) {
  const hours = `${two(moment.getHours())}:${two(moment.getMinutes())}${withSeconds ? `:${two(moment.getSeconds())}` : ""}`;
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? hours : `${moment.getDate()} ${MONTHS[moment.getMonth()]} ${hours}`;
}

const put = (node, text) => node.textContent !== text && (node.textContent = text);

// The server's clock is the one that counts: the page says when it was made.
const asOf = document.getElementById("as-of");
const ahead = asOf ? Date.now() - Date.parse(asOf.dateTime) : 0;
const offset = Math.abs(ahead) > 5000 ? ahead : 0;

export function refresh(root = document) {
  const now = Date.now() - offset;
  for (const node of root.querySelectorAll("time[data-age]")) {
    put(node, duration(Math.max(0, Math.floor((now - Date.parse(node.dateTime)) / 1000))));
  }
  for (const node of root.querySelectorAll("time[data-until]")) {
    put(node, duration(Math.max(0, Math.floor((Date.parse(node.dateTime) - now) / 1000))));
  }
  for (const node of root.querySelectorAll("time[data-clock]")) {
    put(node, clock(new Date(node.dateTime), node.dataset.clock === "seconds"));
  }
}

export function tickClock() {
  const node = document.getElementById("as-of");
  if (node) node.dateTime = new Date(Date.now() - offset).toISOString();
}

refresh();
setInterval(refresh, 1000);
