// Draws the figures of a page with Plotly where it is present. Without it, or when it fails, the static pictures stay.
(() => {
  "use strict";
  if (!window.Plotly) return;
  const NARROW = 480;

  // Colours in the figures are literals of one theme; the page's custom properties say what they are now.
  const themed = (value, literals, style) => {
    if (typeof value === "string") {
      const name = literals[value.slice(0, 7)];
      if (!name || !/^#[0-9A-F]{6}([0-9A-F]{2})?$/.test(value)) return value;
      const now = style.getPropertyValue(name).trim();
      return /^#[0-9A-Fa-f]{6}$/.test(now) ? now + value.slice(7) : value;
    }
    if (Array.isArray(value)) return value.map((item) => themed(item, literals, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, literals, style)]));
    }
    return value;
  };

  const draw = (figure) => {
    const source = figure.querySelector(":scope > script[type='application/json']");
    const plot = figure.querySelector(":scope > .figure-plot");
    if (!source || !plot || figure.clientWidth === 0) return;
    const spec = JSON.parse(source.textContent);
    const style = getComputedStyle(figure);
    const layout = figure.clientWidth < NARROW ? spec.narrow : spec.wide;
    figure.dataset.drawn = layout === spec.narrow ? "narrow" : "wide";
    Plotly.react(plot, themed(spec.data, spec.literals, style), themed(layout, spec.literals, style), spec.config)
      .catch(() => delete figure.dataset.drawn);
  };

  const figures = [...document.querySelectorAll(".figure")];
  const drawAll = () => figures.forEach(draw);
  drawAll();

  // Another layout when the page becomes narrow or wide, and when a folded part opens.
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const wanted = target.clientWidth < NARROW ? "narrow" : "wide";
      if (target.clientWidth > 0 && target.dataset.drawn !== wanted) draw(target);
    }
  });
  figures.forEach((figure) => resized.observe(figure));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
})();
