// Shows how much has been sent; without it the form works as well.
"use strict";

const form = document.querySelector("form");
const shown = form.querySelector("progress");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  shown.hidden = false;
  request.upload.addEventListener("progress", ({ loaded, total }) => { shown.value = loaded / total; });
  request.addEventListener("load", () => {
    document.open();
    document.write(request.responseText);
    document.close();
  });
  request.addEventListener("error", () => form.submit());
  request.open("POST", location.href);
  request.send(new FormData(form));
});

// What is dropped anywhere goes to the field.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  form.elements.files.files = event.dataTransfer.files;
  form.requestSubmit();
});
