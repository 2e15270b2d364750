/** Server-sent events from bytes, as the HTML standard's "parsing an event stream" says. */

/** One block of the stream. `data` is undefined where the block only set an id or a retry time. */
export interface Block {
  id: string | undefined;
  event: string;
  data: string | undefined;
  retry: number | undefined;
}

const LINE_END = /\r\n|\n|\r/;

/** Reads lines; the blocks that they complete come out in their order. */
export class EventStreamParser {
  #rest = "";
  #block = emptyBlock();
  #dirty = false;

  /** More text of the stream, cut anywhere. */
  push(text: string): Block[] {
    const blocks: Block[] = [];
    let rest = this.#rest + text;
    for (;;) {
      const end = LINE_END.exec(rest);
      // A lone carriage return at the very end may be half of a line's end: wait for what follows.
      if (end === null || (end[0] === "\r" && end.index === rest.length - 1)) break;
      this.#line(rest.slice(0, end.index), blocks);
      rest = rest.slice(end.index + end[0].length);
    }
    this.#rest = rest;
    return blocks;
  }

  #line(line: string, blocks: Block[]): void {
    if (line === "") {
      if (this.#dirty) blocks.push(this.#block);
      this.#block = emptyBlock();
      this.#dirty = false;
      return;
    }
    if (line.startsWith(":")) return; // a comment, sent to keep the connection
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    this.#field(field, value);
  }

  #field(field: string, value: string): void {
    const block = this.#block;
    if (field === "data") block.data = block.data === undefined ? value : `${block.data}\n${value}`;
    else if (field === "event") block.event = value;
    else if (field === "id" && !value.includes("\0")) block.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) block.retry = Number(value);
    else return;
    this.#dirty = true;
  }
}

function emptyBlock(): Block {
  return { id: undefined, event: "message", data: undefined, retry: undefined };
}
