// For auditors: the log in the order of learning, each position once, late and refused facts marked.
//
// What the page holds is a map by position: what the feed and the lists tell twice stands there once.

import { ask } from "./api.js";
import { h, identity, show } from "./dom.js";
import { Feed } from "./feed.js";
import { empty, failed, loading } from "./states.js";
import { marks } from "./stream.js";
import { moment, number, t, term } from "./words.js";

const PAGE = 100;
const FILTERS = { all: () => true, late: (each) => each.late, refused: (each) => each.verdict?.startsWith("refused") };

export function audit(main, _, context) {
  const entries = new Map();
  let cursor = null;
  let filter = "all";
  let turn = 0;
  let waiting = false;
  let feed = null;
  const head = h("p", { class: "lead" });
  const list = h("div", {});
  const more = h("div", { class: "more" });

  async function load({ next = false } = {}) {
    const mine = ++turn;
    if (!next) show(list, loading());
    try {
      const page = await ask("v1/audit/log", { limit: PAGE, cursor: next ? cursor : null });
      if (mine !== turn) return;
      page.items.forEach((each) => entries.set(each.position, each));
      cursor = page.next_cursor;
      paint();
      follow(page.head_position);
    } catch (error) {
      if (mine === turn) show(list, failed(error, () => load(), context.askForKey));
    }
  }

  function follow(position) {
    feed ??= new Feed({}, { lastId: String(position), state: context.feedState, message: (each) => {
      entries.set(each.position, each);
      soon();
    }, resync: () => {
      entries.clear();
      load();
    } });
  }

  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  }

  function paint() {
    const shown = [...entries.values()].filter(FILTERS[filter]).sort((a, b) => b.position - a.position);
    show(head, t("log.lead", { count: number(entries.size) }));
    show(list, shown.length ? h("ol", { class: "log", id: "log" }, shown.map((each) => row(each, context))) : empty(t("log.none"), ""));
    show(more, cursor && h("button", { type: "button", class: "button", id: "more", onclick: () => load({ next: true }) }, t("action.more")));
  }

  const filters = h("fieldset", { class: "segments" }, h("legend", { class: "unseen" }, t("log.filter")),
    Object.keys(FILTERS).map((name) => h("label", {}, h("input", { type: "radio", name: "log", value: name, checked: name === filter, onchange: () => {
      filter = name;
      paint();
    } }), h("span", {}, t(name === "all" ? "status.any" : `mark.${name}`)))));
  show(main, h("header", { class: "head" }, h("h1", {}, t("log.title")), head), h("div", { class: "filters" }, filters), list, more);
  load();
  return () => {
    turn++;
    feed?.close();
  };
}

function row(each, context) {
  const where = each.stream_id === null
    ? h("span", {}, t("log.contract"), " ", identity(each.contract_id))
    : h("a", { href: `#/stream/${each.contract_id}/${each.stream_id}` }, t("stream.name", { id: each.stream_id }));
  return h("li", { "data-position": each.position, "data-late": each.late, "data-refused": Boolean(each.verdict?.startsWith("refused")) },
    h("span", { class: "position" }, number(each.position)),
    h("span", { class: "kind" }, term("kind", each.kind)),
    where,
    each.at ? h("time", { datetime: each.at, title: each.at }, moment(each.at)) : h("span", { class: "quiet" }, "–"),
    marks(each),
    each.tx_hash && h("span", { class: "proof" }, identity(each.tx_hash, context.explorer && `${context.explorer}/tx/${each.tx_hash}`)));
}
