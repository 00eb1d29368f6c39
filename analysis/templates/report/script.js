(() => {
  "use strict";
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const typing = (target) => target.closest("input, select, textarea, dialog, [contenteditable]");

  const toast = document.getElementById("toast");
  let hush;
  const say = (text) => {
    toast.textContent = text;
    toast.classList.add("on");
    clearTimeout(hush);
    hush = setTimeout(() => toast.classList.remove("on"), 1800);
  };

  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} copied`);
    } catch {
      say("This browser does not let a page copy");
    }
  };
  for (const button of $$("[data-copy]")) {
    button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy).textContent, "Command"));
  }

  // Colours.
  const button = document.getElementById("theme");
  const named = () => { button.textContent = `Theme: ${root.dataset.theme ?? "auto"}`; };
  button.addEventListener("click", () => {
    const next = { undefined: "dark", dark: "light", light: undefined }[root.dataset.theme];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    try { if (next) localStorage.setItem("estimand-theme", next); else localStorage.removeItem("estimand-theme"); } catch {}
    named();
  });
  named();

  // Tables keep their meaning when narrow screens lay them out as cards.
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  const headers = { col: "columnheader", row: "rowheader", rowgroup: "rowheader" };
  for (const table of $$("table.scorecard")) {
    for (const element of [table, ...$$("thead, tbody, tr, td, th", table)]) {
      element.setAttribute("role", roles[element.tagName] ?? headers[element.getAttribute("scope")]);
    }
  }

  // The scorecard: state is read from and written to the address, so that a view can be shared.
  const groups = $$("table.scorecard > tbody");
  const order = new Map(groups.map((group, place) => [group, place]));
  const statuses = new Map(groups.map((group) => [group, $$("td.status .chip", group).map((chip) => chip.textContent.trim())]));
  const fields = { scale: "rel", q: "", status: "", order: "", open: "" };
  const state = { ...fields };
  const form = document.getElementById("controls");

  if (form) {
    const select = document.getElementById("status");
    const words = [...new Set([...statuses.values()].flat())];
    for (const word of words) select.add(new Option(word, word));
    for (const group of groups) {
      const more = document.createElement("button");
      more.type = "button";
      more.className = "more";
      more.setAttribute("aria-expanded", "false");
      more.setAttribute("aria-label", `All numbers of ${$(".metric a", group).textContent}`);
      $(".metric", group).prepend(more);
      group.addEventListener("click", (event) => {
        if (event.target === more || (!event.target.closest("a, button, .drill") && !getSelection().toString())) toggle(group);
      });
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      Object.assign(state, {
        scale: new FormData(form).get("scale"),
        q: document.getElementById("filter").value.trim(),
        status: select.value,
        order: document.getElementById("order").value,
      });
      show();
    });
    document.getElementById("help").addEventListener("click", () => document.getElementById("keys").showModal());
    for (const download of $$("[data-download]", form)) {
      download.addEventListener("click", () => save(download.dataset.download));
    }
    restore();
    addEventListener("hashchange", restore);
    addEventListener("keydown", key);
  }

  function restore() {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return;
    const given = Object.fromEntries(new URLSearchParams(hash));
    for (const name in fields) state[name] = given[name] ?? fields[name];
    if (!["rel", "abs"].includes(state.scale)) state.scale = "rel";
    form.elements.scale.value = state.scale;
    document.getElementById("filter").value = state.q;
    document.getElementById("status").value = state.status;
    document.getElementById("order").value = state.order;
    for (const group of groups) unfold(group, group.dataset.metric === state.open);
    show();
  }

  function show() {
    root.dataset.scale = state.scale;
    const wanted = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of groups) {
      const text = `${group.dataset.metric} ${group.dataset.tags ?? ""} ${$(".metric", group).textContent}`.toLowerCase();
      const fits = wanted.every((word) => text.includes(word));
      group.hidden = !(fits && (!state.status || statuses.get(group).includes(state.status)));
      found += !group.hidden;
    }
    for (const table of $$("table.scorecard")) {
      const bodies = $$(":scope > tbody", table).sort(by(state.order));
      table.append(...bodies);
      table.hidden = bodies.every((body) => body.hidden);
      mark(table, "effect", state.order === "effect" ? "descending" : "");
      mark(table, "p", state.order === "p" ? "ascending" : "");
      mark(table, "status", state.order === "status" ? "other" : "");
    }
    const note = document.getElementById("found");
    note.hidden = found === groups.length;
    note.textContent = `${found} of ${groups.length} metrics shown`;
    const changed = Object.entries(state).filter(([name, value]) => value !== fields[name]);
    const hash = new URLSearchParams(changed).toString();
    if (hash || location.hash.includes("=")) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  function mark(table, column, value) {
    const header = $(`thead .${column}`, table);
    if (value) header.setAttribute("aria-sort", value); else header.removeAttribute("aria-sort");
  }

  function by(name) {
    const words = ["check data", "harmed", "worse", "better", "safe", "not shown safe", "too small to matter", "no clear effect", "running"];
    const last = words.length;
    const number = (text, missing) => (text === "" ? missing : Number(text));
    const rank = {
      status: (group) => Math.min(last, ...statuses.get(group).map((word) => words.indexOf(word)).filter((place) => place >= 0)),
      effect: (group) => -number(group.dataset.effect, -Infinity),
      p: (group) => number(group.dataset.p, Infinity),
    }[name];
    return (one, other) => (rank ? rank(one) - rank(other) || 0 : 0) || order.get(one) - order.get(other);
  }

  function lines(group) {
    const body = $$("[data-numbers] > tbody").find((body) => body.dataset.metric === group.dataset.metric);
    return { head: $("thead", body.parentElement), body };
  }

  function unfold(group, open) {
    const old = $(".drill", group);
    if (old) old.remove();
    $(".more", group).setAttribute("aria-expanded", String(open));
    if (!open) return;
    const { head, body } = lines(group);
    const row = group.insertRow();
    row.className = "drill";
    const cell = row.insertCell();
    cell.colSpan = 9;
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", $(".more", group).getAttribute("aria-label"));
    const table = document.createElement("table");
    table.className = "plain";
    table.dataset.numbers = "";
    table.append(head.cloneNode(true), body.cloneNode(true));
    scroll.append(table);
    const actions = document.createElement("p");
    actions.className = "actions";
    for (const [text, run] of [["Copy as CSV", () => copyCsv(group)], ["Copy as Markdown", () => copyMarkdown(group)]]) {
      const action = document.createElement("button");
      action.type = "button";
      action.className = "small";
      action.textContent = text;
      action.addEventListener("click", run);
      actions.append(action, " ");
    }
    cell.append(scroll, actions);
  }

  function toggle(group) {
    const open = !$(".drill", group);
    for (const other of groups) if (other !== group && $(".drill", other)) unfold(other, false);
    unfold(group, open);
    state.open = open ? group.dataset.metric : "";
    show();
    select(group);
  }

  function select(group) {
    for (const other of $$("tbody.current")) other.classList.remove("current");
    group.classList.add("current");
    $(".more", group).focus({ preventScroll: true });
    const motion = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    group.scrollIntoView({ block: "nearest", behavior: motion });
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.id === "filter") {
      event.target.value = "";
      event.target.dispatchEvent(new Event("input", { bubbles: true }));
      event.target.blur();
      return;
    }
    if (typing(event.target) && event.target.type !== "radio") return;
    const shown = $$("table.scorecard > tbody").filter((group) => !group.hidden);
    const place = shown.findIndex((group) => group.classList.contains("current"));
    const current = shown[place];
    const act = {
      j: () => shown.length && select(shown[Math.min(place + 1, shown.length - 1)]),
      k: () => shown.length && select(shown[Math.max(place - 1, 0)]),
      Enter: () => current && event.target === document.body && toggle(current),
      c: () => current && copyCsv(current),
      m: () => current && copyMarkdown(current),
      s: () => { form.elements.scale.value = state.scale = state.scale === "rel" ? "abs" : "rel"; show(); },
      "/": () => document.getElementById("filter").focus(),
      "?": () => document.getElementById("keys").showModal(),
    }[event.key];
    if (!act) return;
    if (event.key !== "Enter") event.preventDefault();
    act();
  }

  // Copies and downloads: the result table at full precision.
  let table;
  function results() {
    if (table) return table;
    const { length, columns } = read("results");
    const names = Object.keys(columns);
    const cell = ({ same = null, words, places, cells }, row) => (words ? words[places[row]] : cells ? cells[row] : same);
    const objects = Array.from({ length }, (_, row) => Object.fromEntries(names.map((name) => [name, cell(columns[name], row)])));
    table = { names, rows: objects };
    return table;
  }

  function csv(rows) {
    const cell = (value) => {
      if (value === null) return "";
      if (typeof value !== "string") return String(value);
      // A spreadsheet would run text that begins like a formula.
      const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const { names } = results();
    return [names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  function copyCsv(group) {
    copy(csv(results().rows.filter((row) => row.metric === group.dataset.metric)), "CSV");
  }

  function copyMarkdown(group) {
    const { head, body } = lines(group);
    const row = (tr) => `| ${[...tr.cells].map((cell) => cell.textContent.trim().replaceAll("|", "\\|")).join(" | ")} |`;
    const rule = `|${" --- |".repeat(head.rows[0].cells.length)}`;
    copy([row(head.rows[0]), rule, ...[...body.rows].map(row)].join("\n") + "\n", "Markdown");
  }

  function save(kind) {
    const { rows } = results();
    const text = kind === "csv" ? csv(rows) : JSON.stringify(rows, null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }));
    link.download = `${$(".masthead .eyebrow code").textContent || "results"}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Paper has nothing to unfold.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = $$("details:not([open], .figure-data, .early)");
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded = [];
  });
})();
