// One stream: how it stands now, its pauses as a timeline and as a list, who was told, all that happened.

import { ask, passes } from "./api.js";
import { h, identity, show } from "./dom.js";
import { Feed } from "./feed.js";
import { empty, failed, loading } from "./states.js";
import { badge, since } from "./streams.js";
import { timeline } from "./timeline.js";
import { told } from "./told.js";
import { duration, moment, number, t, term } from "./words.js";

const PAGE = 25;
const TOGETHER = 2000;

export function stream(main, [contract, id], context) {
  const path = `v1/streams/${encodeURIComponent(contract)}/${encodeURIComponent(id)}`;
  const found = { stream: null, pauses: [], wide: [], events: [], pausesNext: null, eventsNext: null };
  let turn = 0;
  let timer = 0;
  let before = null;
  const hero = h("div", { class: "hero" });
  const drawn = h("div", { class: "drawn" });
  const pauses = h("section", {});
  const events = h("section", {});

  async function load(quiet = false) {
    const mine = ++turn;
    if (!quiet) show(hero, loading());
    try {
      const kept = Math.min(200, Math.max(PAGE, found.pauses.length));
      const [answer, list, wide, happened] = await Promise.all([
        ask(path),
        ask(`${path}/pauses`, { limit: kept }),
        ask(`v1/contracts/${encodeURIComponent(contract)}/pauses`, { limit: 200 }),
        ask(`${path}/timeline`, { limit: Math.min(200, Math.max(PAGE, found.events.length)) }),
      ]);
      if (mine !== turn) return;
      Object.assign(found, { stream: answer, pauses: list.items, wide: wide.items, events: happened.items,
        pausesNext: list.next_cursor, eventsNext: happened.next_cursor });
      paint();
    } catch (error) {
      if (mine !== turn) return;
      if (quiet && found.stream && passes(error)) return later(error.retryAfter * 1000);
      show(drawn);
      show(pauses);
      show(events);
      show(hero, h("h1", { class: "unseen" }, t("stream.name", { id })), failed(error, () => load(), context.askForKey));
    }
  }

  function paint() {
    const now = found.stream;
    if (before && before !== now.status) {
      context.say(t("stream.changed", { id, status: t(`status.${now.status}`) }));
    }
    before = now.status;
    document.title = `${t("stream.name", { id })}: ${t(`status.${now.status}`)} · Pausewire`;
    show(hero, standing(now, context));
    show(drawn, timeline(found, (now.completeness === "gap")));
    show(pauses, pausesOf(found, path, context, () => more("pauses", "pausesNext")));
    show(events, eventsOf(found, context, () => more("events", "eventsNext")));
  }

  async function more(name, next) {
    const tail = name === "pauses" ? "pauses" : "timeline";
    try {
      const page = await ask(`${path}/${tail}`, { limit: 100, cursor: found[next] });
      found[name] = [...found[name], ...page.items];
      found[next] = page.next_cursor;
      paint();
    } catch (error) {
      context.say(t("state.offline_title"));
    }
  }

  function later(wait = 0) {
    timer ||= setTimeout(() => {
      timer = 0;
      load(true);
    }, Math.max(TOGETHER, wait || 0));
  }

  show(main, h("p", { class: "back" }, h("a", { href: "#/streams" }, t("streams.title"))), hero, drawn, pauses, events);
  const concerns = (message) => {
    if (message.stream_id === null || message.stream_id === id) later();
  };
  const feed = new Feed({ contract_id: contract }, { message: concerns, resync: () => later(), state: (state) => {
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

function standing(now, context) {
  const open = now.paused_since;
  const explorer = context.explorer;
  const account = (value) => identity(value, explorer && value && `${explorer}/account/${value}`);
  const headline = open
    ? h("h1", {}, t("stream.paused_for"), " ", since(open))
    : h("h1", {}, t(`stream.is_${now.contract_paused && now.status === "active" ? "contract_paused" : now.status}`));
  const by = now.paused_by && h("span", {}, " · ", t("stream.by"), " ", now.paused_by_role ? `${term("role", now.paused_by_role)} ` : "", account(now.paused_by));
  const sub = open
    ? h("p", { class: "lead" }, t("stream.paused_since"), " ", h("time", { datetime: open, title: open }, moment(open)), by)
    : now.status_at && h("p", { class: "lead" }, t("stream.so_since"), " ", h("time", { datetime: now.status_at, title: now.status_at }, moment(now.status_at)));
  return [
    h("div", { class: "eyebrow" }, h("span", {}, t("stream.name", { id: now.stream_id })), badge(now.status, now.contract_paused),
      h("span", { class: "quiet" }, t("stream.of_contract"), " ", identity(now.contract_id, explorer && `${explorer}/contract/${now.contract_id}`))),
    headline, sub,
    h("dl", { class: "facts" },
      fact("stream.employee", account(now.employee)), fact("stream.employer", account(now.employer)),
      fact("stream.total_pauses", number(now.pause_count)),
      fact("stream.total_paused", now.total_paused_seconds ? duration(now.total_paused_seconds) : "–"),
      fact("stream.rate", now.rate ? h("bdi", {}, number(BigInt(now.rate)), " ", h("small", { class: "quiet" }, t("stream.rate_unit"))) : "–"),
      now.anomalies > 0 && fact("stream.anomalies", number(now.anomalies))),
  ];
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, t(name)), h("dd", {}, value));
}

function pausesOf(found, path, context, more) {
  const head = h("h2", { id: "pauses-title" }, t("pauses.title"));
  if (!found.pauses.length) return [head, empty(t("pauses.none"), t("pauses.none_text"))];
  return [head, h("ol", { class: "pauses" }, found.pauses.map((pause) => onePause(pause, path, context))),
    found.pausesNext && h("div", { class: "more" }, h("button", { type: "button", class: "button", id: "more-pauses", onclick: more }, t("action.more")))];
}

function onePause(pause, path, context) {
  const start = pause.paused_at
    ? h("time", { datetime: pause.paused_at, title: pause.paused_at }, moment(pause.paused_at)) : h("span", { class: "quiet" }, t("pauses.start_unknown"));
  const end = pause.open ? h("span", { class: "open" }, t("pauses.still"))
    : h("time", { datetime: pause.resumed_at, title: pause.resumed_at }, moment(pause.resumed_at));
  const length = pause.open && pause.paused_at ? since(pause.paused_at)
    : pause.duration_seconds === null ? "" : duration(pause.duration_seconds);
  return h("li", { "data-pause": pause.id, "data-ended": pause.ended_by ?? "open" },
    h("div", { class: "span" }, start, h("span", { class: "flow", "aria-hidden": "true" }, "→"), end),
    h("div", { class: "length" }, length),
    h("div", { class: "about" },
      pause.ended_by && h("span", {}, t(`ended.${pause.ended_by}`)),
      proof(context, "pauses.start_tx", pause.start_tx_hash), proof(context, "pauses.end_tx", pause.end_tx_hash)),
    told(path, pause));
}

function proof(context, words, hash) {
  if (!hash) return null;
  return h("span", { class: "proof" }, t(words), " ", identity(hash, context.explorer && `${context.explorer}/tx/${hash}`));
}

function eventsOf(found, context, more) {
  return [h("h2", { id: "events-title" }, t("events.title")),
    h("ol", { class: "events" }, found.events.map((each) => h("li", { "data-event": each.event_id },
      h("span", { class: "kind" }, term("kind", each.kind)),
      each.at ? h("time", { datetime: each.at, title: each.at }, moment(each.at)) : h("span", { class: "quiet" }, t("pauses.start_unknown")),
      h("span", { class: "quiet" }, t("fresh.ledger", { ledger: number(each.ledger) })),
      marks(each), proof(context, "pauses.tx", each.tx_hash)))),
    found.eventsNext && h("div", { class: "more" }, h("button", { type: "button", class: "button", id: "more-events", onclick: more }, t("action.more")))];
}

export function marks(each) {
  const refused = each.verdict?.startsWith("refused");
  return [
    each.late && h("span", { class: "mark", "data-mark": "late" }, t("mark.late")),
    refused && h("span", { class: "mark", "data-mark": "refused", title: each.verdict }, t("mark.refused")),
    each.verdict === "repeated" && h("span", { class: "mark" }, t("mark.repeated")),
  ];
}
