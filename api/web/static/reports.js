// How the page fares: views, and what broke. Names of our own files and lines only: nothing about people.

import { base } from "./api.js";

const MOST_REPORTS = 20; // of one load of the page
let sent = 0;

export function report(kind, { view = currentView(), source = "", line = 0 } = {}) {
  if (sent++ >= MOST_REPORTS) return;
  const body = JSON.stringify({ kind, view, source: named(source), line: Math.max(0, Math.trunc(line) || 0) });
  fetch(new URL("v1/page-reports", base), {
    method: "POST", body, keepalive: true, headers: { "Content-Type": "application/json" },
  }).catch(() => {});
}

export function currentView() {
  return location.hash.split("/")[1] || "streams";
}

// The last part of an address, without what was asked for.
function named(source) {
  try {
    return new URL(source, base).pathname.split("/").pop().slice(0, 60);
  } catch {
    return "";
  }
}

window.addEventListener("error", (event) => {
  if (event.target instanceof Element) {
    report("failed_load", { source: event.target.src || event.target.href || "" });
  } else {
    report("script_error", { source: event.filename, line: event.lineno });
  }
}, true);
window.addEventListener("unhandledrejection", () => report("script_error"));
document.addEventListener("securitypolicyviolation", (event) => {
  report("csp_violation", { source: event.sourceFile || event.blockedURI, line: event.lineNumber });
});
