// Walks all users of a project, and writes them as `roster export` does.

import { pause } from "./budget.mjs";
import { table } from "./columns.mjs";
import { writeRow } from "./csv.mjs";
import { patiently } from "./importing.mjs";
import { stringify } from "./lossless.mjs";

/** @import { Answer } from "./api.mjs" */

const PAGE = 100;

export const pagePath = (cursor, limit = PAGE) =>
  `/v1/users?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;

/** A stored user as an import takes it. */
export function importable(user, withAsOf) {
  /** @type {[string, any][]} */
  const members = [["user_id", user.get("external_id")]];
  if (withAsOf) members.push(["as_of", user.get("updated_at")]);
  for (const name of ["email", "phone"]) if (user.get(name) !== null) members.push([name, user.get(name)]);
  return new Map([...members, ["properties", user.get("properties")], ["origin", user.get("origin")]]);
}

/**
 * Reads all pages, and leaves a fifth of the limit to others.
 * @param {{
 *   read: (path: string) => Promise<Answer>,
 *   wait: (seconds: number) => Promise<unknown>,
 *   onProgress: (users: number) => void,
 *   withAsOf?: boolean,
 * }} port
 * @returns {Promise<{ users: Map<string, any>[], failed?: undefined } | { failed: Answer }>} `failed` ended it early
 */
export async function readAll({ read, wait, onProgress, withAsOf = false }) {
  /** @type {Map<string, any>[]} */
  const users = [];
  let cursor;
  do {
    const answer = await patiently(() => read(pagePath(cursor)), wait);
    if (answer.status !== 200) return { failed: answer };
    for (const user of answer.tree.get("users")) users.push(importable(user, withAsOf));
    cursor = answer.tree.get("pagination").get("next_cursor");
    onProgress(users.length);
    const seconds = pause(answer.budget);
    if (cursor && seconds > 0) await wait(seconds);
  } while (cursor);
  return { users };
}

/** The parts of the file. */
export const ndjsonParts = (users) => users.map((user) => `${stringify(user)}\n`);
export const csvParts = (users) => Array.from(table(users), writeRow);

/**
 * A table for people: with the byte order mark without which spreadsheets take it for an older encoding, and an
 * apostrophe before what they would calculate (OWASP, "CSV Injection"). Not for import.
 */
export function* spreadsheetParts(users) {
  yield "\uFEFF";
  for (const cells of table(users))
    yield writeRow(cells.map((cell) => (/^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell)));
}
