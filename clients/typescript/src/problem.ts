/** What the API refuses, as RFC 9457 says it. */

import type { components } from "./schema.js";

export type Problem = components["schemas"]["Problem"];

/** Thrown where an answer is a refusal and there is no `error` to hand it over in. */
export class PausewireProblem extends Error {
  override readonly name = "PausewireProblem";

  constructor(
    readonly status: number,
    /** The problem document; undefined where something before the API answered. */
    readonly problem: Problem | undefined,
  ) {
    const said = problem === undefined ? "no problem document" : `${problem.title}: ${problem.detail}`;
    super(`${status}: ${said}`);
  }

  /** Read a refusal. */
  static async of(response: Response): Promise<PausewireProblem> {
    let problem: Problem | undefined;
    try {
      if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
        problem = (await response.json()) as Problem;
      }
    } catch {
      problem = undefined;
    }
    return new PausewireProblem(response.status, problem);
  }
}
