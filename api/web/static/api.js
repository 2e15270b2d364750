// Questions to the API: the key stays in this tab, travels in a header only, and ends with the tab. Who is
// signed in asks by the session, but for what only a key opens.

import { end, session } from "./session.js";

export const base = new URL("../", import.meta.url); // the page works under any path
const KEPT = "pausewire.key";
const BY_KEY = /^v1\/(operations|latency|audit)/;
const OWN = /^v1\/(me|auth)\b/;

export class ApiProblem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? body.title ?? String(status));
    this.status = status;
    this.scope = body.scope;
    this.slug = String(body.type ?? "").split("/").pop();
    this.fields = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

export class Unreachable extends Error {}

export const key = () => sessionStorage.getItem(KEPT);
export const keep = (value) => sessionStorage.setItem(KEPT, value.trim());
export const forget = () => sessionStorage.removeItem(KEPT);

function bearer(path) {
  const token = session()?.token ?? null;
  if (OWN.test(path)) return token;
  return BY_KEY.test(path) ? key() ?? token : token ?? key();
}

export const canAsk = () => session() !== null || key() !== null;

export async function answered(path, options = {}) {
  let response;
  const sent = bearer(path);
  const headers = sent ? { Authorization: `Bearer ${sent}` } : {};
  try {
    response = await fetch(new URL(path, base), { ...options, headers: { ...headers, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message);
  }
  if (response.ok) return response;
  if (response.status === 401 && sent !== null && sent === session()?.token) {
    end(sent, "ended");
    if (!OWN.test(path) && key() !== null) return answered(path, options);
  }
  const body = await response.json().catch(() => ({}));
  throw new ApiProblem(response.status, body, Number(response.headers.get("Retry-After")) || 0);
}

export async function ask(path, parameters = {}, options = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== ""),
  ).toString();
  const response = await answered(query ? `${path}?${query}` : path, options);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message); // the answer was cut
  }
}

// What passes by itself: no connection, too many questions, a server that is busy. What is shown stays.
export function passes(error) {
  return !error.status || error.status === 429 || error.status === 503;
}

// In a development start the page takes that start's key, so that a newcomer sees something at once.
export async function takeSandboxKey() {
  try {
    const taken = await ask("page/sandbox-key", {}, { method: "POST" });
    keep(taken.key);
    return true;
  } catch {
    return false;
  }
}
