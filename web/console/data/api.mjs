// One call of the API.

import { budgetOf } from "./budget.mjs";
import { NotJson, parse, plain } from "./lossless.mjs";

/**
 * What is asked of the API; `as` says whose token is sent.
 * @typedef {{
 *   as?: string,
 *   method?: string,
 *   path: string,
 *   headers?: Record<string, string>,
 *   body?: string,
 * }} Request
 */
/**
 * What the API answers: `tree` is the body, `error` is there unless the status is 2xx, `now_ms` is the server's time.
 * Status 0 means that nothing was answered.
 * @typedef {{
 *   status: number,
 *   tree?: any,
 *   error?: { code: string, message: string, details?: any },
 *   retryAfter?: number,
 *   budget?: import("./budget.mjs").Budget,
 *   now_ms?: number,
 *   etag?: string,
 *   requestId?: string,
 * }} Answer
 */

/**
 * Sends a request. An abort rejects.
 * @param {Request} request
 * @param {string} token
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function send({ method = "GET", path, headers = {}, body }, token, signal) {
  let response, text;
  try {
    const authorization = { Authorization: `Bearer ${token}` };
    response = await fetch(path, {
      method,
      headers: { ...headers, ...authorization },
      body,
      signal,
      cache: "no-store",
      credentials: "omit",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    return {
      status: 0,
      error: { code: "UNREACHABLE", message: "There was no answer. Nothing is known of what became of the call." },
    };
  }
  const header = (name) => response.headers.get(name) ?? undefined;
  const retryAfter = header("Retry-After") ? Number(header("Retry-After")) : undefined;
  const tree = parsed(text);
  const error = response.ok && tree !== undefined ? undefined : faultOf(tree, response);
  const now_ms = Date.parse(header("Date") ?? "") || Date.now();
  return {
    status: response.status,
    tree,
    error,
    retryAfter,
    budget: budgetOf(response.headers),
    now_ms,
    etag: header("ETag"),
    requestId: header("X-Request-Id"),
  };
}

function parsed(text) {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

function faultOf(tree, response) {
  const { code, message, details } = tree instanceof Map ? plain(tree) : {};
  return {
    code: code ?? "UNREADABLE",
    message: message ?? `The answer was ${response.status}, and not one of Roster.`,
    details,
  };
}

export const userPath = (id) => `/v1/users/${encodeURIComponent(id.toWellFormed())}`;
export const projectPath = (name) => `/v1/projects/${encodeURIComponent(name.toWellFormed())}`;
