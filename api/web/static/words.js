// The page's words in the reader's language, and its numbers, times and durations.

const told = JSON.parse(document.getElementById("words").textContent);
export const language = document.documentElement.lang;

export function t(key, values = {}) {
  const text = told[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A word of an open set (an event's kind, a reason): ours where we have one, else the API's own.
export function term(group, name) {
  return told[`${group}.${name}`] ?? String(name).replaceAll("_", " ");
}

const numbers = new Intl.NumberFormat(language);
const decimals = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const clocks = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });

export const number = (value) => (value === null || value === undefined ? "–" : numbers.format(value));
export const decimal = (value) => decimals.format(value);
export const moment = (iso) => moments.format(new Date(iso));
export const day = (millis) => days.format(millis);
export const clock = (millis) => clocks.format(millis);

const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].map(([unit, seconds]) => [
  seconds,
  new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }),
]);

// The two largest units: what a person says.
export function duration(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [size, format] of units) {
    const count = Math.floor(rest / size);
    if (count || parts.length || size === 1) parts.push(format.format(count));
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

export function inSeconds(value) {
  return new Intl.NumberFormat(language, {
    style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0,
    notation: value < 1e5 ? "standard" : "compact", // days late is days late, also on a narrow screen
  }).format(value);
}
