// The demonstrations that need a hand: streams, requests with headers, and asking again and again.
"use strict";

const all = (selector, act) => document.querySelectorAll(selector).forEach(act);

// On a narrow screen the names of the pages are one line, of which the present one should be seen.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// data-stream: reads the address and writes down when each piece came.
let reading = null;
all("[data-stream]", (button) => button.addEventListener("click", async () => {
  const out = document.getElementById("stream");
  const stop = document.querySelector("[data-stop]");
  reading?.abort();
  const mine = reading = new AbortController();
  out.textContent = "";
  stop.disabled = false;
  const began = performance.now();
  const note = (text) => { if (reading === mine) out.textContent += `${((performance.now() - began) / 1000).toFixed(2)}  ${text}`; };
  try {
    const response = await fetch(button.dataset.stream, { signal: mine.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) note(piece.value);
    note("the end\n");
  } catch (error) {
    note(mine.signal.aborted ? "left\n" : `broken off: ${error}\n`);
  }
  if (reading === mine) stop.disabled = true;
}));
all("[data-stop]", (button) => button.addEventListener("click", () => reading?.abort()));

// data-probe: asks for the address in four ways.
all("[data-probe]", (button) => button.addEventListener("click", async () => {
  const rows = document.getElementById("probe");
  rows.textContent = "";
  let tag = '""';
  const ask = async (headers) => {
    const response = await fetch(button.dataset.probe, { headers, cache: "no-store" });
    const body = await response.arrayBuffer();
    tag = response.headers.get("ETag") ?? tag;
    const row = rows.insertRow();
    const asked = Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join(", ");
    const range = response.headers.get("Content-Range");
    row.insertCell().textContent = asked || "nothing more";
    row.insertCell().textContent = `${response.status}${range ? ", " + range : ""}`;
    row.insertCell().textContent = body.byteLength;
  };
  await ask({});
  await ask({ "If-None-Match": tag });
  await ask({ Range: "bytes=0-99" });
  await ask({ Range: "bytes=-20", "If-Range": tag });
}));

// data-poll: asks for what the frame shows again each second, for as long as the button is pressed.
all("[data-poll]", (button) => {
  let timer = 0;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const frame = document.querySelector(`iframe[name=${button.dataset.poll}]`);
    clearInterval(timer);
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    if (on) timer = setInterval(() => frame.contentWindow.location.reload(), 1000);
  });
});

// Forms of the library work by themselves; with a script their answer takes the place of what it is about, alone.
const part = async (address, id) => {
  const response = await fetch(address);
  return new DOMParser().parseFromString(await response.text(), "text/html").getElementById(id);
};

// data-run: runs an example, and shows what it gives in its place.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-run]");
  if (!form) return;
  event.preventDefault();
  const figure = form.closest("figure");
  const button = form.querySelector("button");
  button.disabled = true;
  const address = new URL(form.action);
  address.search = new URLSearchParams(new FormData(form));
  try {
    const answer = await part(address, figure.id);
    if (!answer) throw new Error("the answer lacks the example");
    figure.replaceWith(answer);
    answer.querySelector("button")?.focus({ preventScroll: true });
  } catch {
    form.submit();
  }
});

// data-search: finds while one types.
all("[data-search]", (form) => {
  let latest = 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.q.addEventListener("input", async () => {
    const mine = ++latest;
    await new Promise((done) => setTimeout(done, 120));
    if (mine !== latest) return;
    const address = new URL(form.action);
    if (form.elements.q.value.trim()) address.search = new URLSearchParams({ q: form.elements.q.value });
    const answer = await part(address, "found").catch(() => null);
    if (mine !== latest || !answer) return;
    document.getElementById("found").replaceWith(answer);
    history.replaceState(null, "", address);
  });
});
