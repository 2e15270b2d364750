/** A list of the API from its first item to its last, page by page as they are needed. */

import { PausewireProblem, type Problem } from "./problem.js";

/** One page: pass `next_cursor` as `cursor` until it is null. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

interface Answer<T> {
  data?: Page<T>;
  error?: unknown;
  response: Response;
}

/**
 * All items of a list. `page` asks for one page behind a cursor:
 *
 *     for await (const pause of items((cursor) => api.GET("/v1/streams/{contract_id}/{stream_id}/pauses",
 *       { params: { path, query: { cursor } } }))) { … }
 *
 * A cursor names the last item seen: what is added meanwhile neither repeats nor hides an item.
 * Throws PausewireProblem where a page is refused.
 */
export async function* items<T>(
  page: (cursor: string | undefined) => Promise<Answer<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const { data, error, response } = await page(cursor);
    if (data === undefined) {
      throw new PausewireProblem(response.status, error as Problem | undefined);
    }
    yield* data.items;
    cursor = data.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
