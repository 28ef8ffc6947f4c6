// Sends the texts without leaving the page, and shows what becomes of them; without it the form works as well.
"use strict";

const form = document.querySelector(".send");
const list = document.querySelector(".jobs");
const state = document.querySelector(".state");
const wrong = form.querySelector(".wrong");

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

function tell(problem) {
  wrong.hidden = !problem;
  wrong.textContent = problem;
}

// After each connection comes what is there, and then each change.
function listen() {
  const source = new EventSource(document.querySelector("main").dataset.live);
  source.addEventListener("open", () => {
    state.textContent = "Live";
    state.classList.remove("away");
  });
  source.addEventListener("error", () => {
    state.textContent = "Connecting…";
    state.classList.add("away");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  source.addEventListener("message", (event) => {
    const { id, html } = JSON.parse(event.data);
    const there = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    const item = html && parsed(html).querySelector("li");
    if (!item) there?.remove();
    else if (there) there.replaceWith(item);
    else list.prepend(item);
    if (!list.querySelector("li")) list.replaceChildren();
  });
}
listen();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  tell("");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    if (answer.ok) form.reset();
    else if (answer.status === 413) tell("That is more than this server takes at once.");
    else tell(parsed(await answer.text()).querySelector(".wrong")?.textContent || "The server does not take it now.");
  } catch {
    tell("The server cannot be reached, or does not take so much.");
  }
  button.disabled = false;
});
form.elements.texts.addEventListener("change", () => { if (form.elements.texts.files.length) form.requestSubmit(); });
