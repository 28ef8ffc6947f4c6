// Sends what the forms of the page say, and shows what comes back.
"use strict";

const FIELDS = ["Content-Type", "ETag", "Location", "Link", "Allow", "Accept-Patch"];

// request reads a form.
function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const init = { method: form.dataset.method, headers: { Accept: "application/json" } };
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value.trim();
    switch (field.dataset.in) {
      case "path": path = path.replace(`{${field.name}}`, encodeURIComponent(value)); break;
      case "query": if (value) query.append(field.name, value); break;
      case "header": if (value) init.headers[field.name] = value; break;
      case "body":
        init.headers["Content-Type"] = form.dataset.type;
        init.body = value;
    }
  }
  return [path + (query.size ? `?${query}` : ""), init];
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// show fills the output of a form with a response.
async function show(output, response) {
  const list = document.createElement("dl");
  for (const name of FIELDS) {
    const value = response.headers.get(name);
    if (value) list.append(element("dt", name), element("dd", value));
  }
  const text = await response.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON is shown as it came */ }
  output.className = response.ok ? "" : "failed";
  output.replaceChildren(element("h3", `${response.status} ${response.statusText}`.trim()), list);
  if (shown) {
    const pre = element("pre", shown);
    pre.tabIndex = 0;
    output.append(pre);
  }
}

// remember gives the ETag of what was answered to the forms that can change it.
function remember(path, response) {
  const tag = response.headers.get("ETag");
  if (!tag || path.includes("?")) return;
  for (const field of document.querySelectorAll("[name=If-Match]")) {
    if (request(field.form)[0] === path) field.value = tag;
  }
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const output = form.querySelector("output");
  const button = form.querySelector("button");
  const [path, init] = request(form);
  button.disabled = true;
  try {
    const response = await fetch(path, init);
    if (response.ok) remember(path, response);
    await show(output, response);
  } catch (error) {
    output.className = "failed";
    output.replaceChildren(element("h3", `The server cannot be reached: ${error.message}`));
  }
  output.hidden = false;
  button.disabled = false;
});
