// What the pages do beyond links and forms: keys, the browser's zone, word of new events, copying. Every part of the
// page works without it. Texts are set as text, never as markup (Trusted Types allow nothing else).

const find = (selector) => document.querySelector(selector);
const keeper = (storage) => ({
  get: (name) => { try { return window[storage].getItem(name); } catch { return null; } },
  set: (name, value) => { try { window[storage].setItem(name, value); } catch { /* private windows keep nothing */ } },
});
const store = keeper("localStorage"), tab = keeper("sessionStorage");

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// the browser's own zone, first among those to choose from
function offerZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const input = find("#tz");
  if (!input || !zone || zone === input.value) return;
  const button = make("button", `This browser: ${zone}`, { type: "submit" });
  button.addEventListener("click", () => { input.value = zone; });
  input.form.append(button);
}

// how many events came since the list was made; rows never move by themselves
function watchNews() {
  const news = find("#news");
  if (!news || !news.dataset.poll) return;
  let pause = 5000;
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(news.dataset.poll, { headers: { accept: "application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const { count } = await answer.json();
        if (count > 0) {
          const text = `${count.toLocaleString("en")} new ${count === 1 ? "event" : "events"} — show`;
          if (news.textContent !== text) news.textContent = text;
          news.hidden = false;
        }
        pause = 5000;
      } catch { pause = Math.min(pause * 2, 60000); }
    }
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
}

// the first run looks by itself whether an event has landed
function watchFirst() {
  const link = find("[data-refresh]");
  if (!link) return;
  setInterval(async () => {
    try {
      const answer = await fetch("/api/v1/count");
      if (answer.ok && (await answer.json()).count > 0) location.assign(link.href);
    } catch { /* the next look may succeed */ }
  }, 3000);
}

// a refresh shows the same part of the page, and what had the focus has it again
function keepPlace() {
  const link = find("#refresh");
  if (!link) return;
  const left = JSON.parse(tab.get("place") || "null");
  tab.set("place", "");
  if (left && left.page === location.href) {
    const row = [...document.querySelectorAll(".events a.event")].find((one) => one.pathname === left.row);
    (row || link).focus({ preventScroll: true });
    scrollTo({ top: left.top, behavior: "instant" });
  }
  link.addEventListener("click", () => {
    const { pathname } = document.activeElement.closest("a.event") || {};
    tab.set("place", JSON.stringify({ page: link.href, top: scrollY, row: pathname }));
  });
}

function offerCopies() {
  if (!navigator.clipboard) return;
  const said = make("span", "", { role: "status", class: "hidden" });
  document.body.append(said);
  const copier = (name, read) => {
    const button = make("button", "Copy", { type: "button", "aria-label": name });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(read());
      button.textContent = "Copied";
      said.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 2000);
    });
    return button;
  };
  for (const area of document.querySelectorAll("textarea[readonly]")) {
    area.after(copier(`Copy: ${area.labels[0].textContent}`, () => area.value));
  }
  const link = find("#copy-link");
  if (link) link.after(copier("Copy the fixed link", () => link.href));
  for (const value of document.querySelectorAll(".sections .facts .value")) {
    const name = value.closest("div").querySelector("dt").textContent;
    const button = make("button", "", { type: "button", class: "sign copy", "aria-label": `Copy ${name}`, title: "copy" });
    button.addEventListener("click", async () => { await navigator.clipboard.writeText(value.textContent); said.textContent = "Copied"; });
    value.parentElement.append(button);
  }
}

// drawn over the bars, a stretch of time is the range: what stands from the first bar to the last
function dragToZoom() {
  const chart = find(".plot > svg");
  if (!chart) return;
  const bars = [...chart.querySelectorAll("a[data-since]")];
  const under = (event) => bars.find((bar) => {
    const { left, right } = bar.querySelector(".slot").getBoundingClientRect();
    return event.clientX >= left && event.clientX < right;
  });
  let from = null, dragged = false;
  const between = (other) => {
    const [a, b] = [bars.indexOf(from), bars.indexOf(other)].sort((x, y) => x - y);
    return bars.slice(a, b + 1);
  };
  const mark = (chosen) => { for (const bar of bars) bar.classList.toggle("drawn", chosen.includes(bar)); };
  chart.addEventListener("pointerdown", (event) => { if (event.button === 0) { from = under(event); dragged = false; } });
  chart.addEventListener("pointermove", (event) => {
    const over = from && under(event);
    if (over && (dragged || over !== from)) { dragged = true; mark(between(over)); }
  });
  addEventListener("pointerup", (event) => {
    const over = under(event), start = from;
    if (start && dragged && over) {
      from = start;
      const chosen = between(over), target = new URL(chosen[0].href.baseVal, location.href);
      target.searchParams.set("since", chosen[0].dataset.since);
      target.searchParams.set("until", chosen.at(-1).dataset.until);
      location.assign(target);
    } else mark([]);
    from = null;
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && from) { from = null; dragged = true; mark([]); } });
  chart.addEventListener("click", (event) => { if (dragged) { event.preventDefault(); dragged = false; } }, true);
  chart.addEventListener("dragstart", (event) => event.preventDefault());
}

// an export tells how far it is, can be broken off, and ends with its manifest; the browser itself writes the file
function watchExports() {
  const links = find(".exports");
  if (!links || !self.crypto?.randomUUID) return;
  const said = make("span", "", { role: "status", class: "progress" });
  links.append(said);
  for (const link of links.querySelectorAll("a")) {
    const plain = link.href;
    link.addEventListener("click", () => {
      const ticket = crypto.randomUUID(), address = `/api/v1/exports/${ticket}`;
      link.href = `${plain}${plain.includes("?") ? "&" : "?"}ticket=${ticket}`;
      followExport(address, said);
      setTimeout(() => { link.href = plain; });
    });
  }
}

function followExport(address, said) {
  const count = make("span", "Preparing …"), cancel = make("button", "Cancel", { type: "button" });
  cancel.addEventListener("click", () => fetch(address, { method: "DELETE" }));
  said.replaceChildren(count, cancel);
  const number = (value) => value.toLocaleString("en");
  let missing = 0;
  const look = async () => {
    const answer = await fetch(address).catch(() => null);
    if (!answer || !answer.ok) {
      missing += 1;
      if (missing < 20) setTimeout(look, 500); else said.replaceChildren("The export did not begin.");
      return;
    }
    const { state, rows, promised, sha256 } = await answer.json();
    const text = `${number(rows)} of ${number(promised[1])} rows`;
    if (state === "running") { if (count.textContent !== text) count.textContent = text; setTimeout(look, 500); return; }
    if (state === "broken") { said.replaceChildren(`Broken off at ${text}`); return; }
    const manifest = make("a", "Manifest", { href: `${address}/manifest`, download: "", title: `SHA-256 ${sha256}` });
    said.replaceChildren(make("span", `Complete: ${number(rows)} rows`), manifest);
  };
  setTimeout(look, 200);
}

// keys
const KEYS = [["/", "search"], ["j k", "next, previous row"], ["Enter", "open the row"], ["[ ]", "newer, older event; pages"],
  ["Esc", "back to the list"], ["f", "filters"], ["r", "refresh"], ["t", "theme"], ["u", "UTC"], ["?", "this help"]];
let at = -1;

function move(step) {
  const rows = [...document.querySelectorAll(".events tbody tr")];
  if (!rows.length) return;
  rows[at]?.classList.remove("at");
  at = Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[at].classList.add("at");
  rows[at].querySelector("a.event").focus();
}

function follow(...selectors) {
  selectors.map(find).find(Boolean)?.click();
}

const ACTIONS = {
  "/": () => { const box = find("#q") || find("#contains"); box?.focus(); box?.select(); },
  j: () => move(1), k: () => move(-1),
  "[": () => follow("#newer", ".paging [rel=prev]"),
  "]": () => follow("#older", ".paging [rel=next]"),
  Escape: () => follow("#close"),
  f: () => { const all = find(".all-filters"); if (all) { all.open = true; all.querySelector("a")?.focus(); } },
  r: () => follow("#refresh"),
  t: () => { const links = [...document.querySelectorAll(".themes a")]; links[(links.findIndex((a) => a.hasAttribute("aria-current")) + 1) % links.length]?.click(); },
  u: () => { const input = find("#tz"); if (input) { input.value = "UTC"; input.form.requestSubmit(); } },
  "?": () => help(),
};

function help() {
  let box = find("#keys");
  if (!box) {
    box = make("dialog", "", { id: "keys", "aria-labelledby": "keys-title" });
    const list = make("dl");
    for (const [key, what] of KEYS) {
      const row = make("div");
      row.append(make("dt"), make("dd", what));
      row.firstChild.append(make("kbd", key));
      list.append(row);
    }
    const toggle = make("input", "", { type: "checkbox", id: "keys-on" });
    toggle.checked = store.get("keys") !== "off";
    toggle.addEventListener("change", () => store.set("keys", toggle.checked ? "on" : "off"));
    const label = make("label", " Keys are on");
    label.prepend(toggle);
    const close = make("form", "", { method: "dialog" });
    close.append(make("button", "Close"));
    box.append(make("h2", "Keys", { id: "keys-title" }), list, label, close);
    document.body.append(box);
  }
  box.showModal();
}

function onKey(event) {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || find("dialog[open]")) return;
  if (target.closest("input, textarea, select")) { if (key === "Escape") target.blur(); return; }
  if (store.get("keys") === "off" || !Object.hasOwn(ACTIONS, key)) return;
  event.preventDefault();
  ACTIONS[key]();
}

document.addEventListener("keydown", onKey);
const opener = find("#keys-help");
if (opener) { opener.hidden = false; opener.addEventListener("click", help); }
const filters = find(".all-filters");
if (filters && matchMedia("(max-width: 55rem)").matches) {
  filters.open = false;
  filters.parentElement.classList.add("above");
}
keepPlace(); dragToZoom(); watchExports(); offerZone(); watchNews(); watchFirst(); offerCopies();
