// What the account wants to be told, where and when: one form, saved as a whole.

import { ask } from "./api.js";
import { h, show } from "./dom.js";
import { field, showFaults, tick, withoutFaults } from "./fields.js";
import { posted } from "./wallet.js";
import { ways } from "./ways.js";
import { language, t, term } from "./words.js";

const CHANNELS = ["email", "sms", "push"];
const PAUSES = ["paused", "contract_paused", "reminder"];
const USUAL = { starts: "22:00", ends: "07:00" };

// `wish`: as /v1/me/preferences answered; what this form does not know goes back as it came.
export function preferences(wish) {
  const quiet = wish.quiet_hours ?? USUAL;
  const languages = languageList(wish.language);
  const zone = h("input", { id: "time-zone", type: "text", list: "zones", value: wish.time_zone, autocomplete: "off", spellcheck: "false", dir: "ltr", maxlength: "64" });
  const only = tick("pauses-only", t("set.pauses_only"), { checked: wish.pauses_only, text: t("set.pauses_only_text"), changed: follow });
  const hushed = tick("quiet", t("set.quiet_on"), { checked: wish.quiet_hours !== null, text: t("set.quiet_text"), changed: follow });
  const starts = clock("starts", quiet.starts);
  const ends = clock("ends", quiet.ends);
  const urgent = tick("urgent", t("set.urgent"), { checked: wish.urgent_pauses, text: t("set.urgent_text") });
  const { table, chosen, gathers } = switches(wish.kinds, follow);
  const daily = field("digest_at", t("set.digest_at"), clock("digest-at", wish.digest_at), t("set.daily_text"));
  const one = ways(wish);
  const said = h("p", { class: "saved", role: "status" });
  const save = h("button", { type: "submit", class: "button strong", id: "save" }, t("set.save"));
  const hours = h("fieldset", { class: "hours", "data-field": "quiet_hours", "aria-describedby": "hours-wrong" }, h("legend", { class: "unseen" }, t("set.quiet")),
    h("div", { class: "pair" }, field("quiet_hours.starts", t("set.from"), starts), field("quiet_hours.ends", t("set.to"), ends)), h("p", { class: "wrong", id: "hours-wrong" }));

  function follow() {
    hours.hidden = !hushed.box.checked;
    daily.hidden = !gathers();
    urgent.row.hidden = hours.hidden && daily.hidden;
    for (const row of table.querySelectorAll("tr[data-kind]")) {
      row.querySelectorAll("input").forEach((box) => { box.disabled = only.box.checked && !PAUSES.includes(row.dataset.kind); });
    }
  }

  async function submit(event) {
    event.preventDefault();
    withoutFaults(form);
    show(said);
    save.disabled = true;
    const wanted = { ...wish, language: languages.value, time_zone: zone.value.trim(), pauses_only: only.box.checked, urgent_pauses: urgent.box.checked,
      quiet_hours: hushed.box.checked ? { starts: starts.value, ends: ends.value } : null, kinds: chosen(), digest_at: daily.querySelector("input").value, ...one.chosen() };
    try {
      Object.assign(wish, await ask("v1/me/preferences", {}, posted(wanted, "PUT")));
      show(said, t("set.saved"));
    } catch (error) {
      if (error.status !== 401) showFaults(form, error);
    }
    save.disabled = false;
  }

  const form = h("form", { class: "card settings", id: "preferences", novalidate: true, onsubmit: submit, oninput: () => show(said) },
    h("h2", {}, t("set.what")), h("p", { class: "hint" }, t("set.what_text")),
    table, daily, only.row, one.element, hushed.row, hours, urgent.row,
    h("div", { class: "pair" }, field("language", t("set.language"), languages), field("time_zone", t("set.zone"), zone, t("set.zone_hint"))),
    h("datalist", { id: "zones" }, zones().map((each) => h("option", { value: each }))),
    h("p", { class: "wrong", role: "alert" }), h("div", { class: "actions" }, save, said));
  follow();
  return form;
}

function clock(id, value) {
  return h("input", { id, type: "time", value, required: true });
}

function zones() {
  return ["UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])];
}

// The page's own languages are those of the notices; a tag such as pt-BR stays what it is.
function languageList(own) {
  const known = [...document.getElementById("language").options].map((each) => [each.value, each.textContent]);
  if (!known.some(([code]) => code === own)) known.unshift([own, new Intl.DisplayNames(language, { type: "language" }).of(own) ?? own]);
  return h("select", { id: "notice-language" }, known.map(([code, name]) => h("option", { value: code, lang: code, selected: code === own }, name)));
}

// One row is of the whole channel: whether what is on there is told once a day. Where that differs by kind, as the
// API allows, it stands between yes and no, and until it is touched each kind stays as it is.
function switches(kinds, changed) {
  const boxes = [];
  const channels = CHANNELS.filter((channel) => Object.values(kinds).some((each) => channel in each));
  const row = ([kind, ways]) => h("tr", { "data-kind": kind }, h("th", { scope: "row" }, term("kind", kind)), channels.map((channel) => {
    const box = h("input", { type: "checkbox", checked: ways[channel] !== "off", "aria-label": `${term("kind", kind)}: ${term("channel", channel)}`, "data-channel": channel });
    boxes.push([kind, channel, box]);
    return h("td", {}, box);
  }));
  const daily = new Map(channels.map((channel) => {
    const on = Object.values(kinds).map((each) => each[channel]).filter((each) => each && each !== "off");
    const gathered = on.filter((each) => each === "digest").length;
    const box = h("input", { type: "checkbox", checked: gathered > 0, "aria-label": `${t("set.daily")}: ${term("channel", channel)}`, "data-daily": channel, onchange: changed });
    box.indeterminate = gathered > 0 && gathered < on.length;
    return [channel, box];
  }));
  const once = h("tr", {}, h("th", { scope: "row" }, t("set.daily")), channels.map((each) => h("td", {}, daily.get(each))));
  const table = h("div", { "data-field": "kinds" }, h("table", { class: "switches" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("set.kind")), channels.map((each) => h("th", { scope: "col" }, term("channel", each))))),
    h("tbody", {}, Object.entries(kinds).map(row)), h("tfoot", {}, once)), h("p", { class: "wrong" }));
  const chosen = () => {
    const wanted = structuredClone(kinds);
    for (const [kind, channel, box] of boxes) wanted[kind][channel] = box.checked ? how(kind, channel) : "off";
    return wanted;
  };
  function how(kind, channel) {
    const { indeterminate, checked } = daily.get(channel);
    if (indeterminate && kinds[kind][channel] !== "off") return kinds[kind][channel];
    return checked && !indeterminate ? "digest" : "on";
  }
  return { table, chosen, gathers: () => [...daily.values()].some((each) => each.checked || each.indeterminate) };
}
