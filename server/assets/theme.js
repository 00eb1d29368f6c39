// Light or dark as the reader chose on any page or report; before anything is drawn.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try { const theme = localStorage.getItem("estimand-theme"); if (theme) root.dataset.theme = theme; } catch {}
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const named = () => { button.textContent = `Theme: ${root.dataset.theme ?? "auto"}`; };
    button.addEventListener("click", () => {
      const next = { undefined: "dark", dark: "light", light: undefined }[root.dataset.theme];
      if (next) root.dataset.theme = next; else delete root.dataset.theme;
      try { if (next) localStorage.setItem("estimand-theme", next); else localStorage.removeItem("estimand-theme"); } catch {}
      named();
    });
    named();
  });
})();
