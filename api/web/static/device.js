// This browser as a place where one is told: subscribed to push, confirmed by the code that arrives here.
//
// A contact is confirmed by a code that was sent there, this one too: the worker hands it to the page, and
// nobody has to type it. Which contact this browser is stays in its storage; it is no secret.

import { ask, base } from "./api.js";
import { h, show } from "./dom.js";
import { reasonOf } from "./fields.js";
import { posted } from "./wallet.js";
import { t } from "./words.js";

const KEPT = "pausewire.device";
const CODE = /\b\d{6}\b/;
const WORKER = new URL("page/push-worker.js", base).href;
const SCOPE = new URL("page/push/", base).href; // no page stands there: the worker is for messages only

const able = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const kept = () => JSON.parse(localStorage.getItem(KEPT) ?? "null");

// `key`: the server's, which subscriptions are bound to. `changed`: to be called when contacts have.
export function device(own, key, changed) {
  const said = h("p", { class: "hint", role: "status", id: "device-said" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const button = h("button", { type: "button", class: "button", id: "device", onclick: press });
  const element = h("section", { class: "card settings", "aria-labelledby": "device-title", hidden: !able() || !key },
    h("h2", { id: "device-title" }, t("push.title")), h("p", { class: "hint" }, t("push.text")), said, wrong, button);
  let contact = null; // this browser's, as the server lists it
  let waiting = null; // the code came before the list did

  const id = () => (kept()?.account_id === own.account_id ? kept().contact_id : null);

  function paint() {
    show(button, t(contact ? "push.off_go" : "push.on_go"));
    show(said, contact ? t(contact.verified_at ? "push.on" : "push.waiting") : "");
    element.dataset.on = String(contact?.verified_at != null);
  }

  function seen(all) {
    contact = all.find((each) => each.contact_id === id()) ?? null;
    if (id() !== null && contact === null) leaveBrowser(); // removed in the list, or on another device
    paint();
    if (contact && !contact.verified_at && waiting) confirm(waiting);
  }

  async function press() {
    button.disabled = true;
    show(wrong);
    try {
      await (contact ? off() : on());
    } catch (error) {
      if (error.status !== 401) show(wrong, error instanceof DOMException ? t("push.failed", { reason: error.message }) : reasonOf(error));
    }
    button.disabled = false;
  }

  async function on() {
    if ((await Notification.requestPermission()) !== "granted") {
      show(wrong, t("push.blocked"));
      return;
    }
    const place = await subscribed(key);
    const answer = await ask("v1/me/contacts", {}, posted({ channel: "push", destination: JSON.stringify(place) }));
    localStorage.setItem(KEPT, JSON.stringify({ contact_id: answer.contact.contact_id, account_id: own.account_id }));
    await changed();
  }

  async function off() {
    await ask(`v1/me/contacts/${contact.contact_id}`, {}, { method: "DELETE" });
    await leaveBrowser();
    await changed();
  }

  async function confirm(code) {
    waiting = code;
    if (!contact || contact.verified_at) return;
    waiting = null;
    try {
      await ask(`v1/me/contacts/${contact.contact_id}/verify`, {}, posted({ code }));
      await changed();
    } catch (error) {
      if (error.status !== 401) show(wrong, reasonOf(error));
    }
  }

  function heard({ data }) {
    const code = data?.pushed?.kind === "contact_code" && CODE.exec(data.pushed.body);
    if (code) confirm(code[0]);
  }

  if (able()) navigator.serviceWorker.addEventListener("message", heard);
  paint();
  return { element, seen, leave: () => navigator.serviceWorker?.removeEventListener("message", heard) };
}

async function subscribed(applicationServerKey) {
  const registration = await navigator.serviceWorker.register(trusted(WORKER), { scope: SCOPE });
  await active(registration);
  const wanted = { userVisibleOnly: true, applicationServerKey };
  try {
    return (await registration.pushManager.subscribe(wanted)).toJSON();
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    await (await registration.pushManager.getSubscription())?.unsubscribe(); // it was of another key
    return (await registration.pushManager.subscribe(wanted)).toJSON();
  }
}

async function leaveBrowser() {
  localStorage.removeItem(KEPT);
  const registration = await navigator.serviceWorker?.getRegistration(SCOPE);
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  await registration?.unregister();
}

function active(registration) {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  return new Promise((done) => {
    const look = () => worker.state === "activated" && done();
    worker.addEventListener("statechange", look);
    look();
  });
}

// The page's policy wants scripts' addresses from a policy of its own: this one knows one address.
function trusted(address) {
  const policy = globalThis.trustedTypes?.createPolicy("pausewire-worker", { createScriptURL: () => WORKER });
  return policy?.createScriptURL(address) ?? address;
}
