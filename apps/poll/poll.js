// Shows the result as it changes, and gives the form as many answers as are wanted; without it both work as well.
"use strict";

const poll = document.querySelector(".poll");
const more = document.querySelector("[data-more]");

function listen() {
  const state = poll.querySelector(".state");
  const source = new EventSource(poll.dataset.live);
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
    const { total, answers } = JSON.parse(event.data);
    const times = (n) => `${n} vote${n === 1 ? "" : "s"}`;
    poll.querySelectorAll(".result li").forEach((item, i) => {
      const [n, percent] = answers[i];
      item.querySelector(".n").textContent = times(n);
      item.querySelector(".percent").textContent = `${percent} %`;
      item.querySelector(".part").setAttribute("width", percent);
    });
    poll.querySelector(".total").textContent = `${times(total)} in all`;
  });
}
if (poll) {
  listen();
  const link = poll.querySelector(".share input");
  link.addEventListener("focus", () => link.select());
}

if (more) {
  const list = document.querySelector("fieldset[data-most]");
  const room = () => list.querySelectorAll("input").length < list.dataset.most;
  more.hidden = !room();
  more.addEventListener("click", () => {
    const field = list.querySelector("input:last-of-type").cloneNode();
    field.value = "";
    field.required = false;
    list.append(field);
    field.focus();
    more.hidden = !room();
  });
}
