// The live feed: resumes behind the last id after any cut, so that no event is missed or shown twice.
//
// EventSource cannot send a key, and a key does not belong into an address; so this reads the stream.

import { answered } from "./api.js";
import { session, sessions, tellUnread } from "./session.js";

// What the feed says beside the log: `banner`, the operators' word.
export const asides = new EventTarget();

const SILENCE = 45000; // three missed heartbeats
const LONGEST_WAIT = 15000;

// For views that show nothing of the chain: no stream has this number on most networks, and where one has,
// its few messages are passed over.
export const asidesOnly = (state = () => {}) => new Feed({ stream_id: "0" }, { message: () => {}, state });

function standing(data) {
  tellUnread(data.unread);
  sessions.dispatchEvent(new CustomEvent("inbox", { detail: data }));
}

export class Feed {
  constructor(filters, { message, resync = () => {}, state = () => {}, lastId = null }) {
    this.filters = filters;
    this.tell = { message, resync, state };
    this.lastId = lastId;
    this.wait = 0;
    this.closed = false;
    this.wakeUp = () => this.wake?.();
    window.addEventListener("online", this.wakeUp);
    this.run();
  }

  close() {
    this.closed = true;
    window.removeEventListener("online", this.wakeUp);
    this.cut?.abort();
    this.wake?.();
  }

  async run() {
    while (!this.closed) {
      try {
        this.tell.state("connecting");
        await this.connected();
        this.wait = 0;
      } catch (error) {
        if (this.closed) return;
        if (error.status === 401 || error.status === 403) return this.tell.state("refused");
        this.wait = Math.min(LONGEST_WAIT, Math.max(error.retryAfter * 1000 || 0, this.wait * 2 || 500));
        this.tell.state("cut");
      }
      await this.rest(this.wait * (0.75 + Math.random() / 2));
    }
  }

  async connected() {
    this.cut = new AbortController();
    const query = new URLSearchParams({ ...this.filters, ...(session() ? { inbox: true } : {}) }).toString();
    const options = { signal: this.cut.signal, cache: "no-store", headers: { Accept: "text/event-stream" } };
    if (this.lastId !== null) options.headers["Last-Event-ID"] = this.lastId;
    const response = await answered(`v1/feed${query ? `?${query}` : ""}`, options);
    this.wait = 0;
    this.tell.state("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silence = setTimeout(() => this.cut.abort(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      parts.forEach((part) => this.took(part));
    }
  }

  took(part) {
    const fields = {};
    for (const line of part.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
    }
    if (fields.data !== undefined) {
      const data = JSON.parse(fields.data);
      if (fields.event === "resync") this.tell.resync(data);
      else if (fields.event === "banner") asides.dispatchEvent(new CustomEvent("banner", { detail: data }));
      else if (fields.event === "inbox") standing(data);
      else this.tell.message(data);
    }
    // last: what was not shown is asked for again
    if (fields.id !== undefined) this.lastId = fields.id;
  }

  rest(millis) {
    return new Promise((done) => {
      const timer = setTimeout(done, millis);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
