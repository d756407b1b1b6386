// The latest changes of a project, as they come.

import { pause, sparingInterval } from "./budget.mjs";

/** @import { Answer } from "./api.mjs" */

/** Changes that are kept: no reader scrolls further, and each is a row of the page. */
export const MOST_CHANGES = 300;
/** Seconds between two looks, at least. */
const SHORTEST_REST = 3;
const PAGE = 100;

/**
 * A change, as the view shows it: `number` counts all that came, so that no two have the same.
 * @typedef {{ number: number, what: "created" | "changed" | "deleted", id: string, email: string | null, at: string }} Change
 */

/** @param {string | undefined} cursor that of the page before; without one it begins now */
export const changesPath = (cursor) =>
  `/v1/changes?limit=${PAGE}&${cursor ? `cursor=${encodeURIComponent(cursor)}` : "from=now"}`;

/** @returns {Omit<Change, "number">} */
function shown(change) {
  const id = change.get("external_id");
  const user = change.get("user");
  if (!user) return { what: "deleted", id, email: null, at: change.get("deleted_at") };
  const [made, at] = [user.get("created_at"), user.get("updated_at")];
  return { what: made === at ? "created" : "changed", id, email: user.get("email"), at };
}

/**
 * The changes with those of a page before them: the newest first.
 * @param {Change[]} before
 * @param {Map<string, any>[]} page
 * @returns {Change[]}
 */
export function withPage(before, page) {
  const first = (before[0]?.number ?? 0) + 1;
  const news = page.map((change, i) => ({ ...shown(change), number: first + i }));
  return [...news.reverse(), ...before].slice(0, MOST_CHANGES);
}

/**
 * The seconds until the next look. Undefined if there is none, since what failed so will fail again.
 * @param {Answer} answer
 */
export function rest({ status, tree, budget, retryAfter = 0 }) {
  if ([400, 401, 403, 404, 410].includes(status)) return undefined;
  const hasMore = status === 200 && tree.get("pagination").get("has_more");
  if (hasMore) return pause(budget);
  return Math.max(SHORTEST_REST, sparingInterval(budget), retryAfter);
}
