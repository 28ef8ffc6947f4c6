// The script that larkspur dev puts into pages: see package live.
(() => {
  "use strict";
  const own = document.currentScript;
  const events = new URL("events", own.src);
  let [boot, change, page] = new URL(own.src).searchParams.get("v").split("-");
  let seen = Number(change); // the change that this page shows
  let stale = false;

  const store = (key, value) => {
    try {
      const old = sessionStorage.getItem(key);
      value === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, value);
      return old;
    } catch { return null } // a page without storage loses its scroll position, no more
  };

  // The page is asked for again, and shows the place that it showed.
  const here = () => "larkspur:scroll:" + location.pathname + location.search;
  const reload = state => {
    if (stale) return true;
    // A copy out of the cache names an old change for ever: it is asked for once for each change.
    const want = state.boot + "-" + state.reload;
    if (store("larkspur:asked", want) === want) return false;
    stale = true;
    store(here(), scrollX + " " + scrollY);
    location.reload();
    return true;
  };
  const kept = store(here(), null);
  if (kept) {
    const [x, y] = kept.split(" ").map(Number);
    let at = scrollX + " " + scrollY;
    const restore = () => {
      if (scrollX + " " + scrollY !== at) return; // somebody has moved it since
      scrollTo({ left: x, top: y, behavior: "instant" });
      at = scrollX + " " + scrollY;
    };
    document.readyState === "loading" ? addEventListener("DOMContentLoaded", restore) : restore();
    addEventListener("load", restore, { once: true });
  }

  // A style sheet is replaced once its successor has come, so that the page is never without.
  const restyle = state => {
    const sheets = [...document.querySelectorAll('link[rel~="stylesheet"][href]')].filter(link => new URL(link.href).origin === location.origin);
    if (!sheets.length || sheets.some(link => link.integrity)) return reload({ boot: state.boot, reload: "css" + state.change });
    for (const link of sheets) {
      if (link.dataset.larkspur) continue; // its successor is on the way
      const next = link.cloneNode();
      const url = new URL(link.href);
      url.searchParams.set("larkspur", state.change);
      next.href = url;
      link.dataset.larkspur = "old";
      next.addEventListener("load", () => link.remove());
      next.addEventListener("error", () => { next.remove(); delete link.dataset.larkspur });
      link.after(next);
    }
  };

  // What is wrong is shown over the page, in a tree of its own that the page's style does not reach. It is made of
  // elements and a constructed sheet, which no policy forbids.
  const css = `
    :host { all: initial; position: fixed; inset: 0; z-index: 2147483647; color-scheme: light dark; }
    .veil { position: absolute; inset: 0; background: rgb(10 12 20 / .55); backdrop-filter: blur(2px); }
    .box { --ink: #1e2330; --soft: #525c6d; --paper: #fff; --edge: #e3e6ec; --mark: #ffe9e6; --red: #c3352b; --code: #f7f8fa;
      position: absolute; inset: auto 0 0 0; margin: 0 auto; max-width: 60rem; max-height: 80vh; overflow: auto; box-sizing: border-box;
      padding: 1.25rem 1.5rem 1rem; color: var(--ink); background: var(--paper); border-top: 4px solid var(--red);
      border-radius: 10px 10px 0 0; box-shadow: 0 -8px 40px rgb(0 0 0 / .35); font: 15px/1.5 system-ui, sans-serif; }
    @media (min-width: 50rem) { .box { inset: 10vh 1rem auto 1rem; border-radius: 10px; } }
    @media (prefers-color-scheme: dark) { .box { --ink: #e7e9ee; --soft: #98a2b3; --paper: #1b1e27; --edge: #343947; --mark: #4a2426; --red: #ff8378; --code: #14171e; } }
    header { display: flex; align-items: baseline; gap: 1rem; }
    h1 { flex: 1; margin: 0; font-size: 1.15rem; color: var(--red); }
    button { font: inherit; font-size: .85rem; color: var(--soft); background: none; border: 1px solid var(--edge); border-radius: 6px; padding: .2rem .6rem; cursor: pointer; }
    button:hover, button:focus-visible { color: var(--ink); border-color: currentColor; }
    h2 { margin: 1.1rem 0 .1rem; font: 600 .85rem/1.5 ui-monospace, monospace; color: var(--soft); overflow-wrap: anywhere; }
    p { margin: .2rem 0 .6rem; } .text { font: 600 .95rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
    pre { margin: 0; padding: .5rem 0; overflow-x: auto; background: var(--code); border: 1px solid var(--edge); border-radius: 6px; font: .85rem/1.6 ui-monospace, monospace; tab-size: 4; }
    pre div { min-width: max-content; padding: 0 1rem 0 0; border-left: 3px solid transparent; }
    pre .here { background: var(--mark); border-color: var(--red); }
    i { display: inline-block; width: 3.2em; margin-right: 1em; text-align: right; font-style: normal; color: var(--soft); user-select: none; }
    footer { margin-top: .9rem; color: var(--soft); font-size: .85rem; }`;
  const make = (name, text, kind) => {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    if (kind) e.className = kind;
    return e;
  };
  let overlay, hidden; // hidden: of what the overlay was closed
  const clear = () => { overlay?.remove(); overlay = null };
  const show = told => {
    clear();
    // A page that was broken off says so until it is asked for again.
    const broken = told.failures?.find(f => String(f.page) === page);
    const state = told.overlay ? { overlay: told.overlay, change: told.change } : { overlay: broken?.overlay, change: "broken" };
    if (!state.overlay || hidden === state.change) return;
    overlay = make("larkspur-overlay");
    const root = overlay.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    const box = make("div", undefined, "box"), head = make("header"), title = make("h1", state.overlay.title), close = make("button", "Close (Esc)");
    box.setAttribute("role", "alertdialog");
    box.setAttribute("aria-label", state.overlay.title);
    const hide = () => { hidden = state.change; clear() };
    close.addEventListener("click", hide);
    overlay.addEventListener("keydown", e => e.key === "Escape" && hide());
    head.append(title, close);
    box.append(head);
    for (const m of state.overlay.items) {
      if (m.place) box.append(make("h2", m.place));
      box.append(make("p", m.message, "text"));
      if (!m.lines?.length) continue;
      const pre = make("pre");
      for (const l of m.lines) {
        const line = make("div", undefined, l.here ? "here" : "");
        line.append(make("i", l.number), l.text || " ");
        pre.append(line);
      }
      box.append(pre);
    }
    box.append(make("footer", state.overlay.note));
    const veil = make("div", undefined, "veil");
    veil.addEventListener("click", hide);
    root.append(veil, box);
    document.documentElement.append(overlay);
    close.focus({ preventScroll: true });
  };

  let last; // the state that was told last
  const take = state => {
    const fresh = !last || last.boot !== state.boot || last.change !== state.change || last.failed !== state.failed;
    last = state;
    if (!fresh) return;
    if ((state.boot !== boot || state.reload > seen) && !state.overlay) {
      if (reload(state)) return;
      // It has been asked for, and came out of a cache again: there is no newer one, but for its style sheets.
      [boot, seen] = [state.boot, state.reload];
    }
    if (state.change > seen && !state.overlay) {
      seen = state.change;
      restyle(state);
    }
    // The page of a script that does not load is about that alone: it shows what is wrong now, or is asked for again.
    if (state.overlay && document.querySelector('meta[name="larkspur-unloaded"]')) {
      if (state.change > seen) reload({ boot: state.boot, reload: "unloaded" + state.change });
      return;
    }
    show(state);
  };

  const channel = "BroadcastChannel" in self ? new BroadcastChannel("larkspur-live") : null;
  const connect = () => {
    const source = new EventSource(events);
    source.onmessage = e => {
      const state = JSON.parse(e.data);
      channel?.postMessage(state);
      take(state);
    };
  };
  if (channel) channel.onmessage = e => {
    if (e.data !== "state?") take(e.data);
    else if (last) channel.postMessage(last);
  };
  if (channel && navigator.locks) {
    channel.postMessage("state?");
    navigator.locks.request("larkspur-live", () => { connect(); return new Promise(() => {}) }).catch(() => {});
  } else connect();
})();
