// For operators: what needs a person, how far behind we are, what waits, how fast people are told.

import { ask, passes } from "./api.js";
import { h, identity, show } from "./dom.js";
import { asidesOnly } from "./feed.js";
import { latencyPlot, stateBar } from "./plots.js";
import { failed, loading } from "./states.js";
import { decimal, duration, inSeconds, moment, number, t, term } from "./words.js";

const EVERY = 15000;

export function operations(main, _, context) {
  const body = h("div", {});
  let timer = 0;
  let left = false;
  let shown = false;

  async function load() {
    try {
      const [standing, latency, ...contracts] = await Promise.all([
        ask("v1/operations"), ask("v1/latency"),
        ...context.contracts.slice(0, 20).map((id) => ask(`v1/contracts/${id}`).catch(() => null)),
      ]);
      if (left) return;
      context.feedState("live");
      shown = true;
      show(body, painted(standing, latency, contracts.filter(Boolean), context));
    } catch (error) {
      if (left) return;
      if (!error.status) context.feedState("cut");
      if (!shown || !passes(error)) show(body, failed(error, () => { show(body, loading()); load(); }, context.askForKey));
      if (!passes(error)) return;
    }
    timer = setTimeout(load, EVERY);
  }

  show(main, h("header", { class: "head" }, h("h1", {}, t("ops.title")), h("p", { class: "lead" }, t("ops.lead"))), body);
  show(body, loading());
  load();
  const feed = asidesOnly();
  return () => {
    left = true;
    feed.close();
    clearTimeout(timer);
  };
}

function painted(standing, latency, contracts, context) {
  const { log, deliveries } = standing;
  return [
    standing.failed.length
      ? h("section", { class: "card alarm", role: "alert" }, h("h2", {}, t("ops.needs", { count: number(standing.failed.length) })),
        h("ul", {}, standing.failed.map((each) => h("li", {}, h("bdi", {}, each)))))
      : h("p", { class: "card well" }, h("span", { class: "dot", "aria-hidden": "true" }), t("ops.well")),
    h("dl", { class: "tiles" },
      tile("ops.lag", log.lag_ledgers === null ? "–" : t("ops.ledgers", { count: number(log.lag_ledgers) })),
      tile("ops.history", t(`ops.history_${log.completeness}`)),
      tile("ops.recorded", number(log.head_position)),
      tile("ops.oldest", inSeconds(deliveries.oldest_due_seconds)),
      tile("ops.sending", t(`ops.sending_${standing.sending}`)),
      tile("ops.storm", standing.storm.held ? t("ops.storm_holds", { count: number(standing.storm.held) }) : t("ops.storm_off")),
      tile("ops.money", standing.spending.refused_today ? t("ops.money_spent", { count: number(standing.spending.held) }) : t("ops.money_left")),
      tile("ops.leader", standing.leader ? h("bdi", {}, standing.leader.holder) : t("ops.nobody"))),
    h("section", { class: "card" }, h("h2", {}, t("ops.latency")), h("p", { class: "quiet" }, t("ops.latency_text", { count: number(latency.deliveries) })),
      latencyPlot(latency.latency_seconds)),
    h("section", { class: "card" }, h("h2", {}, t("ops.deliveries")), stateBar(deliveries.by_state)),
    h("section", { class: "card" }, h("h2", {}, t("ops.breakers")), breakers(standing.breakers)),
    h("section", { class: "card" }, h("h2", {}, t("ops.endpoints")), endpoints(standing.endpoints)),
    h("section", { class: "card" }, h("h2", {}, t("ops.coverage")), contracts.map((each) => coverage(each, context))),
  ];
}

function tile(name, value) {
  return h("div", { class: "tile" }, h("dt", {}, t(name)), h("dd", {}, value));
}

function breakers(list) {
  if (!list.length) return h("p", { class: "quiet" }, t("ops.no_breakers"));
  return h("ul", { class: "rows" }, list.map((each) => h("li", {}, h("bdi", { class: "name" }, each.provider),
    h("span", { class: "badge", "data-status": each.state === "closed" ? "active" : "paused" }, term("breaker", each.state)),
    each.reason && h("span", { class: "quiet" }, h("bdi", {}, each.reason)))));
}

function endpoints(list) {
  if (!list.length) return h("p", { class: "quiet" }, "–");
  return h("ul", { class: "rows" }, list.map((each) => h("li", {}, h("bdi", { class: "name" }, each.endpoint),
    h("span", { class: "badge", "data-status": ["open", "expelled"].includes(each.state) ? "paused" : "active" }, term("endpoint", each.state)),
    h("span", { class: "quiet" }, each.latency_seconds === null ? "" : t("ops.answers_in", { time: `${decimal(each.latency_seconds * 1000)} ms` })),
    h("span", { class: "quiet" }, each.latest_ledger === null ? "" : t("ops.has", { from: number(each.oldest_ledger), to: number(each.latest_ledger) })),
    each.reason && h("span", { class: "quiet" }, h("bdi", {}, each.reason)))));
}

function coverage(contract, context) {
  const open = contract.gaps.filter((each) => each.healed_by === null);
  return h("div", { class: "coverage" },
    h("p", {}, identity(contract.contract_id, context.explorer && `${context.explorer}/contract/${contract.contract_id}`), " ",
      contract.paused && h("span", { class: "badge", "data-status": "contract_paused" }, t("status.contract_paused"))),
    h("ul", { class: "rows" },
      contract.coverage.map((each) => h("li", {}, t("ops.scanned", { from: number(each.from_ledger), to: number(each.to_ledger) }))),
      contract.gaps.map((each) => h("li", { class: "gap" }, h("strong", {}, t("ops.gap", { from: number(each.from_ledger), to: number(each.to_ledger) })), " ",
        each.since && h("time", { class: "quiet", datetime: each.since }, moment(each.since)), " ",
        each.healed_by && h("span", { class: "quiet" }, t("ops.healed", { by: each.healed_by }))))),
    open.length === 0 && contract.gaps.length === 0 && h("p", { class: "quiet" }, t("ops.no_gaps")));
}
