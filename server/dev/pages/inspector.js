// Keeps the inspector's page up to date: it is asked for again when something has happened, and its main part replaced.
(() => {
  "use strict";
  let asked = Promise.resolve();
  const refresh = async () => {
    const old = document.querySelector("main[data-follow]");
    if (!old) return;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
  const source = new EventSource("/_larkspur/events?requests");
  source.onmessage = () => { // the first too: something may have happened since the page was made
    asked = asked.then(refresh).catch(() => {}); // the next event tries again
  };
})();
