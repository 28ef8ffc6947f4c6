// Sends each file by itself, with its progress, and takes what is dropped anywhere; without it the form works as well.
"use strict";

const form = document.querySelector("form.send");

// send puts one file, and resolves to what went wrong, "" if nothing did.
function send(file, expires, bar) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => { bar.value = total ? loaded / total : 1; });
    request.addEventListener("load", () => {
      if (request.status === 201) return resolve("");
      resolve(request.status === 413 ? "It is larger than this server takes." : request.responseText.trim());
    });
    request.addEventListener("error", () => resolve("The server cannot be reached, or does not take so much."));
    request.open("PUT", form.action + "?" + new URLSearchParams({ name: file.name, expires }));
    request.setRequestHeader("Accept", "text/plain");
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.send(file);
  });
}

// One after the other: the first answer has the cookie by which the others are ours, too.
async function sendAll(files) {
  const expires = new FormData(form).get("expires");
  const list = form.querySelector(".sent");
  list.replaceChildren();
  const waiting = files.map((file) => {
    const item = list.appendChild(document.createElement("li"));
    item.append(file.name);
    const bar = item.appendChild(document.createElement("progress"));
    bar.value = 0;
    bar.setAttribute("aria-label", "Sent of " + file.name);
    return { file, item, bar };
  });
  for (const { file, item, bar } of waiting) {
    const wrong = await send(file, expires, bar);
    if (!wrong) {
      item.remove();
      continue;
    }
    const said = document.createElement("div");
    said.className = "failed";
    said.textContent = wrong;
    bar.replaceWith(said);
  }
  form.reset();
  const page = new DOMParser().parseFromString(await (await fetch(form.action)).text(), "text/html");
  document.querySelector(".mine").replaceWith(page.querySelector(".mine"));
}

if (form) {
  const field = form.elements.files;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendAll([...field.files]);
  });
  field.addEventListener("change", () => { if (field.files.length) form.requestSubmit(); });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}

const copy = document.querySelector("[data-copy]");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("link").value);
    copy.textContent = "Copied";
  });
}
