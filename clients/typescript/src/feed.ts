/**
 * The live feed: every recorded event once and in order, whatever is cut in between.
 *
 * `EventSource` cannot send an `Authorization` header, so this reads the stream with `fetch` and does what
 * EventSource would: it remembers the last id, and goes on behind it after a cut.
 */

import { tokenOf, type PausewireOptions } from "./client.js";
import { EventStreamParser, type Block } from "./event_stream.js";
import { PausewireProblem } from "./problem.js";
import type { components } from "./schema.js";

type FeedMessage = components["schemas"]["FeedMessage"];
type Resync = components["schemas"]["Resync"];
type Banner = components["schemas"]["BannerMessage"];
type Inbox = components["schemas"]["InboxMessage"];

/**
 * `resync`: the id could not be gone on from; ask the other routes again, the feed goes on behind `id`.
 * `banner`, `inbox`: how something stands now; they have no id of their own, `id` is the last one before.
 */
export type FeedItem =
  | { type: "message"; id: string; message: FeedMessage }
  | { type: "resync"; id: string; resync: Resync }
  | { type: "banner"; id: string | undefined; banner: Banner }
  | { type: "inbox"; id: string | undefined; inbox: Inbox };

export interface FeedOptions extends PausewireOptions {
  /** Only this contract's, this stream's (with its contract), this employee's events. */
  contractId?: string;
  streamId?: string;
  employee?: string;
  /** Also how the caller's own inbox stands; the token must be of somebody who signed in, or has a key for it. */
  inbox?: boolean;
  /** The last id that was handled; "0" begins with the log's first event, without one it begins now. */
  lastEventId?: string;
  /** Ends the reading. */
  signal?: AbortSignal;
  /** A connection that is silent for so long, heartbeats included, is given up and made anew: 60 s. */
  silenceMilliseconds?: number;
  /** Told before each wait for a new connection; a refusal that no wait can mend is thrown instead. */
  onDisconnect?: (reason: unknown, waitMilliseconds: number) => void;
}

const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 30_000;
const SILENCE = 60_000;

/**
 * Read the feed until `signal` ends it. Keep the `id` of what you have handled: as `lastEventId` it goes on
 * there, also in another process. Throws PausewireProblem where the API refuses for good (401, 403, 422).
 */
export async function* readFeed(options: FeedOptions): AsyncGenerator<FeedItem, void, undefined> {
  const state = { lastId: options.lastEventId, wait: FIRST_WAIT, failures: 0 };
  while (!options.signal?.aborted) {
    let reason: unknown = "the connection ended";
    let atLeast = 0;
    try {
      const response = await connect(options, state.lastId);
      if (response.ok && response.body !== null) {
        state.failures = 0;
        yield* read(response.body, options, state);
      } else {
        const problem = await PausewireProblem.of(response);
        if (isFinal(response.status)) throw problem;
        atLeast = retryAfter(response);
        reason = problem;
      }
    } catch (error) {
      if (options.signal?.aborted) return;
      if (error instanceof PausewireProblem) throw error;
      reason = error;
    }
    if (options.signal?.aborted) return;
    const wait = Math.max(atLeast, Math.min(state.wait * 2 ** state.failures, LONGEST_WAIT));
    state.failures += 1;
    options.onDisconnect?.(reason, wait);
    await sleep(wait, options.signal);
  }
}

interface State {
  lastId: string | undefined;
  wait: number;
  failures: number;
}

async function connect(options: FeedOptions, lastId: string | undefined): Promise<Response> {
  const url = new URL(`${options.baseUrl.replace(/\/+$/, "")}/v1/feed`);
  if (options.contractId !== undefined) url.searchParams.set("contract_id", options.contractId);
  if (options.streamId !== undefined) url.searchParams.set("stream_id", options.streamId);
  if (options.employee !== undefined) url.searchParams.set("employee", options.employee);
  if (options.inbox) url.searchParams.set("inbox", "true");
  const headers = new Headers({
    Accept: "text/event-stream",
    Authorization: `Bearer ${await tokenOf(options.token)}`,
  });
  if (lastId !== undefined) headers.set("Last-Event-ID", lastId);
  const request = new Request(url, {
    headers,
    cache: "no-store",
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return await (options.fetch ?? fetch)(request);
}

async function* read(
  body: ReadableStream<Uint8Array>,
  options: FeedOptions,
  state: State,
): AsyncGenerator<FeedItem, void, undefined> {
  const reader = body.getReader();
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await beforeSilence(reader, options.silenceMilliseconds ?? SILENCE);
      if (done) return;
      for (const block of parser.push(decoder.decode(value, { stream: true }))) {
        state.wait = block.retry ?? state.wait;
        state.lastId = block.id ?? state.lastId;
        const item = itemOf(block, state.lastId);
        if (item !== undefined) yield item;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** An item, or nothing for blocks that only set an id, and for kinds that a later API may add. */
function itemOf(block: Block, lastId: string | undefined): FeedItem | undefined {
  if (block.data === undefined) return undefined;
  if (block.event === "banner") return { type: "banner", id: lastId, banner: JSON.parse(block.data) as Banner };
  if (block.event === "inbox") return { type: "inbox", id: lastId, inbox: JSON.parse(block.data) as Inbox };
  if (lastId === undefined) return undefined;
  if (block.event === "message") {
    return { type: "message", id: lastId, message: JSON.parse(block.data) as FeedMessage };
  }
  if (block.event === "resync") {
    return { type: "resync", id: lastId, resync: JSON.parse(block.data) as Resync };
  }
  return undefined;
}

async function beforeSilence(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  milliseconds: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`silent for ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether asking again with the same key and parameters can only be refused again. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After") ?? "0");
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}
