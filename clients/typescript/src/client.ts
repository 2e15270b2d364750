/** A client whose every route, parameter and answer is typed by the OpenAPI document. */

import createClient, { type Client } from "openapi-fetch";

import type { paths } from "./schema.js";

export interface PausewireOptions {
  /** Where the API is, e.g. `https://pausewire.example.org`; a path in front of `/v1` may be part of it. */
  baseUrl: string;
  /** An API key or the token of a signed-in wallet; a function is asked before each request. */
  token: string | (() => string | Promise<string>);
  /** Another fetch, e.g. one with a proxy. */
  fetch?: (request: Request) => Promise<Response>;
}

export type Pausewire = Client<paths>;

/**
 * Make a client. Each call answers `{ data, error, response }`: `error` is the API's problem document,
 * `response.headers` has the `ETag` and `Pausewire-Fresh-To-Ledger`.
 */
export function createPausewire(options: PausewireOptions): Pausewire {
  const client = createClient<paths>({
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    ...(options.fetch ? { fetch: options.fetch } : {}),
  });
  client.use({
    async onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${await tokenOf(options.token)}`);
      return request;
    },
  });
  return client;
}

/** The token as it is now. */
export async function tokenOf(token: PausewireOptions["token"]): Promise<string> {
  return typeof token === "function" ? await token() : token;
}
