/** Against a running API: PAUSEWIRE_URL, PAUSEWIRE_KEY, PAUSEWIRE_CONTRACT, PAUSEWIRE_STREAM name it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";

import { createPausewire, items, PausewireProblem, readFeed } from "../dist/index.js";

const { PAUSEWIRE_URL: url, PAUSEWIRE_KEY: token, PAUSEWIRE_CONTRACT: contract_id, PAUSEWIRE_STREAM: stream_id } = process.env;
const skip = url === undefined && "PAUSEWIRE_URL names no running API";
const path = { contract_id, stream_id };

/** The API behind a wire that is cut after so many bytes, at another place each time. */
async function cutWire() {
  const target = new URL(url);
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    let left = 300 + ((cuts++ * 397) % 1_500);
    const end = () => {
      near.destroy();
      far.destroy();
    };
    near.pipe(far);
    far.on("data", (chunk) => {
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) near.end(end);
    });
    for (const side of [near, far]) side.on("error", end).on("close", end);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { baseUrl: `http://127.0.0.1:${server.address().port}`, close: () => server.close(), cuts: () => cuts };
}

test("a stream and all its pauses", { skip }, async () => {
  const api = createPausewire({ baseUrl: `${url}/`, token });
  const { data: stream } = await api.GET("/v1/streams/{contract_id}/{stream_id}", { params: { path } });
  const pauses = [];
  const page = (cursor) =>
    api.GET("/v1/streams/{contract_id}/{stream_id}/pauses", { params: { path, query: { cursor, limit: 2 } } });
  for await (const pause of items(page)) pauses.push(pause);
  assert.equal(pauses.length, stream.pause_count);
  assert.equal(new Set(pauses.map((pause) => pause.id)).size, pauses.length);
});

test("a refusal is data where it is asked for, and thrown where a list is walked", { skip }, async () => {
  const api = createPausewire({ baseUrl: url, token: () => "pw_wrong" });
  const { data, error, response } = await api.GET("/v1/streams");
  assert.equal(data, undefined);
  assert.equal(response.status, 401);
  assert.equal(error.status, 401);
  await assert.rejects(items((cursor) => api.GET("/v1/streams", { params: { query: { cursor } } })).next(), PausewireProblem);
});

test("a feed that is cut again and again tells every event once and in order", { skip }, async () => {
  const whole = await fetch(`${url}/v1/feed?last_event_id=0&follow=false`, { headers: { Authorization: `Bearer ${token}` } });
  const wanted = [...(await whole.text()).matchAll(/^data: .*?"position": ?(\d+)/gm)].map((found) => found[1]);
  assert.ok(wanted.length > 20);
  const wire = await cutWire();
  const abort = new AbortController();
  const got = [];
  const feed = readFeed({ baseUrl: wire.baseUrl, token, lastEventId: "0", signal: abort.signal, fetch: quickly });
  for await (const item of feed) {
    got.push(item.id);
    if (got.length === wanted.length) abort.abort();
  }
  wire.close();
  assert.deepEqual(got, wanted);
  assert.ok(wire.cuts() > 5, `cut ${wire.cuts()} times`);
});

/** Ask without waiting for seconds after each cut: the server's own words, with another retry time. */
async function quickly(request) {
  const response = await fetch(request);
  if (!response.ok || response.body === null) return response;
  const hurried = (text) => text.replace(/^retry: \d+/m, "retry: 1");
  const words = new TransformStream({ transform: (text, controller) => controller.enqueue(hurried(text)) });
  const body = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(words)
    .pipeThrough(new TextEncoderStream());
  return new Response(body, response);
}
