// Shows the lists and the details of trials. Only the requested details are decompressed.
//
// The fragment of the address determines the view, so that links can be shared and the Back button works:
//   #                                  the overview, or a part of it
//   #trials?text=zero&verdict=failed   all trials, filtered
//   #suite/server/client?text=…        the trials of one group, that is, of the same peers
//   #suite/server/client/case          one trial
//
// Data is inserted only as text and attributes. The exception is the details, which the template has escaped.
"use strict";
(() => {
  const SHOWN = 300;
  const at = (id) => document.getElementById(id);
  const make = (tag, attributes, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };
  const grouped = (number) => number.toLocaleString("en");

  async function unpack(element) {
    const packed = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  const kept = new Map();
  const once = (key, element) => {
    if (!kept.has(key)) kept.set(key, unpack(element));
    return kept.get(key);
  };

  let index;
  async function read() {
    if (index) return;
    const { verdicts, cells } = await once("", at("index"));
    const trials = cells.flatMap(([cell, entries]) =>
      entries.map(([name, verdict, ms, baseline], place) => ({ cell, name, verdict, ms, baseline, place })));
    // The most severe verdict first; trials with the same verdict stay sorted by name.
    trials.sort((one, other) => one.verdict - other.verdict);
    index = { verdicts, trials, cells: new Map(cells) };
    const given = verdicts.filter((_, verdict) => trials.some((trial) => trial.verdict === verdict));
    const boxes = given.map(({ class: value, symbol, word }) =>
      make("label", {}, make("input", { type: "checkbox", name: "verdict", value }), ` ${symbol} ${word}`));
    at("filter").querySelector("fieldset").append(...boxes);
  }

  const fragment = (name) => "#" + name.replaceAll("%", "%25").replaceAll("?", "%3F");
  const duration = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

  function where() {
    const [path, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
    let name = path;
    try {
      name = decodeURIComponent(path);
    } catch {
      // Use the path unchanged: not every % is an escape.
    }
    return { name, query: new URLSearchParams(query) };
  }

  function verdict(of) {
    const { class: style, symbol, word } = index.verdicts[of];
    return make("td", { className: `verdict ${style}` }, `${symbol} ${word}`);
  }

  let most = SHOWN;
  function list(name, query) {
    const inside = name !== "trials";
    const all = inside ? index.trials.filter((trial) => trial.cell === name) : index.trials;
    const text = query.get("text") ?? "";
    const wanted = query.getAll("verdict");
    const baseline = query.get("baseline") ?? "";
    const found = all.filter((trial) =>
      (!baseline || trial.baseline === baseline) &&
      (!wanted.length || wanted.includes(index.verdicts[trial.verdict].class)) &&
      `${trial.cell}/${trial.name}`.includes(text));
    const form = at("filter");
    if (form.text.value !== text) form.text.value = text;
    form.baseline.value = baseline;
    for (const box of form.querySelectorAll("[name=verdict]")) box.checked = wanted.includes(box.value);
    const compared = baseline && ` compared with the ${baseline} baseline`;
    at("where").textContent = (inside ? name : "all trials") + compared;
    at("count").textContent = `${grouped(found.length)} of ${grouped(all.length)} trials`;
    const row = (trial) => {
      const full = `${trial.cell}/${trial.name}`;
      const link = make("a", { href: fragment(full) }, inside ? trial.name : full);
      return make("tr", {}, verdict(trial.verdict), make("td", { className: "name" }, link),
        make("td", { className: "time" }, duration(trial.ms)));
    };
    at("rows").replaceChildren(...found.slice(0, most).map(row));
    at("more").hidden = found.length <= most;
    at("more").textContent = `Show all ${grouped(found.length)}`;
  }

  async function trial(name, cell) {
    const entries = index.cells.get(cell) ?? [];
    const place = entries.findIndex(([one]) => `${cell}/${one}` === name);
    at("name").textContent = name.slice(cell.length + 1);
    at("cell").textContent = cell;
    at("cell").href = fragment(cell);
    for (const [id, beside] of [["previous", entries[place - 1]], ["next", entries[place + 1]]]) {
      at(id).hidden = place < 0 || !beside;
      if (beside) at(id).href = fragment(`${cell}/${beside[0]}`);
    }
    if (place < 0) {
      at("details").replaceChildren(make("p", { className: "warning" }, "This report does not contain this trial."));
      return;
    }
    const element = document.querySelector(`[data-cell="${CSS.escape(cell)}"]`);
    at("details").innerHTML = (await once(cell, element))[place];
  }

  const scrolled = new Map();
  let shown = "";
  let follows = false;
  async function show() {
    const { name, query } = where();
    const before = location.hash;
    // The names of the sections of the overview contain no slash.
    if (name.includes("/") || name === "trials") await read();
    let view = "overview";
    if (name === "trials" || index?.cells.has(name)) {
      view = "list";
      list(name, query);
    } else if (name.includes("/")) {
      view = "trial";
      const cells = [...index.cells.keys()];
      await trial(name, cells.find((cell) => name.startsWith(`${cell}/`)) ?? "");
    }
    // The user may have followed another link while the details were decompressed.
    if (before !== location.hash) return;
    for (const main of document.querySelectorAll("main")) main.hidden = main.id !== view;
    document.title = view === "overview" ? "Interop report" : `${name} · Interop report`;
    shown = location.hash;
    if (view === "overview" && name) at(name)?.scrollIntoView();
    else scrollTo(0, follows ? 0 : scrolled.get(shown) ?? 0);
    if (view === "trial" && follows) at("name").focus({ preventScroll: true });
    follows = false;
    document.documentElement.dataset.shown = shown.slice(1);
  }

  function fail(error) {
    const message = `This view cannot be shown: ${error}. The page needs a browser from 2023 or later.`;
    document.body.prepend(make("p", { className: "warning" }, message));
  }
  const go = () => show().catch(fail);

  addEventListener("hashchange", () => {
    most = SHOWN;
    go();
  });
  addEventListener("scroll", () => scrolled.set(shown, scrollY), { passive: true });
  document.addEventListener("click", async ({ target }) => {
    if (target.closest("a[href^='#']")) follows = true;
    if (!target.matches(".copy")) return;
    const code = target.parentElement.querySelector("code");
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      target.textContent = "Copied";
    } catch {
      target.textContent = "Selected";
    }
  });
  at("filter").addEventListener("input", ({ currentTarget: form }) => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const [path] = location.hash.split("?");
    // replaceState, so that Back does not undo single letters.
    history.replaceState(null, "", query.size ? `${path}?${query}` : path);
    most = SHOWN;
    go();
  });
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  at("more").addEventListener("click", () => {
    most = Infinity;
    go();
  });
  history.scrollRestoration = "manual";
  document.documentElement.classList.add("scripted");
  go();
})();
