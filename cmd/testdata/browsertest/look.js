// Returns what is wrong with how the page looks, as a list of sentences.
(() => {
  const faults = new Set();
  for (const d of document.querySelectorAll("details")) d.open = true;
  const screen = document.documentElement.clientWidth;
  const over = document.scrollingElement.scrollWidth - innerWidth;
  if (over > 0) faults.add(`it is ${over} pixels wider than the screen of ${innerWidth}`);

  // What is below shadow roots is looked at too, and the element around one is its parent.
  const all = (root) => [...root.querySelectorAll("*")].flatMap((e) => e.shadowRoot ? [e, ...all(e.shadowRoot)] : [e]);
  const parent = (e) => e.parentElement ?? (e.getRootNode() instanceof ShadowRoot ? e.getRootNode().host : null);

  const parts = (color) => {
    const n = color.match(/[\d.]+/g).map(Number);
    return { rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1 };
  };
  const mix = (front, a, back) => front.map((c, i) => c * a + back[i] * (1 - a));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "Canvas";
  const canvas = parts(getComputedStyle(probe).color).rgb;
  probe.remove();
  // The colour behind an element.
  const behind = (e) => {
    if (!e) return canvas;
    const { rgb, a } = parts(getComputedStyle(e).backgroundColor);
    return a === 1 ? rgb : mix(rgb, a, behind(parent(e)));
  };
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  const words = [];
  for (const e of all(document.body)) {
    if (["SCRIPT", "STYLE", "OPTION", "TITLE", "IFRAME"].includes(e.tagName) || !seen(e)) continue;
    for (const node of e.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const said = JSON.stringify(node.data.trim().slice(0, 40));
      const style = getComputedStyle(e);

      const range = document.createRange();
      range.selectNodeContents(node);
      for (let r of range.getClientRects()) {
        if (!r.width || !r.height) continue;
        let box = { left: r.left, right: r.right, top: r.top, bottom: r.bottom };
        // As far as it shows: what scrolls may hide a part, what does not may not.
        for (let p = e, scrolls = false; p && p !== document.documentElement; p = parent(p)) {
          const how = getComputedStyle(p), edge = p.getBoundingClientRect();
          if (how.overflowX === "visible" || how.display === "inline") continue;
          // Code and rows of links may be scrolled; a box of words should not have to be.
          scrolls ||= (how.overflowX === "auto" || how.overflowX === "scroll") && p.matches("pre, nav *");
          if (!scrolls && (box.right > edge.right + 1 || box.left < edge.left - 1)) faults.add(`${said} is cut off, and does not scroll`);
          box = { left: Math.max(box.left, edge.left), right: Math.min(box.right, edge.right), top: Math.max(box.top, edge.top), bottom: Math.min(box.bottom, edge.bottom) };
        }
        if (box.right > screen + 1 || box.left < -1) faults.add(`${said} is beyond the screen`);
        if (box.right - box.left > 1 && box.bottom - box.top > 1) words.push({ e, said, ...box });
      }

      let opacity = 1;
      for (let p = e; p; p = parent(p)) opacity *= getComputedStyle(p).opacity;
      const back = behind(e), { rgb, a } = parts(style.color);
      const [low, high] = [luminance(mix(rgb, a * opacity, back)), luminance(back)].sort((x, y) => x - y);
      const contrast = (high + .05) / (low + .05);
      // WCAG 2.2, 1.4.3: large text needs less; what is disabled needs none.
      const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
      if (contrast < (large ? 3 : 4.5) && !e.closest(":disabled")) faults.add(`${said} has a contrast of ${contrast.toFixed(2)} only`);
    }
  }
  words.sort((a, b) => a.top - b.top);
  for (const [i, a] of words.entries()) {
    for (let j = i + 1; j < words.length && words[j].top < a.bottom - 4; j++) {
      const b = words[j];
      if (getComputedStyle(a.e).position === "fixed" || a.e.getRootNode() !== b.e.getRootNode()) continue;
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top), wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      if (high > 4 && wide > 4) faults.add(`${a.said} and ${b.said} lie on one another`);
    }
  }
  return [...faults];
})()
