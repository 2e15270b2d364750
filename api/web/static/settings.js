// Settings of who is signed in: where they are told, what and when, and their sessions.

import { ask } from "./api.js";
import { changes } from "./changes.js";
import { contacts } from "./contacts.js";
import { device } from "./device.js";
import { h, show } from "./dom.js";
import { asidesOnly } from "./feed.js";
import { reasonOf } from "./fields.js";
import { preferences } from "./preferences.js";
import { end, leave } from "./session.js";
import { failed, loading } from "./states.js";
import { posted } from "./wallet.js";
import { t } from "./words.js";

export function settings(place, own, context) {
  const feed = asidesOnly(context.feedState);
  let left = false;
  let places = null;
  let here = null;

  async function load() {
    show(place, loading());
    try {
      const [mine, wish] = await Promise.all([ask("v1/me/contacts"), ask("v1/me/preferences")]);
      if (left) return;
      here?.leave();
      here = device(own, context.pushKey, () => places.refresh());
      places = contacts(mine.contacts, context, here.seen);
      show(place, here.element, places.element, preferences(wish), sessionsOf(own), changes());
    } catch (error) {
      if (!left && error.status !== 401) show(place, failed(error, load, context.askForKey));
    }
  }

  load();
  return () => {
    left = true;
    places?.leave();
    here?.leave();
    feed.close();
  };
}

function sessionsOf(own) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const everywhere = h("button", { type: "button", class: "button", onclick: async () => {
    leave(own.token);
    try {
      await ask("v1/auth/logout", {}, posted({ everywhere: true }));
      end(own.token, "out");
    } catch (error) {
      leave(null);
      if (error.status !== 401) show(wrong, reasonOf(error));
    }
  } }, t("set.everywhere"));
  return h("section", { class: "card settings" }, h("h2", {}, t("set.devices")), h("p", { class: "hint" }, t("set.devices_text")), everywhere, wrong);
}
