// Walks all users of a project, and writes them as `roster export` does.

import { pause } from "./budget.mjs";
import { valueCell } from "./cell_types.mjs";
import { FIXED, nameOf } from "./columns.mjs";
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

/** A table of users (maps, as `POST /v1/users` takes them): the header, then a row each. */
function* table(users) {
  const keys = { properties: new Set(), origin: new Set() };
  for (const user of users)
    for (const part of Object.keys(keys)) for (const key of user.get(part)?.keys() ?? []) keys[part].add(key);
  const fixed = FIXED.filter((name) => name !== "as_of" || users.some((user) => user.has("as_of")));
  const columns = Object.entries(keys).flatMap(([part, names]) => [...names].map((key) => ({ part, key })));
  yield [...fixed, ...columns.map(nameOf)];
  for (const user of users) {
    const value = ({ part, key }) => user.get(part)?.get(key);
    const cell = (column) => (value(column) === undefined ? "" : valueCell(value(column)));
    yield [...fixed.map((name) => user.get(name) ?? ""), ...columns.map(cell)];
  }
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
