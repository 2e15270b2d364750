// The page: which view is shown, how fresh everything is, what operators say, which key is used.

import { answered, ask, forget, keep, key, takeSandboxKey } from "./api.js";
import { audit } from "./audit.js";
import { h, show } from "./dom.js";
import { asides } from "./feed.js";
import { mine } from "./mine.js";
import { operations } from "./operations.js";
import { report } from "./reports.js";
import { session, sessions, unreadNow } from "./session.js";
import { streams } from "./streams.js";
import { stream } from "./stream.js";
import { duration, moment, number, t } from "./words.js";

const VIEWS = { streams, stream, inbox: mine, operations, log: audit };
const TITLES = { streams: "streams.title", stream: "streams.title", inbox: "mine.title", operations: "ops.title", log: "log.title" };
const STATUS_EVERY = 15000;
const main = document.getElementById("main");
const dialog = document.getElementById("key-dialog");
let leave = () => {};
let status = null;
let reachable = true;
let live = "connecting";

const context = {
  get explorer() {
    return status?.explorer_url ?? null;
  },
  get pushKey() {
    return status?.web_push_key ?? null;
  },
  get contracts() {
    return status?.contracts ?? [];
  },
  askForKey: () => dialog.showModal(),
  say: (text) => { document.getElementById("said").textContent = text; },
  feedState: (state) => { live = state; freshness(); },
};

function route() {
  const [, name = "streams", ...rest] = location.hash.split("?")[0].split("/");
  const view = VIEWS[name] ? name : "streams";
  leave();
  live = "connecting";
  report("view", { view });
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.dataset.view === (view === "stream" ? "streams" : view);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  show(main);
  document.title = `${t(TITLES[view])} · Pausewire`;
  leave = VIEWS[view](main, rest.map(decodeURIComponent), context) ?? (() => {});
}

async function lookAtStatus() {
  try {
    status = await ask("v1/status");
    reachable = true;
  } catch {
    reachable = false;
  }
  banner();
  freshness();
}

function banner() {
  const place = document.getElementById("banner");
  const said = status?.banner;
  place.hidden = !said;
  if (said && place.dataset.since !== said.since) {
    place.dataset.since = said.since;
    show(place, h("strong", {}, t("banner.title")), " ", h("bdi", {}, said.text), " ",
      h("time", { class: "quiet", datetime: said.since }, moment(said.since)));
  }
}

// How many notices wait, beside the link to them, on every view.
function unread() {
  const count = session() ? unreadNow() : null;
  const place = document.getElementById("unread");
  place.hidden = !count;
  if (count) {
    show(place, h("span", { "aria-hidden": "true" }, count > 99 ? t("mine.many") : number(count)), h("span", { class: "unseen" }, t("mine.unread_count", { count: number(count) })));
  }
}

const isStale = () => status && status.lag_ledgers !== null && status.lag_ledgers > status.lag_limit_ledgers;

function freshness() {
  const state = !reachable || live === "cut" ? "offline" : isStale() ? "stale"
    : status?.completeness === "gap" ? "gap" : live === "live" ? "live" : "connecting";
  const place = document.getElementById("freshness");
  place.dataset.state = state;
  show(place, h("span", { class: "dot", "aria-hidden": "true" }), t(`fresh.${state}`),
    status?.fresh_to_ledger != null && h("span", { class: "quiet ledger" }, t("fresh.ledger", { ledger: number(status.fresh_to_ledger) })));
  notice(state);
}

// Above the view, in words: what the reader must know before trusting what they see.
function notice(state) {
  const place = document.getElementById("notice");
  const worth = ["offline", "stale", "gap"].includes(state);
  place.hidden = !worth;
  if (!worth) return;
  place.dataset.state = state;
  const behind = isStale() ? duration(status.lag_ledgers * 5) : "";
  show(place, h("strong", {}, t(`notice.${state}_title`)), " ", t(`notice.${state}_text`, { behind }));
}

function keyDialog() {
  const field = document.getElementById("key-field");
  document.getElementById("key-button").addEventListener("click", () => dialog.showModal());
  document.getElementById("key-close").addEventListener("click", () => dialog.close());
  document.getElementById("key-forget").addEventListener("click", () => {
    forget();
    dialog.close();
    route();
  });
  document.getElementById("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = document.getElementById("key-wrong");
    wrong.textContent = "";
    const before = key();
    keep(field.value);
    try {
      await answered("v1/streams?limit=1");
    } catch (error) {
      if (error.status === 401 || !error.status) {
        if (before) keep(before);
        else forget();
        wrong.textContent = error.status ? t("key.wrong") : t("state.offline_text");
        return;
      }
    }
    field.value = "";
    dialog.close();
    route();
  });
}

function chosenLanguage() {
  document.getElementById("language").addEventListener("change", (event) => {
    const address = new URL(location.href);
    address.searchParams.set("lang", event.target.value);
    location.assign(address);
  });
}

// Times that run on: every element with `data-since` says how long it has been.
setInterval(() => {
  for (const element of document.querySelectorAll("[data-since-at]")) {
    const text = duration((Date.now() - Number(element.dataset.sinceAt)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}, 1000);

keyDialog();
chosenLanguage();
// The address names the view, so the skip link may move the focus only: another address would leave the view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => {
  route();
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
});
navigator.serviceWorker?.addEventListener("message", ({ data }) => {
  if (data?.show === "#/inbox") location.hash = data.show;
});
navigator.serviceWorker?.startMessages();
window.addEventListener("offline", () => { reachable = false; freshness(); });
window.addEventListener("online", lookAtStatus);
setInterval(lookAtStatus, STATUS_EVERY);
asides.addEventListener("banner", ({ detail }) => {
  if (status) status.banner = detail.text === null ? null : detail;
  banner();
});
sessions.addEventListener("unread", unread);
sessions.addEventListener("change", unread);
if (!key() && document.documentElement.dataset.sandbox !== undefined) await takeSandboxKey();
await lookAtStatus();
route();
