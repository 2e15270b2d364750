/** The feed's reader beside a server that cuts, refuses and falls silent. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { PausewireProblem, readFeed } from "../dist/index.js";

const PROBLEM = { type: "/problems/x", title: "Refused", status: 401, detail: "no such key" };

/** A server that answers each request by the next of `answers`; what was asked is in `asked`. */
async function scripted(answers) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url, id: request.headers["last-event-id"], key: request.headers.authorization });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { baseUrl: `http://127.0.0.1:${server.address().port}/`, asked, close };
}

const stream = (text, { end = true } = {}) => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(text);
  if (end) response.end();
};
const refusal = (status, headers = {}) => (response) => {
  response.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ ...PROBLEM, status }));
};
const message = (id) => `id: ${id}\ndata: {"position": ${id}}\n\n`;

async function take(feed, count) {
  const items = [];
  if (count === 0) return items;
  for await (const item of feed) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

test("after a cut it goes on behind the last id, also one that came without a message", async () => {
  const server = await scripted([
    stream("retry: 1\nid: 7\n\n"),
    stream(message(8) + "id: 9\ndata: {\"posi"),
    stream(message(9)),
  ]);
  try {
    const waits = [];
    const feed = readFeed({ baseUrl: server.baseUrl, token: () => "k", onDisconnect: (_, wait) => waits.push(wait) });
    assert.deepEqual((await take(feed, 2)).map((item) => item.id), ["8", "9"]);
    // Half a message was not received: its id does not count.
    assert.deepEqual(server.asked.map((request) => request.id), [undefined, "7", "8"]);
    assert.equal(server.asked[0].key, "Bearer k");
    assert.deepEqual(waits, [1, 1]);
  } finally {
    server.close();
  }
});

test("filters are asked for, resync is told, kinds of a later API are passed over", async () => {
  const server = await scripted([
    stream('event: later\nid: 2\ndata: {}\n\nevent: resync\nid: 5\ndata: {"position": 5, "reason": "too_old"}\n\n'),
  ]);
  try {
    const options = { baseUrl: server.baseUrl, token: "k", contractId: "C", streamId: "7", employee: "G", lastEventId: "0" };
    const [item] = await take(readFeed(options), 1);
    assert.deepEqual(item, { type: "resync", id: "5", resync: { position: 5, reason: "too_old" } });
    assert.equal(server.asked[0].url, "/v1/feed?contract_id=C&stream_id=7&employee=G");
    assert.equal(server.asked[0].id, "0");
  } finally {
    server.close();
  }
});

test("states are told without moving the place, and an own inbox is asked for", async () => {
  const server = await scripted([
    stream(
      'retry: 1\n\nevent: banner\ndata: {"text": "Tonight", "since": null}\n\n' + message(8) +
        'event: inbox\ndata: {"unread": 2, "newest": null}\n\n',
    ),
    stream(message(9)),
  ]);
  try {
    const got = await take(readFeed({ baseUrl: server.baseUrl, token: "k", inbox: true }), 4);
    assert.deepEqual(got.map((item) => [item.type, item.id]), [
      ["banner", undefined], ["message", "8"], ["inbox", "8"], ["message", "9"],
    ]);
    assert.deepEqual(got[2].inbox, { unread: 2, newest: null });
    assert.equal(server.asked[0].url, "/v1/feed?inbox=true");
    assert.equal(server.asked[1].id, "8");
  } finally {
    server.close();
  }
});

test("a refusal that no wait can mend is thrown with the API's words", async () => {
  const server = await scripted([refusal(401)]);
  try {
    await assert.rejects(take(readFeed({ baseUrl: server.baseUrl, token: "k" }), 1), (error) => {
      assert.ok(error instanceof PausewireProblem);
      assert.equal(error.status, 401);
      assert.match(error.message, /no such key/);
      return true;
    });
  } finally {
    server.close();
  }
});

test("overload is waited out for as long as the API says", async () => {
  const server = await scripted([refusal(503, { "Retry-After": "1" }), stream("retry: 1\n" + message(1))]);
  try {
    const waits = [];
    const feed = readFeed({ baseUrl: server.baseUrl, token: "k", onDisconnect: (_, wait) => waits.push(wait) });
    assert.equal((await take(feed, 1))[0].id, "1");
    assert.ok(waits[0] >= 1_000);
  } finally {
    server.close();
  }
});

test("a connection that falls silent is made anew", async () => {
  const server = await scripted([stream("retry: 1\n" + message(1), { end: false }), stream(message(2))]);
  try {
    const feed = readFeed({ baseUrl: server.baseUrl, token: "k", silenceMilliseconds: 100 });
    assert.deepEqual((await take(feed, 2)).map((item) => item.id), ["1", "2"]);
  } finally {
    server.close();
  }
});

test("a signal ends it, also while it waits", async () => {
  const server = await scripted([stream("retry: 60000\n\n")]);
  try {
    const abort = new AbortController();
    const feed = readFeed({ baseUrl: server.baseUrl, token: "k", signal: abort.signal, onDisconnect: () => abort.abort() });
    assert.deepEqual(await take(feed, 1), []);
  } finally {
    server.close();
  }
});
