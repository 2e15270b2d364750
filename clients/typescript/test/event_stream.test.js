/** The stream's syntax, cut at every place. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { EventStreamParser } from "../dist/event_stream.js";

const STREAM =
  ": alive\r\nretry: 2000\nid: 41\r\n\r\nid:42\rdata: one\rdata: two\r\r" +
  "event: resync\nid: 43\ndata\nunknown: field\n\nretry: soon\n\n\ndata: last, not ended";
const BLOCKS = [
  { id: "41", event: "message", data: undefined, retry: 2000 },
  { id: "42", event: "message", data: "one\ntwo", retry: undefined },
  { id: "43", event: "resync", data: "", retry: undefined },
];

test("a stream reads the same wherever it is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new EventStreamParser();
    const blocks = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
    assert.deepEqual(blocks.slice(0, 3), BLOCKS, `cut at ${cut}`);
    assert.ok(blocks.slice(3).every((block) => block.data === undefined));
  }
});

test("a stream reads the same letter by letter", () => {
  const parser = new EventStreamParser();
  const blocks = [...STREAM].flatMap((letter) => parser.push(letter));
  assert.deepEqual(blocks.slice(0, 3), BLOCKS);
});
