// Walks all users of a project, and writes them as `roster export` does.

import { question, walk } from "./asking.mjs";
import { valueCell } from "./cell_types.mjs";
import { nameOf, placeOf } from "./columns.mjs";
import { writeRow } from "./csv.mjs";
import { stringify } from "./lossless.mjs";

/** @import { Answer } from "./api.mjs" */

/** People a call. */
const PAGE = 1000;

/** A page of the people whom a filter means, or of all. */
export const pageRequest = (cursor, filter) => question("/v1/users/query", { where: filter, limit: PAGE, cursor });

/** A page of the list. */
export const pagePath = (cursor, limit) =>
  `/v1/users?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;

const TIMES = ["created_at", "updated_at"];
const SECTIONS = ["properties", "origin"];

/** A part of a user, by its name; undefined if there is none. @param {string} name */
const partOf = (name) =>
  TIMES.includes(name) ? { part: name } : /^set_once\b/.test(name) ? undefined : placeOf(name, true);

/**
 * The parts of a user that an export has, in their order. Without names all that an import takes; for spreadsheets, which
 * are not for import, the times too.
 * @param {{ columns?: string[], withAsOf?: boolean, isForSpreadsheets?: boolean }} chosen
 */
export function selection({ columns = [], withAsOf = false, isForSpreadsheets = false }) {
  if (columns.length > 0) return columns.flatMap((name) => partOf(name) ?? []);
  const names = ["user_id", "email", "phone", ...(withAsOf ? ["as_of"] : []), ...(isForSpreadsheets ? TIMES : [])];
  return [...names, ...SECTIONS].map((part) => ({ part }));
}

/**
 * Why there is no such selection; undefined if there is.
 * @param {string[]} columns
 */
export function selectionProblem(columns) {
  const unknown = columns.find((name) => !partOf(name));
  if (unknown !== undefined) return `There is no ${JSON.stringify(unknown)}.`;
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  return twice && `${JSON.stringify(twice)} stands twice.`;
}

/** What is selected of a stored user. */
export function exported(user, parts) {
  const has = (part) => parts.some((one) => one.part === part && one.key === undefined);
  /** @type {Map<string, any>} */
  const members = new Map();
  if (has("user_id")) members.set("user_id", user.get("external_id"));
  if (has("as_of")) members.set("as_of", user.get("updated_at"));
  for (const name of ["email", "phone"]) if (has(name) && user.get(name) !== null) members.set(name, user.get(name));
  for (const name of TIMES) if (has(name)) members.set(name, user.get(name));
  for (const section of SECTIONS) {
    const keys = new Set(parts.filter(({ part, key }) => part === section && key !== undefined).map(({ key }) => key));
    if (has(section)) members.set(section, user.get(section));
    else if (keys.size > 0) members.set(section, new Map([...user.get(section)].filter(([key]) => keys.has(key))));
  }
  return members;
}

/** @import { Request } from "./api.mjs" */

/**
 * Reads all pages, and leaves a fifth of the limit to others.
 * @param {{
 *   read: (request: Request) => Promise<Answer>,
 *   wait: (seconds: number) => Promise<unknown>,
 *   onProgress: (users: number) => void,
 *   parts?: import("./columns.mjs").Place[],
 *   filter?: Map<string, any>,
 * }} port `parts` are what is kept of each
 * @returns {Promise<{ users: Map<string, any>[], failed?: undefined } | { failed: Answer }>} `failed` ended it early
 */
export async function readAll({ read, wait, onProgress, parts = selection({}), filter }) {
  /** @type {Map<string, any>[]} */
  const users = [];
  const failed = await walk({
    ask: (cursor) => read(pageRequest(cursor, filter)),
    wait,
    onAnswer: (tree) => {
      for (const user of tree.get("users")) users.push(exported(user, parts));
      onProgress(users.length);
    },
  });
  return failed ? { failed } : { users };
}

/** A table of users, of whom these parts are kept: the header, then a row each. */
function* table(users, parts) {
  const keys = { properties: new Set(), origin: new Set() };
  for (const user of users)
    for (const part of SECTIONS) for (const key of user.get(part)?.keys() ?? []) keys[part].add(key);
  const columns = parts.flatMap((place) =>
    SECTIONS.includes(place.part) && place.key === undefined
      ? [...keys[place.part]].map((key) => ({ part: place.part, key }))
      : [place],
  );
  yield columns.map(nameOf);
  for (const user of users) {
    const cell = ({ part, key }) => {
      if (key === undefined) return user.get(part) ?? "";
      const value = user.get(part)?.get(key);
      return value === undefined ? "" : valueCell(value);
    };
    yield columns.map(cell);
  }
}

/** The parts of the file. */
export const ndjsonParts = (users) => users.map((user) => `${stringify(user)}\n`);
export const csvParts = (users, parts = selection({})) => Array.from(table(users, parts), writeRow);

/**
 * A table for people: with the byte order mark without which spreadsheets take it for an older encoding, and an
 * apostrophe before what they would calculate (OWASP, "CSV Injection"). Not for import.
 */
export function* spreadsheetParts(users, parts = selection({ isForSpreadsheets: true })) {
  yield "\uFEFF";
  for (const cells of table(users, parts))
    yield writeRow(cells.map((cell) => (/^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell)));
}
