// The inbox: what the account was told, in the server's words and the account's language; read once counts
// everywhere, and what comes or is read elsewhere appears here by the feed.

import { ask, passes } from "./api.js";
import { h, show } from "./dom.js";
import { Feed } from "./feed.js";
import { sessions, tellUnread, unreadNow } from "./session.js";
import { empty, failed, loading } from "./states.js";
import { posted } from "./wallet.js";
import { moment, number, t, term } from "./words.js";

const PAGE = 25;
const TOGETHER = 300; // one question for all that comes in so long

export function inbox(place, own, context) {
  const held = { items: null, cursor: null, unread: 0, onlyUnread: false, silent: [] };
  let turn = 0;
  let timer = 0;
  const head = h("p", { class: "lead", id: "inbox-lead", tabindex: "-1" });
  const silent = h("div", { role: "status", id: "silent" });
  const list = h("div", {});
  const more = h("div", { class: "more" });
  const all = h("button", { type: "button", class: "button", id: "read-all", onclick: () => mark(null) }, t("mine.read_all"));

  async function load({ next = false, quiet = false } = {}) {
    const mine = ++turn;
    if (!next && !quiet) show(list, loading());
    try {
      const limit = next ? PAGE : Math.max(PAGE, Math.min(200, held.items?.length ?? 0));
      const page = await ask("v1/me/inbox", { limit, unread: held.onlyUnread || null, cursor: next ? held.cursor : null });
      if (mine !== turn) return;
      held.items = next ? [...held.items, ...page.items] : page.items;
      held.cursor = page.next_cursor;
      held.silent = page.suppressed;
      counted(page.unread);
      paint();
    } catch (error) {
      if (mine !== turn || error.status === 401) return; // the session has ended: the view is changed
      if (quiet && held.items && passes(error)) return later(error.retryAfter * 1000);
      show(more);
      show(list, failed(error, () => load(), context.askForKey));
    }
  }

  function counted(unread) {
    held.unread = unread;
    if (unreadNow() !== unread) tellUnread(unread);
  }

  // `ids` null: all. Shown at once, and the server's word on how many are left.
  async function mark(ids) {
    const body = ids === null ? { all: true } : { notice_ids: ids };
    try {
      const answer = await ask("v1/me/inbox/read", {}, { ...posted(body), keepalive: true });
      const now = new Date().toISOString();
      for (const each of held.items ?? []) {
        if (each.read_at === null && (ids === null || ids.includes(each.notice_id))) each.read_at = now;
      }
      counted(answer.unread);
      paint();
      // the button that was used is gone: whoever goes by keyboard goes on with the next one
      if (document.activeElement === document.body) (list.querySelector("button[id^='read-']") ?? head).focus();
    } catch (error) {
      if (error.status !== 401) context.say(t("state.offline_title"));
    }
  }

  function paint() {
    show(silent, held.silent.map(noWay), held.silent.length > 0 && h("p", {}, h("a", { href: "#/inbox/settings" }, t("mine.suppressed_go"))));
    silent.className = held.silent.length ? "silent" : "";
    show(head, held.unread ? t("mine.unread_count", { count: number(held.unread) }) : t("mine.all_seen"));
    all.hidden = held.unread === 0;
    if (held.items.length) {
      show(list, h("ol", { class: "notices" }, held.items.map((each) => notice(each, mark))));
    } else if (held.onlyUnread) show(list, empty(t("mine.none_unread"), t("mine.none_unread_text")));
    else show(list, empty(t("mine.none"), t("mine.none_text")));
    show(more, held.cursor && h("button", { type: "button", class: "button", id: "more", onclick: () => load({ next: true }) }, t("action.more")));
  }

  function later(wait = 0) {
    timer ||= setTimeout(() => {
      timer = 0;
      load({ quiet: true });
    }, Math.max(TOGETHER, wait || 0));
  }

  const filter = h("fieldset", { class: "segments" }, h("legend", { class: "unseen" }, t("log.filter")),
    [false, true].map((only) => h("label", {}, h("input", { type: "radio", name: "inbox", value: String(only), checked: only === held.onlyUnread, onchange: () => {
      held.onlyUnread = only;
      load();
    } }), h("span", {}, t(only ? "mine.unread" : "status.any")))));
  show(place, silent, head, h("div", { class: "filters" }, filter, all), list, more);
  const stands = () => later();
  sessions.addEventListener("inbox", stands);
  const feed = new Feed({ employee: own.account_id }, { message: () => {}, state: context.feedState });
  load();
  return () => {
    turn++;
    clearTimeout(timer);
    sessions.removeEventListener("inbox", stands);
    feed.close();
  };
}

// A place that nothing goes to any more: what it would have got stands here.
function noWay(each) {
  const reason = each.suppressed.map((one) => term("change_reason", one.reason)).join(", ");
  return h("p", { "data-contact": each.contact_id }, t("mine.suppressed", { place: each.hint, channel: term("channel", each.channel), reason }));
}

function notice(each, mark) {
  const unread = each.read_at === null;
  const reading = () => unread && mark([each.notice_id]);
  return h("li", { class: "told-notice", "data-notice": each.notice_id, "data-unread": unread, "data-kind": each.kind },
    h("h2", {}, unread && h("span", { class: "unseen" }, t("mine.unread"), ": "), h("bdi", {}, each.subject)),
    h("p", { class: "words" }, h("bdi", {}, each.text)),
    h("p", { class: "about" },
      h("time", { datetime: each.happened_at, title: each.happened_at }, moment(each.happened_at)),
      h("span", {}, term("kind", each.kind)),
      each.late && h("span", { class: "mark", "data-mark": "late" }, t("mark.late")),
      each.stream_id !== null && h("a", { href: `#/stream/${each.contract_id}/${each.stream_id}`, onclick: reading }, t("mine.open_stream", { id: each.stream_id })),
      unread && h("button", { type: "button", class: "button plain small", id: `read-${each.notice_id}`, onclick: reading }, t("mine.read"))));
}
