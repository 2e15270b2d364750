// How the settings came to be: each change, by whose word, from what to what, the newest first.

import { ask } from "./api.js";
import { h, show } from "./dom.js";
import { reasonOf } from "./fields.js";
import { moment, t, term } from "./words.js";

const AT_ONCE = "10";
const BECAME = document.documentElement.dir === "rtl" ? " ← " : " → ";
const SPELLED = ["yes", "no", "none"];

export function changes() {
  const list = h("ul", { class: "changes" });
  const none = h("p", { class: "hint", hidden: true }, t("changes.nothing"));
  const wrong = h("p", { class: "wrong", role: "alert" });
  const more = h("button", { type: "button", class: "button", hidden: true, onclick: () => next() }, t("action.more"));
  let cursor = null;

  async function next() {
    show(wrong);
    try {
      const page = await ask("v1/me/changes", cursor === null ? { limit: AT_ONCE } : { limit: AT_ONCE, cursor });
      list.append(...page.items.map(line));
      cursor = page.next_cursor;
      more.hidden = cursor === null;
      none.hidden = list.children.length > 0;
    } catch (error) {
      if (error.status !== 401) show(wrong, reasonOf(error));
    }
  }

  const element = h("details", { class: "card settings", id: "changes", ontoggle: () => { if (element.open && !list.children.length) next(); } },
    h("summary", {}, h("h2", {}, t("changes.title"))), h("p", { class: "hint" }, t("changes.text")), none, list, wrong, more);
  return element;
}

function line(each) {
  const [channel, reason] = (each.about ?? "").split(" ");
  const about = [channel && term("channel", channel), reason && term("change_reason", reason)].filter(Boolean).join(", ");
  return h("li", { "data-what": each.what },
    h("p", {}, h("strong", {}, term("change_what", each.what)), about && ` (${about})`, " · ", term("change_by", each.by)),
    h("p", { class: "hint" }, h("time", { datetime: each.at }, moment(each.at))),
    each.changes.map(({ field, before, after }) => h("p", {}, `${term("change_field", field)}: `,
      h("bdi", {}, spelled(field, before)), after === before ? null : [BECAME, h("bdi", {}, spelled(field, after))])));
}

// A value as a roster spells it, in the reader's words where we have them.
function spelled(field, value) {
  if (value === "") return "–";
  if (SPELLED.includes(value)) return term("change_value", value);
  if (field === "order") return value.split(" ").map((each) => term("channel", each)).join(", ");
  if (field !== "off" && field !== "digest") return value;
  return value.split(" ").map((pair) => {
    const [kind, channel] = pair.split(":");
    if (!channel) return term("channel", kind);
    return `${term("kind", kind)}: ${term("channel", channel)}`;
  }).join(", ");
}
