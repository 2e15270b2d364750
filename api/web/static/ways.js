// Whether channels are tried one after the other, and in which order: lines that move by buttons, so that keys do.

import { h, show } from "./dom.js";
import { field } from "./fields.js";
import { t, term } from "./words.js";

const USUAL = ["push", "email", "sms"];
const HOW = { "": null, true: true, false: false };

// `chosen()`: what of the preferences stands here. An order that nobody touched stays the service's own.
export function ways(wish) {
  const how = h("select", { id: "one-by-one" }, Object.entries({ "": "set.ways_usual", true: "set.ways_one", false: "set.ways_all" })
    .map(([value, words]) => h("option", { value, selected: String(wish.one_by_one ?? "") === value }, t(words))));
  const said = h("p", { class: "unseen", role: "status" });
  const list = h("ol", { class: "order", "aria-label": t("set.order") });
  let touched = wish.order.length > 0;

  [...wish.order, ...USUAL.filter((each) => !wish.order.includes(each))].forEach((channel) => list.append(line(channel)));
  ends();

  function line(channel) {
    const name = term("channel", channel);
    const button = (words, sign, step) => h("button", { type: "button", class: "button small", "aria-label": `${name}: ${t(words)}`, onclick: (event) => move(item, step, name, event.currentTarget) }, sign);
    const item = h("li", { "data-channel": channel }, h("span", { class: "name" }, name), button("set.earlier", "↑", -1), button("set.later", "↓", 1));
    return item;
  }

  function move(item, step, name, button) {
    const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (step < 0) other.before(item);
    else other.after(item);
    touched = true;
    ends();
    (button.disabled ? item.querySelector("button:not(:disabled)") : button).focus();
    show(said, t("set.moved", { channel: name, place: [...list.children].indexOf(item) + 1 }));
    list.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function ends() {
    [...list.children].forEach((item, place) => {
      const [earlier, later] = item.querySelectorAll("button");
      earlier.disabled = place === 0;
      later.disabled = place === list.children.length - 1;
    });
  }

  const element = h("div", { class: "ways" }, field("one_by_one", t("set.ways"), how, t("set.ways_text")),
    h("div", { class: "field", "data-field": "order" }, h("span", { class: "label" }, t("set.order")), list, h("p", { class: "wrong" })), said);
  const chosen = () => ({ one_by_one: HOW[how.value], order: touched ? [...list.children].map((item) => item.dataset.channel) : [] });
  return { element, chosen };
}
