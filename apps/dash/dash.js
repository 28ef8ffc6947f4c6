// Draws what the server says of itself each second, and writes it into the table; without it there is the table.
"use strict";

const main = document.querySelector("main");
const state = main.querySelector(".state");
const SPAN = 120; // seconds that a chart shows
const seen = []; // what was said, the oldest first

// number is what stands at a place, as "requests.ended".
const number = (now, place) => place.split(".").reduce((at, name) => at[name], now);

function written(value, unit) {
  if (unit === "MiB") return `${(value / 1048576).toFixed(1)} MiB`;
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 1 : 0);
}

function lasted(seconds) {
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

// ceiling is the round number that a chart goes up to.
function ceiling(value, unit) {
  const scale = unit === "MiB" ? 1048576 : 1;
  const v = Math.max(value / scale, unit ? 1 : 4);
  const power = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 3, 4, 6, 8, 10].map((n) => n * power).find((n) => n >= v) * scale;
}

// points are the numbers of a line with their ages in seconds; of a count, how much more there was each second.
function points(place, rate, last) {
  const all = [];
  seen.forEach((now, i) => {
    const before = seen[i - 1];
    const value = number(now, place);
    const age = last.uptime - now.uptime;
    if (!rate) all.push([age, value]);
    else if (before) all.push([age, (value - number(before, place)) / (now.uptime - before.uptime)]);
  });
  return all;
}

function path(className) {
  const p = document.createElementNS("http://www.w3.org/2000/svg", "path");
  p.setAttribute("class", className);
  return p;
}

// charts are functions that draw one anew.
const charts = [...main.querySelectorAll(".chart")].map((section) => {
  const { unit, rate } = section.dataset;
  const svg = section.querySelector(".plot svg");
  const most = section.querySelector(".most");
  const lines = [...section.querySelectorAll("[data-place]")].map((item, i) => {
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    const line = path("line");
    const under = path("under");
    group.setAttribute("class", item.className);
    if (i === 0) group.append(under);
    group.append(line);
    svg.append(group);
    return { place: item.dataset.place, value: item.querySelector("b"), line, under };
  });
  return (last) => {
    const drawn = lines.map((l) => points(l.place, rate !== undefined, last));
    const top = ceiling(Math.max(0, ...drawn.flat().map((p) => p[1])), unit);
    most.textContent = written(top, unit);
    lines.forEach((l, i) => {
      const at = drawn[i].map(([age, value]) => `${(SPAN - age).toFixed(2)} ${(99.5 - (99 * value) / top).toFixed(2)}`);
      l.line.setAttribute("d", at.length ? `M${at.join("L")}` : "");
      const [first] = drawn[i];
      l.under.setAttribute("d", first ? `M${SPAN - first[0]} 99.5L${at.join("L")}V99.5Z` : "");
      const now = drawn[i].at(-1);
      l.value.textContent = now ? written(now[1], unit) : "–";
    });
  };
});

function show(now) {
  // A server that has begun anew counts anew.
  const before = seen.at(-1);
  if (before && (now.uptime < before.uptime || now.requests.ended < before.requests.ended)) seen.length = 0;
  else if (before && now.uptime - before.uptime < 0.2) return; // what a new connection begins with
  seen.push(now);
  while (now.uptime - seen[0].uptime > SPAN) seen.shift();
  main.querySelector("[data-uptime]").textContent = lasted(now.uptime);
  main.querySelectorAll("td[data-place]").forEach((cell) => {
    cell.textContent = written(number(now, cell.dataset.place), cell.dataset.unit);
  });
  charts.forEach((draw) => draw(now));
}

function listen() {
  const source = new EventSource(main.dataset.live);
  source.addEventListener("open", () => {
    state.textContent = "Live";
    state.classList.remove("away");
  });
  source.addEventListener("error", () => {
    state.textContent = "Connecting…";
    state.classList.add("away");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  source.addEventListener("message", (event) => show(JSON.parse(event.data)));
}

main.querySelector(".charts").hidden = false;
listen();
