// Shows what the browser measured of this page and its style sheet.
"use strict";

addEventListener("load", () => {
  const [page] = performance.getEntriesByType("navigation");
  const sheet = performance.getEntriesByType("resource").find((entry) => entry.name.includes("hints.css"));
  const hint = page.firstInterimResponseStart;
  const row = (what, when) => {
    const cells = document.getElementById("times").insertRow();
    cells.insertCell().textContent = what;
    cells.insertCell().textContent = when ? `${Math.round(when)} ms` : "not known";
  };
  row("The hint came after", hint);
  row("The page came after", page.finalResponseHeadersStart || page.responseStart);
  row("The style sheet was there after", sheet?.responseEnd);

  // The address of the style sheet is new, so what the cache has of it has come by the hint.
  let verdict = `The browser did not use the hint: this page came over ${page.nextHopProtocol}.`;
  if (sheet?.transferSize === 0) {
    verdict = "The browser used the hint: it had the style sheet when the page came.";
  } else if (hint && page.nextHopProtocol === "h2") {
    verdict = "The browser saw the hint, and asked for the style sheet when the page came. The server's log tells whether it had asked before: "
      + "Chromium often does, but keeps nothing of a server whose certificate it does not trust.";
  }
  document.getElementById("verdict").textContent = verdict;
});
