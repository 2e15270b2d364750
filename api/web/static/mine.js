// What is the reader's own, behind a sign-in: the inbox, and settings.

import { ask, canAsk } from "./api.js";
import { h, identity, show } from "./dom.js";
import { asidesOnly } from "./feed.js";
import { inbox } from "./inbox.js";
import { end, leave as leaveSession, session, sessions } from "./session.js";
import { settings } from "./settings.js";
import { signIn } from "./signin.js";
import { posted } from "./wallet.js";
import { t } from "./words.js";

export function mine(main, [part], context) {
  let leave = () => {};

  function paint(said = "") {
    leave();
    const own = session();
    if (own === null) {
      leave = signIn(main, said);
      if (canAsk()) leave = both(leave, listening(context));
      else context.feedState("live");
      return;
    }
    const body = h("div", {});
    show(main, h("header", { class: "head own" }, h("h1", {}, t("mine.title")), whoAndOut(own, context)), sections(part), body);
    leave = (part === "settings" ? settings : inbox)(body, own, context);
  }

  const changed = (event) => paint({ out: t("sign.out"), ended: t("sign.ended") }[event.detail]);
  sessions.addEventListener("change", changed);
  paint();
  return () => {
    sessions.removeEventListener("change", changed);
    leave();
  };
}

function sections(part) {
  const one = (address, name, current) => h("a", { href: address, "aria-current": current ? "page" : null }, t(name));
  return h("nav", { class: "sections", "aria-label": t("mine.sections") },
    one("#/inbox", "mine.inbox", part !== "settings"), one("#/inbox/settings", "mine.settings", part === "settings"));
}

const both = (...ends) => () => ends.forEach((each) => each());

function listening(context) {
  const feed = asidesOnly(context.feedState);
  return () => feed.close();
}

function whoAndOut(own, context) {
  const out = h("button", { type: "button", class: "button", id: "sign-out", onclick: async () => {
    out.disabled = true;
    leaveSession(own.token);
    // Signed out here in any case; the server's session ends by itself where it cannot be reached.
    await ask("v1/auth/logout", {}, posted({ everywhere: false })).catch(() => {});
    end(own.token, "out");
  } }, t("mine.sign_out"));
  return h("p", { class: "who" }, h("span", {}, t("mine.as"), " ", identity(own.account_id, context.explorer && `${context.explorer}/account/${own.account_id}`)), out);
}
