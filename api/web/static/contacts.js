// The places where the account is told: added, confirmed by a code that was sent there, removed.
//
// Rows are made once and changed in place, so that nothing is typed into a field that vanishes.

import { ask, passes } from "./api.js";
import { h, show } from "./dom.js";
import { field, reasonOf, showFaults, withoutFaults } from "./fields.js";
import { posted } from "./wallet.js";
import { moment, t, term } from "./words.js";

const CHANNELS = ["email", "sms", "push"];
const MODES = { email: "email", sms: "tel", push: "text" };
const LOOK_AGAIN = 2500; // while a code is on its way
const SETTLED = ["sent", "failed", "withheld", "expired", null];

// `seen`: told of all of them, whenever they were asked for.
export function contacts(first, context, seen = () => {}) {
  const rows = new Map();
  const list = h("ul", { class: "places" });
  const none = h("p", { class: "hint" }, t("set.no_contacts"));
  const said = h("p", { class: "saved", role: "status", id: "contacts-said" });
  let timer = 0;
  let left = false;

  function paint(all) {
    const known = new Set(all.map((each) => each.contact_id));
    for (const [id, row] of rows) {
      if (known.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    for (const each of all) {
      if (!rows.has(each.contact_id)) {
        const row = placeRow(each.contact_id, { changed: refresh, tell: (text) => show(said, text), context });
        rows.set(each.contact_id, row);
        list.append(row.element);
      }
      rows.get(each.contact_id).update(each);
    }
    none.hidden = all.length > 0;
    seen(all);
    clearTimeout(timer);
    if (!left && all.some((each) => !SETTLED.includes(each.code))) timer = setTimeout(refresh, LOOK_AGAIN);
  }

  async function refresh() {
    try {
      const found = await ask("v1/me/contacts");
      if (!left) paint(found.contacts);
    } catch (error) {
      if (!left && passes(error)) timer = setTimeout(refresh, LOOK_AGAIN * 4);
    }
  }

  // Confirmed by the link in the mail, in another tab.
  function back() {
    if (document.visibilityState === "visible" && [...rows.values()].some((row) => row.element.dataset.confirmed === "false")) refresh();
  }

  document.addEventListener("visibilitychange", back);
  paint(first);
  const element = h("section", { class: "card settings", "aria-labelledby": "places-title" },
    h("h2", { id: "places-title" }, t("set.contacts")), h("p", { class: "hint" }, t("set.contacts_text")), none, list, said,
    addForm(async (contact) => {
      show(said, t("set.added", { place: contact.hint }));
      await refresh();
    }));
  return { element, refresh, leave: () => {
    left = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", back);
  } };
}

function placeRow(id, { changed, tell }) {
  const path = `v1/me/contacts/${id}`;
  const name = h("bdi", { class: "name", dir: "ltr" });
  const channel = h("span", { class: "quiet" });
  const badge = h("span", { class: "badge" });
  const fate = h("p", { class: "hint" });
  const code = h("input", { id: `code-${id}`, type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "6", dir: "ltr", size: "8" });
  const verify = h("form", { class: "verify", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    withoutFaults(verify);
    try {
      await ask(`${path}/verify`, {}, posted({ code: code.value.trim() }));
      tell(t(element.dataset.confirmed === "true" ? "set.proven" : "set.verified"));
      await changed();
    } catch (error) {
      if (error.status !== 401) showFaults(verify, error);
    }
  } }, field("code", t("set.code"), code, t("set.code_hint")), h("button", { type: "submit", class: "button" }, t("set.verify")), h("p", { class: "wrong", role: "alert" }));
  const remove = h("button", { type: "button", class: "button plain small" }, t("set.remove"));
  const against = h("div", { class: "against", hidden: true });
  const prove = h("button", { type: "button", class: "button", id: `prove-${id}`, hidden: true }, t("set.add_go"));
  const element = h("li", { "data-contact": id }, h("div", { class: "place" }, name, channel, badge, remove), against, prove, fate, verify);

  prove.addEventListener("click", async () => {
    prove.disabled = true;
    try {
      await ask(`${path}/prove`, {}, posted({}));
      tell(t("set.added", { place: name.textContent }));
      await changed();
      code.focus();
    } catch (error) {
      if (error.status !== 401) tell(reasonOf(error));
    }
    prove.disabled = false;
  });

  remove.addEventListener("click", async () => {
    if (remove.dataset.sure === undefined) {
      remove.dataset.sure = "";
      show(remove, t("set.remove_sure"));
      return;
    }
    try {
      await ask(path, {}, { method: "DELETE" });
      tell(t("set.removed"));
      await changed();
    } catch (error) {
      if (error.status !== 401) tell(reasonOf(error));
    }
  });
  remove.addEventListener("blur", () => {
    delete remove.dataset.sure;
    show(remove, t("set.remove"));
  });

  function update(each) {
    const confirmed = each.verified_at !== null;
    show(name, each.hint);
    show(channel, term("channel", each.channel));
    remove.setAttribute("aria-label", `${t("set.remove")}: ${each.hint}`);
    const silent = each.suppressed.length > 0;
    badge.dataset.status = confirmed && !silent ? "active" : "paused";
    show(badge, t(silent ? "set.suppressed" : confirmed ? "set.confirmed" : "set.unconfirmed"));
    element.dataset.confirmed = confirmed;
    element.dataset.suppressed = silent;
    against.hidden = !silent;
    show(against, each.suppressed.map(whyNot), undone(each.suppressed));
    prove.hidden = !silent || each.suppressed.some((one) => one.undone_by !== "code");
    verify.hidden = fate.hidden = !each.code && confirmed;
    show(fate, each.code ? term("set_code", each.code) : "");
  }

  return { element, update };
}

function whyNot({ reason, since }) {
  return h("p", { "data-reason": reason }, t("set.suppressed_why", { when: moment(since), reason: term("change_reason", reason) }));
}

// What takes it back: each way once.
function undone(all) {
  return [...new Set(all.map((one) => one.undone_by))].map((by) => h("p", { class: "hint", "data-undo": by }, term("set_undo", by)));
}

function addForm(added) {
  const channel = h("select", { id: "channel", onchange: hint }, CHANNELS.map((each) => h("option", { value: each }, term("channel", each))));
  const place = h("input", { id: "place", type: "text", autocomplete: "off", spellcheck: "false", dir: "ltr", maxlength: "4000" });
  const where = field("destination", t("set.place_email"), place);
  const go = h("button", { type: "submit", class: "button" }, t("set.add_go"));

  function hint() {
    show(where.querySelector("label"), t(`set.place_${channel.value}`));
    place.setAttribute("inputmode", MODES[channel.value]);
  }

  const form = h("form", { class: "add", id: "add-contact", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    withoutFaults(form);
    go.disabled = true;
    try {
      const answer = await ask("v1/me/contacts", {}, posted({ channel: channel.value, destination: place.value.trim() }));
      place.value = "";
      await added(answer.contact);
    } catch (error) {
      if (error.status !== 401) showFaults(form, error);
    }
    go.disabled = false;
  } }, h("h3", {}, t("set.add")), h("div", { class: "pair" }, field("channel", t("set.channel"), channel), where),
  h("p", { class: "wrong", role: "alert" }), go);
  hint();
  return form;
}
