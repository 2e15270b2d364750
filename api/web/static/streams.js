// All streams: their status, between whom they are, how long they have stood still.

import { ask, passes } from "./api.js";
import { h, identity, show } from "./dom.js";
import { Feed } from "./feed.js";
import { empty, failed, loading } from "./states.js";
import { duration, number, t } from "./words.js";

const STATUSES = ["", "active", "paused", "cancelled", "exhausted"];
const PAGE = 50;
const TOGETHER = 3000; // one question for all that happens in so long: keys have a rate

export function since(iso) {
  const at = Date.parse(iso);
  return h("span", { "data-since-at": at, class: "running" }, duration((Date.now() - at) / 1000));
}

export function badge(status, contractPaused = false) {
  const shown = contractPaused && status === "active" ? "contract_paused" : status;
  return h("span", { class: "badge", "data-status": shown }, t(`status.${shown}`));
}

export function streams(main, _, context) {
  const asked = { status: "", q: "" };
  let shown = [];
  let cursor = null;
  let timer = 0;
  let turn = 0;
  const list = h("div", { class: "list", "aria-live": "off" });
  const more = h("div", { class: "more" });

  async function load({ next = false, quiet = false } = {}) {
    const mine = ++turn;
    if (!next && !quiet) show(list, loading());
    try {
      const limit = next ? PAGE : Math.max(PAGE, Math.min(200, shown.length));
      const page = await ask("v1/streams", { ...asked, limit, cursor: next ? cursor : null });
      if (mine !== turn) return;
      shown = next ? [...shown, ...page.items] : page.items;
      cursor = page.next_cursor;
      paint();
    } catch (error) {
      if (mine !== turn) return;
      if (quiet && shown.length && passes(error)) return later(error.retryAfter * 1000);
      show(more);
      show(list, failed(error, () => load(), context.askForKey));
    }
  }

  function paint() {
    if (!shown.length) {
      const filtered = asked.status || asked.q;
      show(list, filtered ? empty(t("streams.none_match"), t("streams.none_match_text")) : empty(t("streams.none"), t("streams.none_text")));
    } else {
      show(list, h("ul", { class: "streams" }, shown.map(row)));
    }
    show(more, cursor && h("button", { type: "button", class: "button", id: "more", onclick: () => load({ next: true }) }, t("action.more")));
  }

  function later(wait = 0) {
    timer ||= setTimeout(() => {
      timer = 0;
      load({ quiet: true });
    }, Math.max(TOGETHER, wait || 0));
  }

  show(main, h("header", { class: "head" }, h("h1", {}, t("streams.title")), h("p", { class: "lead" }, t("streams.lead"))),
    filters(asked, () => load()), list, more);
  const feed = new Feed({}, { message: () => later(), resync: () => later(), state: (state) => {
    context.feedState(state);
    if (state === "live") later();
  } });
  load();
  return () => {
    turn++;
    clearTimeout(timer);
    feed.close();
  };
}

function filters(asked, changed) {
  let typing = 0;
  const search = h("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", maxlength: "56", placeholder: t("streams.search_hint"), oninput: (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      asked.q = event.target.value.trim().replace(/[^A-Za-z0-9]/g, "").toUpperCase();
      changed();
    }, 250);
  } });
  const statuses = STATUSES.map((status) => h("label", {},
    h("input", { type: "radio", name: "status", value: status, checked: status === asked.status, onchange: () => {
      asked.status = status;
      changed();
    } }), h("span", {}, t(status ? `status.${status}` : "status.any"))));
  return h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    h("label", { class: "search" }, h("span", { class: "unseen" }, t("streams.search")), search),
    h("fieldset", { class: "segments" }, h("legend", { class: "unseen" }, t("streams.by_status")), statuses));
}

function row(item) {
  const address = `#/stream/${item.contract_id}/${item.stream_id}`;
  const standing = item.paused_since
    ? h("span", { class: "standing" }, t("stream.for"), " ", since(item.paused_since))
    : h("span", { class: "standing quiet" }, item.pause_count ? t("stream.pauses", { count: number(item.pause_count) }) : t("stream.no_pause"));
  return h("li", { "data-stream": item.stream_id },
    h("a", { class: "stream", href: address },
      h("span", { class: "name" }, t("stream.name", { id: item.stream_id })), badge(item.status),
      h("span", { class: "parties" }, identity(item.employer), h("span", { class: "flow", "aria-label": t("stream.pays") }, "→"), identity(item.employee)),
      standing));
}
