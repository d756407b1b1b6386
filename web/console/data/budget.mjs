// The project's rate limit, as an answer reports it, and how an export shares it with the app: as the tool's does.

/** An export leaves this part of the limit to others: one in five. */
const RESERVED_PART = 5;
/** While less than that is left, it uses this part of the limit in a window: one in twenty. */
const SPARING_PART = 20;

/**
 * @typedef {{ limit: number, remaining: number, window_seconds: number, full_in_seconds: number }} Budget
 */

/**
 * The budget in `X-RateLimit-*` and in the headers of draft-ietf-httpapi-ratelimit-headers-11; undefined without them.
 * @param {Headers} headers
 * @returns {Budget | undefined}
 */
export function budgetOf(headers) {
  const number = (name, pattern) => Number(pattern.exec(headers.get(name) ?? "")?.[1] ?? Number.NaN);
  const budget = {
    limit: number("X-RateLimit-Limit", /^(\d+)$/),
    remaining: number("X-RateLimit-Remaining", /^(\d+)$/),
    window_seconds: number("RateLimit-Policy", /;\s*w=(\d+)/),
    full_in_seconds: number("RateLimit", /;\s*t=(\d+)/),
  };
  return Object.values(budget).some(Number.isNaN) ? undefined : budget;
}

/**
 * The seconds to pause before the next call. None while a fifth of the limit is left. Otherwise as many as use a
 * twentieth of the limit in a window, but never longer than until the whole limit is free.
 * @param {Budget | undefined} budget
 */
export function pause(budget) {
  if (!budget || budget.remaining * RESERVED_PART >= budget.limit) return 0;
  return Math.min(sparingInterval(budget), budget.full_in_seconds);
}

/**
 * The seconds between two calls that use a twentieth of the limit in a window; 0 if nothing is known of it.
 * @param {Budget | undefined} budget
 */
export const sparingInterval = (budget) =>
  budget ? (budget.window_seconds * SPARING_PART) / Math.max(budget.limit, 1) : 0;
