// Small plots as inline SVG, each with the same figures as a table for whoever cannot see it.

import { h, s } from "./dom.js";
import { inSeconds, number, t, term } from "./words.js";

// Of each channel the time from ledger close to "accepted" (in the app: to the inbox), on a log scale.
export function latencyPlot(channels) {
  const names = Object.keys(channels);
  if (!names.length) return h("p", { class: "quiet" }, t("ops.no_latency"));
  return h("div", { class: "plots" }, names.map((name) => channelPlot(name, channels[name])));
}

function channelPlot(name, stages) {
  const rows = Object.entries(stages);
  const all = rows.flatMap(([, each]) => [each.p50, each.p95, each.p99]);
  const most = Math.max(1, ...all);
  const x = (value) => `${2 + (Math.log10(1 + Math.max(0, value) * 9) / Math.log10(1 + most * 9)) * 96}%`;
  const picture = (each) => s("svg", { "aria-hidden": "true", class: "plot" },
    s("line", { class: "rail", x1: 0, x2: "100%", y1: 13, y2: 13 }),
    s("line", { class: "spread", x1: x(each.p50), x2: x(each.p99), y1: 13, y2: 13 }),
    s("line", { class: "p99", x1: x(each.p99), x2: x(each.p99), y1: 6, y2: 20 }),
    s("circle", { class: "p95", cx: x(each.p95), cy: 13, r: 4 }),
    s("circle", { class: "p50", cx: x(each.p50), cy: 13, r: 5 }));
  return h("div", { class: "channel", role: "group", "aria-label": term("channel", name) },
    h("h3", {}, term("channel", name)),
    h("table", { class: "latency" },
      h("thead", {}, h("tr", {}, [t("ops.stage"), "p50", "p95", "p99"].map((each) => h("th", { scope: "col" }, each)), h("td", {}))),
      h("tbody", {}, rows.map(([stage, each]) => h("tr", {}, h("th", { scope: "row" }, term("stage", stage)),
        [each.p50, each.p95, each.p99].map((value) => h("td", {}, inSeconds(Math.max(0, value)))), h("td", { class: "drawn" }, picture(each)))))));
}

export function stateBar(states) {
  const entries = Object.entries(states).sort(([, a], [, b]) => b - a);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  if (!total) return h("p", { class: "quiet" }, t("ops.no_deliveries"));
  let at = 0;
  return [
    s("svg", { viewBox: "0 0 1000 14", preserveAspectRatio: "none", class: "states", "aria-hidden": "true" }, entries.map(([state, count]) => {
      const width = (count / total) * 1000;
      const rect = s("rect", { "data-state": state, x: at, y: 0, width: Math.max(1, width - 2), height: 14 });
      at += width;
      return rect;
    })),
    h("ul", { class: "counts" }, entries.map(([state, count]) => h("li", {}, h("span", { class: "swatch", "data-state": state, "aria-hidden": "true" }), term("state_of", state), " ", h("strong", {}, number(count))))),
  ];
}
