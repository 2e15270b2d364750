// What a view shows while it has nothing to show: loading, empty, refused, unreachable, broken.

import { ApiProblem, Unreachable } from "./api.js";
import { h } from "./dom.js";
import { t } from "./words.js";

export function loading() {
  return h("div", { class: "loading", role: "status" },
    h("span", { class: "unseen" }, t("state.loading")),
    [1, 2, 3, 4].map(() => h("div", { class: "bone", "aria-hidden": "true" })));
}

export function empty(title, text) {
  return h("div", { class: "blank" }, h("p", { class: "blank-title" }, title), text && h("p", {}, text));
}

// `retry`: asks again. Who lacks a key or a right is told what to do, not that something broke.
export function failed(error, retry, askForKey) {
  if (error instanceof ApiProblem && error.status === 401) {
    return said("state.key_title", t("state.key_text"), t("key.enter"), askForKey);
  }
  if (error instanceof ApiProblem && error.status === 403) {
    return said("state.forbidden_title", t("state.forbidden_text", { scope: error.scope ?? "" }), t("key.change"), askForKey);
  }
  if (error instanceof ApiProblem && error.status === 404) {
    return said("state.missing_title", t("state.missing_text"));
  }
  if (error instanceof Unreachable) {
    return said("state.offline_title", t("state.offline_text"), t("action.retry"), retry);
  }
  return said("state.error_title", error instanceof ApiProblem ? error.message : t("state.error_text"), t("action.retry"), retry);
}

function said(title, text, label, action) {
  return h("div", { class: "blank", role: "alert" },
    h("p", { class: "blank-title" }, t(title)), h("p", {}, text),
    action && h("button", { type: "button", class: "button", onclick: action }, label));
}
