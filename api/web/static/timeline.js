// A stream's life as a line: it flows, it stands still (amber), the whole contract stands still (hatched),
// it has ended. Drawn in a fixed space of 1000 units that the page scales.

import { h, s, show } from "./dom.js";
import { clock, day, duration, moment, t } from "./words.js";

const WIDTH = 1000;
const MIDDLE = 34;
const LEAST = 3; // narrower than this nobody sees
const RANGES = [["hour", 3600e3], ["day", 86400e3], ["week", 7 * 86400e3], ["all", Infinity]];
let chosen = "all";

export function timeline(found, gap) {
  const picture = h("div", { class: "picture" });
  const draw = () => show(picture, drawing(found, RANGES.find(([name]) => name === chosen)[1], gap));
  const ranges = h("fieldset", { class: "segments small" }, h("legend", { class: "unseen" }, t("timeline.range")),
    RANGES.map(([name]) => h("label", {}, h("input", { type: "radio", name: "range", id: `range-${name}`, value: name, checked: name === chosen, onchange: () => {
      chosen = name;
      draw();
    } }), h("span", {}, t(`timeline.${name}`)))));
  draw();
  return h("figure", { class: "timeline" }, h("div", { class: "figure-head" }, h("h2", {}, t("timeline.title")), ranges), picture, legend(found, gap));
}

function bounds(found, range) {
  const now = Date.now();
  const ended = ["cancelled", "exhausted"].includes(found.stream.status) && Date.parse(found.stream.status_at);
  const times = found.pauses.flatMap((each) => [each.paused_at, each.resumed_at]).concat(found.events.map((each) => each.at), found.stream.created_at);
  const known = times.filter(Boolean).map((each) => Date.parse(each));
  const last = ended ? Math.min(now, ended + Math.max(60e3, (ended - Math.min(...known, ended)) * 0.06)) : now;
  const first = Math.min(...known, last - 60e3);
  return { first: Math.max(first, last - range), last, ended, born: found.stream.created_at && Date.parse(found.stream.created_at) };
}

function drawing(found, range, gap) {
  const { first, last, ended, born } = bounds(found, range);
  const x = (at) => ((Math.min(last, Math.max(first, at)) - first) / (last - first || 1)) * WIDTH;
  const spans = (list) => list.map((each) => ({ each, from: each.paused_at ? Date.parse(each.paused_at) : first, to: each.resumed_at ? Date.parse(each.resumed_at) : ended || last }))
    .filter(({ from, to }) => to >= first && from <= last);
  const own = spans(found.pauses);
  const wide = spans(found.wide);
  const begin = born ? x(born) : 0;
  const end = ended ? x(ended) : WIDTH;
  const bar = ({ each, from, to }, kind, y, height) => {
    const width = Math.max(kind === "wide" ? 2 * LEAST : LEAST, x(to) - x(from));
    const left = Math.min(x(from), WIDTH - width);
    return s("rect", { class: kind, "data-ended": each.ended_by ?? "open", x: left, y, width, height, rx: 2 }, s("title", {}, words(each, from, to)));
  };
  return s("svg", { viewBox: `0 0 ${WIDTH} 84`, preserveAspectRatio: "none", role: "img", "aria-label": summary(own, wide, first, last, gap) },
    s("defs", {}, s("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("rect", { class: "hatch", width: 3, height: 8 }))),
    s("rect", { class: "wire", "data-known": Boolean(born), x: begin, y: MIDDLE - 5, width: Math.max(0, end - begin), height: 10, rx: 5 }),
    ended && s("line", { class: "over", x1: end, x2: WIDTH, y1: MIDDLE, y2: MIDDLE }),
    own.map((each) => bar(each, "pause", MIDDLE - 16, 32)),
    wide.map((each) => bar(each, "wide", MIDDLE + 21, 9)),
    ended && s("rect", { class: "end", x: Math.min(end, WIDTH - 5), y: MIDDLE - 18, width: 5, height: 36, rx: 2 }),
    ticks(first, last));
}

function ticks(first, last) {
  const label = last - first > 36 * 3600e3 ? day : clock;
  return [0, 0.25, 0.5, 0.75, 1].map((share) => s("line", { class: "tick", x1: share * WIDTH, x2: share * WIDTH, y1: 70, y2: 76 }, s("title", {}, label(first + share * (last - first)))));
}

function words(each, from, to) {
  const what = each.open ? t("pauses.still") : t(`ended.${each.ended_by}`);
  return `${moment(from)} – ${each.open ? "" : moment(to)} · ${duration((to - from) / 1000)} · ${what}`;
}

function summary(own, wide, first, last, gap) {
  return [t("timeline.summary", { count: own.length, from: moment(first), to: moment(last) }),
    wide.length ? t("timeline.summary_wide", { count: wide.length }) : "", gap ? t("notice.gap_title") : ""].filter(Boolean).join(". ");
}

function legend(found, gap) {
  const range = RANGES.find(([name]) => name === chosen)[1];
  const { first, last } = bounds(found, range);
  const item = (kind, words) => h("li", {}, h("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), words);
  return h("figcaption", {},
    h("div", { class: "ends" }, h("time", {}, moment(first)), h("time", {}, Date.now() - last < 5000 ? t("timeline.now") : moment(last))),
    h("ul", { class: "legend" }, item("wire", t("timeline.flows")), item("pause", t("timeline.pause")),
      found.wide.length > 0 && item("wide", t("timeline.wide")), ["cancelled", "exhausted"].includes(found.stream.status) && item("end", t(`status.${found.stream.status}`)),
      gap && item("gap", t("fresh.gap"))));
}
