// Who is signed in: an API key, the admin token, or both. Kept for this tab alone.

import { send } from "./api.mjs";
import { plain } from "./lossless.mjs";

const STORE = "roster-console";

/**
 * `about` is what `GET /v1/key` says; `list` is what lists of people show.
 * @typedef {{
 *   key?: { token: string, about: { name: string, project: string, scopes: string[] } },
 *   admin?: { token: string },
 *   list?: { names: string[], columns: string[] },
 * }} Session
 */
/** @import { Answer } from "./api.mjs" */

/** @returns {Session} */
export function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE) ?? "{}");
  } catch {
    return {};
  }
}

export function keep(session) {
  try {
    if (session.key || session.admin) sessionStorage.setItem(STORE, JSON.stringify(session));
    else sessionStorage.removeItem(STORE);
  } catch {
    // Without storage it lasts until the page is left.
  }
}

/**
 * Finds out what a token is: `{key}` or `{admin}` as in a session, or the answer that refuses it, which has an `error`.
 * @param {string} token
 * @returns {Promise<Session & Partial<Answer>>}
 */
export async function identify(token) {
  // No header can hold it, so it is neither.
  if (!/^[!-~]+$/.test(token)) return { status: 401, error: { code: "INVALID_API_KEY", message: "" } };
  return token.startsWith("ros_") ? identifyKey(token) : identifyAdmin(token);
}

async function identifyKey(token) {
  const answer = await send({ path: "/v1/key" }, token);
  return answer.error ? answer : { key: { token, about: plain(answer.tree.get("key")) } };
}

async function identifyAdmin(token) {
  const answer = await send({ path: "/v1/projects" }, token);
  return answer.error ? answer : { admin: { token } };
}
