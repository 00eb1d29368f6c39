(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try { const theme = localStorage.getItem("estimand-theme"); if (theme) root.dataset.theme = theme; } catch {}
})();
