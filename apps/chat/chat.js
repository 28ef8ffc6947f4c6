// Shows what is said as it is said, and who is there; without it the form works, and the page shows what was said.
"use strict";

const room = document.querySelector(".room");

// element makes an element whose content is text, or others.
function element(name, className, ...content) {
  const e = document.createElement(name);
  if (className) e.className = className;
  e.append(...content);
  return e;
}

if (room) {
  const { me, live, people, socket } = room.dataset;
  const list = room.querySelector(".messages");
  const state = room.querySelector(".state");
  const form = room.querySelector(".say");
  const field = form.elements.text;
  const wrong = form.querySelector(".wrong");
  let last = room.dataset.last;

  const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const toEnd = () => { list.scrollTop = list.scrollHeight; };
  const clock = (t) => t.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

  function tell(problem) {
    wrong.hidden = !problem;
    wrong.textContent = problem || "";
  }

  function add(m) {
    if (list.querySelector(`[data-id="${CSS.escape(m.id)}"]`)) return;
    const stay = !atEnd() && m.by !== me;
    const when = element("time", "", clock(new Date(m.at)));
    when.dateTime = m.at;
    const text = element("p", "text", m.text);
    text.dir = "auto";
    const face = element("span", "face", [...m.name][0].toUpperCase());
    face.setAttribute("aria-hidden", "true");
    const who = element("p", "who", element("b", "", element("bdi", "", m.name)), " ", when);
    const item = element("li", `hue${m.hue}${m.by === me ? " mine" : ""}`, face, element("div", "", who, text));
    item.dataset.id = m.id;
    if (!list.querySelector("li")) list.replaceChildren();
    list.append(item);
    if (!stay) toEnd();
  }

  // listen hears what an EventSource gets. The browser itself comes back, with the id of the last event, when a
  // connection breaks off; when it was refused, as by a server that begins, we do.
  function listen(url, heard, changed) {
    const source = new EventSource(url());
    source.addEventListener("open", () => changed?.(true));
    source.addEventListener("message", (event) => heard(JSON.parse(event.data), event.lastEventId));
    source.addEventListener("error", () => {
      changed?.(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000, url, heard, changed);
    });
  }

  listen(() => `${live}?${new URLSearchParams({ last })}`, (m, id) => {
    last = id;
    add(m);
  }, (there) => {
    state.textContent = there ? "Live" : "Connecting…";
    state.classList.toggle("away", !there);
  });
  listen(() => people, (visitors) => {
    const names = visitors.map((v) => element("li", `hue${v.hue}`, element("bdi", "", v.name)));
    room.querySelector(".here ul").replaceChildren(...names);
  });

  // What is said goes by a WebSocket, whose answers come in the order of what was said.
  let talk = null;
  let said = [];
  function connect(pause) {
    const url = new URL(socket, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const ws = new WebSocket(url);
    ws.addEventListener("open", () => { talk = ws; pause = 1000; });
    ws.addEventListener("message", (event) => {
      const text = said.shift();
      const problem = JSON.parse(event.data).wrong;
      tell(problem);
      if (problem && !field.value) field.value = text;
    });
    ws.addEventListener("close", () => {
      talk = null;
      if (said.length && !field.value) field.value = said[0];
      said = [];
      setTimeout(connect, pause, Math.min(pause * 2, 30000));
    });
  }
  connect(1000);
  setInterval(() => talk?.send(""), 25000);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value;
    tell("");
    field.focus();
    if (talk?.readyState === WebSocket.OPEN) {
      said.push(text);
      talk.send(text);
      field.value = "";
      return;
    }
    try {
      const body = new URLSearchParams({ text });
      const answer = await fetch(form.action, { method: "POST", headers: { Accept: "text/plain" }, body });
      if (answer.ok) field.value = "";
      tell(answer.ok ? "" : (await answer.text()).trim());
    } catch {
      tell("The server cannot be reached.");
    }
  });

  for (const t of list.querySelectorAll("time")) t.textContent = clock(new Date(t.dateTime));
  toEnd();
}
