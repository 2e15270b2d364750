// Who is signed in: a token of a proven address, which stays in this tab as the key does.

const KEPT = "pausewire.session";

// `change`: somebody signed in, signed out, or was signed out. `unread`: how many notices wait.
export const sessions = new EventTarget();
let unread = null;

export function session() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept && Date.parse(kept.expires_at) > Date.now()) return kept;
  if (kept) sessionStorage.removeItem(KEPT);
  return null;
}

export function begin(answer) {
  const { token, account_id, expires_at } = answer;
  sessionStorage.setItem(KEPT, JSON.stringify({ token, account_id, expires_at }));
  changed("begun");
}

// The person has said so: whatever is refused from here on because the session is over is no news to them.
let leaving = null;

export function leave(token) {
  leaving = token;
}

// `why`: `out` by the person's own word, `ended` elsewhere or by time. A token that is not kept ends nothing.
export function end(token, why) {
  if (session()?.token !== token) return;
  sessionStorage.removeItem(KEPT);
  unread = null;
  changed(token === leaving ? "out" : why);
}

export const unreadNow = () => unread;

export function tellUnread(count) {
  unread = count;
  sessions.dispatchEvent(new CustomEvent("unread"));
}

function changed(why) {
  sessions.dispatchEvent(new CustomEvent("change", { detail: why }));
}
