// Shows what the browser measured of this page and its style sheet.
"use strict";

addEventListener("load", () => {
  const [page] = performance.getEntriesByType("navigation");
  const sheet = performance.getEntriesByType("resource").find((entry) => entry.name.includes("hints.css"));
  const final = page.finalResponseHeadersStart || page.responseStart;
  const hint = page.firstInterimResponseStart;
  const row = (what, when) => {
    const cells = document.getElementById("times").insertRow();
    cells.insertCell().textContent = what;
    cells.insertCell().textContent = when ? `${Math.round(when)} ms` : "not seen";
  };
  row("The hint came after", hint);
  row("The style sheet was asked for after", sheet?.startTime);
  row("The page came after", final);
  document.getElementById("verdict").textContent = sheet && sheet.startTime < final
    ? "The browser fetched the style sheet while the page was being made."
    : `The browser did not use the hint (this page came over ${page.nextHopProtocol}).`;
});
