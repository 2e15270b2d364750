/** Pausewire's HTTP API, typed; the schema is generated from the API's own OpenAPI document. */

export { createPausewire, type Pausewire, type PausewireOptions } from "./client.js";
export { readFeed, type FeedItem, type FeedOptions } from "./feed.js";
export { items, type Page } from "./items.js";
export { PausewireProblem, type Problem } from "./problem.js";
export type { components, operations, paths } from "./schema.js";

import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** A stream, one of its pauses, and one message of the feed, as the API answers them. */
export type Stream = Schemas["StreamAnswer"];
export type Pause = Schemas["PausesPage"]["items"][number];
