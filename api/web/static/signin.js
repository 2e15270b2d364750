// Signing in: with the wallet in this browser, or in a sandbox as somebody of the simulated network.

import { ApiProblem } from "./api.js";
import { h, short, show } from "./dom.js";
import { begin } from "./session.js";
import { Declined, freighter, freighterIsThere, proven, sandboxPeople, sandboxWallet, WalletFailed } from "./wallet.js";
import { t, term } from "./words.js";

const SANDBOX = document.documentElement.dataset.sandbox !== undefined;

// `said`: why the reader stands here, in words, or nothing.
export function signIn(place, said) {
  const found = h("div", { class: "card wallet" });
  const sandbox = h("div", {});
  const status = h("p", { id: "sign-said", class: "said", role: "status" }, said);
  let left = false;

  async function go(wallet, button) {
    button.disabled = true;
    show(status, t("sign.confirm"));
    try {
      const answer = await proven(wallet, () => show(status, t("sign.confirm")));
      if (!left) begin(answer);
    } catch (error) {
      if (left) return;
      button.disabled = false;
      show(status, reason(error));
    }
  }

  async function lookForWallet() {
    show(found, h("p", { class: "quiet", role: "status" }, t("sign.looking")));
    const there = await freighterIsThere();
    if (left) return;
    if (there) {
      const button = h("button", { type: "button", class: "button strong", id: "sign-in", onclick: () => go(freighter, button) }, t("sign.with"));
      show(found, h("p", {}, t("sign.explain")), button);
      return;
    }
    show(found, h("h2", {}, t("sign.none_title")), h("p", { class: "quiet" }, t("sign.none_text")),
      h("div", { class: "actions" },
        h("button", { type: "button", class: "button", id: "look-again", onclick: lookForWallet }, t("sign.again")),
        // without a scheme: the page names no address that it would load from
        h("a", { class: "button plain", href: "//www.freighter.app", target: "_blank", rel: "noopener noreferrer" }, t("sign.get"))));
  }

  async function offerPeople() {
    const people = await sandboxPeople().catch(() => []);
    if (left || !people.length) return;
    const chosen = h("select", { id: "person" }, people.map((each) =>
      h("option", { value: each.account_id }, `${term("role", each.role)} ${each.name.split(" ").pop()} · ${short(each.account_id)}`)));
    const button = h("button", { type: "submit", class: "button" }, t("sign.sandbox_go"));
    show(sandbox, h("form", { class: "card sandbox", onsubmit: (event) => {
      event.preventDefault();
      go(sandboxWallet(chosen.value), button);
    } }, h("h2", {}, t("sign.sandbox_title")), h("p", { class: "quiet" }, t("sign.sandbox_text")),
    h("div", { class: "field" }, h("label", { for: "person" }, t("sign.sandbox_label")), chosen), button));
  }

  show(place, h("header", { class: "head" }, h("h1", {}, t("sign.title")), h("p", { class: "lead" }, t("sign.lead"))), status, found, sandbox);
  lookForWallet();
  if (SANDBOX) offerPeople();
  return () => { left = true; };
}

function reason(error) {
  if (error instanceof Declined) return t("sign.declined");
  if (error instanceof WalletFailed) return t("sign.failed", { reason: error.message });
  if (error instanceof ApiProblem) return t("sign.refused", { reason: error.message });
  return t("state.offline_text");
}
