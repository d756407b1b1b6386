// Webhooks, as the API has them and as people read them.

import { NotJson, parse, stringify } from "./lossless.mjs";
import { count, number, span } from "./text.mjs";

/**
 * @typedef {{
 *   webhook_id: string,
 *   project: string,
 *   url: string,
 *   events: string[],
 *   where: object | null,
 *   batch: number,
 *   state: "active" | "retrying" | "paused" | "disabled",
 *   behind: number | null,
 *   retrying: { users: number, since: string, attempts: number, status: number | null, error: string | null, next_at: string } | null,
 *   disabled: { reason: string, at: string } | null,
 *   given_up: number,
 *   created_at: string,
 * }} Webhook
 */

const ADMIN = { as: "admin" };
const pathOf = (id, action = "") => `/v1/webhooks/${encodeURIComponent(id)}${action}`;

/** The calls. */
export const requests = {
  /** @param {string | undefined} project */
  list: (project) => ({ ...ADMIN, path: `/v1/webhooks${project ? `?project=${encodeURIComponent(project)}` : ""}` }),
  make: (body) => ({ ...ADMIN, method: "POST", path: "/v1/webhooks", body }),
  pause: (id, paused) => ({ ...ADMIN, method: "PATCH", path: pathOf(id), body: JSON.stringify({ paused }) }),
  test: (id) => ({ ...ADMIN, method: "POST", path: pathOf(id, "/test") }),
  rotate: (id) => ({ ...ADMIN, method: "POST", path: pathOf(id, "/rotate") }),
  replay: (id, since) => ({ ...ADMIN, method: "POST", path: pathOf(id, "/replay"), body: JSON.stringify({ since }) }),
  remove: (id) => ({ ...ADMIN, method: "DELETE", path: pathOf(id) }),
};

/** What is wished for a new one. @typedef {{ project: string, url: string, events: string[], where: string, batch: string }} Wish */

/**
 * The body that makes a webhook, or why there is none, by field.
 * @param {Wish} wish
 * @returns {{ body?: string, problem: { url?: string, events?: string, where?: string, batch?: string } }}
 */
export function bodyOf({ project, url, events, where, batch }) {
  const filter = filterOf(where);
  const problem = {
    url: /^https?:\/\/./.test(url.trim()) ? undefined : "An address that begins with https://",
    events: events.length > 0 ? undefined : "Choose at least one: else there is nothing to send.",
    where: typeof filter === "string" ? filter : undefined,
    batch: /^([1-9]\d?|100)$/.test(batch) ? undefined : "A number from 1 to 100",
  };
  if (Object.values(problem).some(Boolean)) return { problem };
  const members = [
    `"project":${JSON.stringify(project.trim())}`,
    `"url":${JSON.stringify(url.trim())}`,
    ...(events.length < EVENTS.length ? [`"events":${JSON.stringify(events)}`] : []),
    ...(filter ? [`"where":${stringify(filter)}`] : []),
    ...(batch === "1" ? [] : [`"batch":${batch}`]),
  ];
  return { body: `{${members.join()}}`, problem };
}

/** Event, and when it is sent. */
export const EVENTS = [
  ["changed", "Who is created or changed"],
  ["deleted", "Who is deleted"],
];

/** A filter, undefined if there is none, or why it is none. */
function filterOf(text) {
  if (text.trim() === "") return undefined;
  try {
    const value = parse(text);
    return value instanceof Map ? value : 'A filter is an object, such as {"field": "properties.plan", "eq": "pro"}';
  } catch (error) {
    if (error instanceof NotJson) return `Not JSON: ${error.message}`;
    throw error;
  }
}

/** @param {Webhook} webhook */
export const lag = ({ behind }) => (behind === null ? "All is delivered" : `${span(behind)} behind`);

/** Why it does not deliver as it should; undefined if it does. @param {Webhook} webhook */
export function trouble({ retrying, disabled, given_up: givenUp }) {
  const parts = [];
  if (disabled) {
    parts.push(
      disabled.reason === "gone"
        ? "Disabled: the receiver answered 410, which says that it is gone."
        : "Disabled: all tries of a message failed, and nothing else was delivered meanwhile.",
    );
  }
  if (retrying) {
    const last = retrying.status === null ? retrying.error : `the last answer was ${retrying.status}`;
    parts.push(
      `${count(retrying.users, "user")} held back after ${count(retrying.attempts, "try").replace("trys", "tries")}: ${last}.`,
    );
  }
  if (givenUp > 0) parts.push(`${number(givenUp)} given up after all tries.`);
  return parts.length > 0 ? parts.join(" ") : undefined;
}
