"use strict";
(() => {
  const ROW = 28, SPARE = 12;
  const $ = (id) => document.getElementById(id);
  const list = $("event-list"), inner = list.firstElementChild, detail = $("event-detail");
  const search = $("event-search"), kind = $("event-name"), step = $("event-step"), count = $("event-count");
  let all = { start: null, names: [], steps: [], events: [] }, shown = [], lower = [], chosen = -1, queued = false;

  // Characters that could steer the direction of text, or that cannot be seen, are spelled out.
  const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  const plain = (text) => text.replace(odd, (c) => "\\x" + c.codePointAt(0).toString(16).padStart(2, "0"));

  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const offset = (ms) => {
    if (ms < 1000) return "+" + ms.toFixed(ms < 10 ? 2 : 0) + " ms";
    if (ms < 60000) return "+" + (ms / 1000).toFixed(3) + " s";
    return "+" + Math.floor(ms / 60000) + "m " + ((ms % 60000) / 1000).toFixed(1).padStart(4, "0") + "s";
  };
  const tone = (name) =>
    /failed|error/.test(name) ? " is-bad" : /skipped|retry|warning/.test(name) ? " is-warn" : "";

  function row(place) {
    const [ms, name, of, rest] = all.events[shown[place]];
    const made = element("div", "ev" + tone(all.names[name]));
    made.id = "event-" + place;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(place === chosen));
    made.setAttribute("aria-posinset", String(place + 1));
    made.setAttribute("aria-setsize", String(shown.length));
    made.style.top = place * ROW + "px";
    made.append(
      element("span", "t", offset(ms)),
      element("span", "e", plain(all.names[name])),
      element("span", "s", of < 0 ? "" : plain(all.steps[of])),
      element("span", "r", plain(rest.slice(0, 400))),
    );
    return made;
  }
  function draw() {
    queued = false;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
    const rows = [];
    for (let place = first; place < last; place++) rows.push(row(place));
    inner.style.height = shown.length * ROW + "px";
    inner.replaceChildren(...rows);
    if (chosen >= first && chosen < last) list.setAttribute("aria-activedescendant", "event-" + chosen);
    else list.removeAttribute("aria-activedescendant");
  }
  const redraw = () => { if (!queued) { queued = true; requestAnimationFrame(draw); } };

  function choose(place) {
    if (!shown.length) return;
    chosen = Math.max(0, Math.min(shown.length - 1, place));
    const top = chosen * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    const [ms, name, of, rest] = all.events[shown[chosen]];
    const head = element("p");
    head.append(element("strong", "", plain(all.names[name])), " " + (of < 0 ? "" : plain(all.steps[of]) + " ") + offset(ms));
    if (all.start !== null) head.append(element("span", "dim", " · " + new Date(all.start * 1000 + ms).toISOString()));
    let text = "{" + rest + "}";
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* cut short: shown as it is */ }
    detail.replaceChildren(head, element("pre", "", plain(text)));
    redraw();
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const name = kind.value === "" ? -1 : Number(kind.value), of = step.value === "" ? -1 : Number(step.value);
    shown = [];
    for (let i = 0; i < all.events.length; i++) {
      const event = all.events[i];
      if ((name >= 0 && event[1] !== name) || (of >= 0 && event[2] !== of)) continue;
      if (words.length) {
        const text = (lower[i] ??= (all.names[event[1]] + " " + (event[2] < 0 ? "" : all.steps[event[2]]) + " " + event[3]).toLowerCase());
        if (!words.every((word) => text.includes(word))) continue;
      }
      shown.push(i);
    }
    chosen = -1;
    list.scrollTop = 0;
    const total = all.events.length.toLocaleString("en"), some = shown.length.toLocaleString("en");
    count.textContent = shown.length === all.events.length ? total + " events" : some + " of " + total;
    draw();
  }

  const PAGE = () => Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const KEYS = {
    ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1), Home: () => choose(0), End: () => choose(shown.length - 1),
    PageDown: () => choose(chosen + PAGE()), PageUp: () => choose(chosen - PAGE()),
  };
  list.addEventListener("keydown", (event) => {
    if (KEYS[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); KEYS[event.key](); }
  });
  list.addEventListener("click", (event) => {
    const at = event.target.closest(".ev");
    if (at) choose(Number(at.id.slice(6)));
  });
  list.addEventListener("scroll", redraw, { passive: true });
  addEventListener("resize", redraw);
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; filter(); }
    if (event.key === "ArrowDown") { event.preventDefault(); list.focus(); choose(0); }
  });
  kind.addEventListener("change", filter);
  step.addEventListener("change", filter);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); search.focus(); }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-step]");
    if (link) { step.value = String(all.steps.indexOf(link.dataset.step)); if (step.selectedIndex < 0) step.value = ""; filter(); }
    const button = event.target.closest("[data-all]");
    if (button) {
      const within = [...$(button.dataset.all).querySelectorAll("details")], open = within.some((one) => !one.open);
      for (const one of within) one.open = open;
      button.textContent = open ? "Close all" : "Open all";
    }
  });

  async function unpack() {
    const bytes = Uint8Array.from(atob($("event-data").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    all = JSON.parse(await new Response(stream).text());
    all.names.forEach((name, at) => kind.append(new Option(plain(name), String(at))));
    all.steps.forEach((name, at) => step.append(new Option(plain(name), String(at))));
    $("event-wait").hidden = true;
    $("event-tools").hidden = $("event-panel").hidden = false;
    filter();
    document.documentElement.dataset.ready = "events";
  }
  $("event-wait").textContent = "Reading the events…";
  requestAnimationFrame(() => setTimeout(() => unpack().catch((error) => {
    $("event-wait").textContent = "The events cannot be shown in this browser (" + error.name + "); events.jsonl holds them.";
  })));
})();
