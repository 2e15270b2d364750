// Fields of a form, each with its label, and with the server's word on what is wrong with it.

import { ApiProblem } from "./api.js";
import { h, show } from "./dom.js";
import { t } from "./words.js";

// `name`: as the API calls it in a request's body, such as `quiet_hours.starts`.
export function field(name, label, control, hint) {
  const wrong = `${control.id}-wrong`;
  control.setAttribute("aria-describedby", hint ? `${control.id}-hint ${wrong}` : wrong);
  return h("div", { class: "field", "data-field": name }, h("label", { for: control.id }, label), control,
    hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint), h("p", { class: "wrong", id: wrong }));
}

export function tick(id, label, { checked = false, text = null, changed = () => {} } = {}) {
  const box = h("input", { type: "checkbox", id, checked, onchange: changed });
  if (text) box.setAttribute("aria-describedby", `${id}-text`);
  return { box, row: h("div", { class: "tick" }, box, h("div", {}, h("label", { for: id }, label), text && h("p", { class: "hint", id: `${id}-text` }, text))) };
}

export function withoutFaults(form) {
  form.querySelectorAll(".wrong").forEach((each) => show(each));
  form.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
}

// Each fault at its field, or at the one around it; what has no field of its own is said above the button.
export function showFaults(form, error) {
  withoutFaults(form);
  const unplaced = [];
  for (const { field: path, problem } of error.fields ?? []) {
    const place = fieldOf(form, path.replace(/^body\.?/, ""));
    if (!place) {
      unplaced.push(problem);
      continue;
    }
    show(place.querySelector(":scope > .wrong"), h("bdi", {}, problem));
    place.querySelector("input, select")?.setAttribute("aria-invalid", "true");
  }
  const placed = form.querySelector("[aria-invalid]");
  const all = form.querySelector(":scope > .wrong");
  show(all, placed && !unplaced.length ? t("set.wrong") : unplaced.length ? h("bdi", {}, unplaced.join(" ")) : reasonOf(error));
  placed?.focus();
}

function fieldOf(form, path) {
  for (let parts = path.split("."); parts.length; parts.pop()) {
    const found = parts.join(".") && form.querySelector(`[data-field="${CSS.escape(parts.join("."))}"]`);
    if (found) return found;
  }
  return null;
}

const OURS = ["control-missing", "control-unknown", "code-refused", "too-many-codes", "one-code-a-day", "rate-limited"];

// Why nothing was changed, in the reader's language where we have words for it.
export function reasonOf(error) {
  if (!(error instanceof ApiProblem)) return t("state.offline_text");
  return OURS.includes(error.slug) ? t(`problem.${error.slug}`) : error.message;
}
