// Questions about all people: a filter of rows of a form, and walks to the end.

import { pause } from "./budget.mjs";
import { cellValue } from "./cell_types.mjs";
import { patiently } from "./importing.mjs";
import { Digits, stringify } from "./lossless.mjs";

/** @import { Answer } from "./api.mjs" */

/** @typedef {{ field: string, operator: string, value: string }} Row */

/**
 * The operators, as people read them; those without a value say what it is.
 * @type {Record<string, { label: string, value?: true | false, text?: true }>}
 */
export const OPERATORS = {
  eq: { label: "is" },
  ne: { label: "is another than" },
  "exists:true": { label: "is there", value: true },
  "exists:false": { label: "is not there", value: false },
  gt: { label: "is above" },
  gte: { label: "is at least" },
  lt: { label: "is below" },
  lte: { label: "is at most" },
  since: { label: "is since (date)", text: true },
  before: { label: "is before (date)", text: true },
  starts_with: { label: "starts with", text: true },
  contains: { label: "contains", text: true },
  has: { label: "has the element" },
};

/** The fields that everybody has or may have. */
export const FIELDS = ["user_id", "email", "phone", "created_at", "updated_at"];

/** The filter that rows make: all of them must hold. Undefined: everybody. */
export function filterOf(rows) {
  const conditions = rows.filter(({ field }) => field).map(condition);
  if (conditions.length === 0) return undefined;
  return conditions.length === 1 ? conditions[0] : new Map([["all", conditions]]);
}

/** The value is read as a cell of a CSV file: `5` is a number, `"5"` and `premium` are strings. */
function condition({ field, operator, value }) {
  const [name] = operator.split(":");
  const { value: fixed, text } = OPERATORS[operator];
  return new Map([
    ["field", field],
    [name, fixed ?? (text ? value : (cellValue(value) ?? ""))],
  ]);
}

/** Rows as a text for an address, and back: what is no row is left out. */
export const rowsText = (rows) => JSON.stringify(rows.map(({ field, operator, value }) => [field, operator, value]));

/**
 * @param {string | null} text
 * @returns {Row[]}
 */
export function rowsOf(text) {
  let rows;
  try {
    rows = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  const isRow = (row) =>
    Array.isArray(row) &&
    row.length === 3 &&
    row.every((part) => typeof part === "string") &&
    Object.hasOwn(OPERATORS, row[1]);
  return Array.isArray(rows) ? rows.filter(isRow).map(([field, operator, value]) => ({ field, operator, value })) : [];
}

/** Why rows can't be asked; undefined if they can. */
export function problem(rows) {
  const isUnfinished = ({ field, operator, value }) =>
    Boolean(field) && OPERATORS[operator].value === undefined && value === "";
  return rows.some(isUnfinished) ? "A condition needs a value. For an empty text, write two double quotes." : undefined;
}

/** The body of a question. */
const bodyOf = (members) => {
  const said = Object.entries(members).filter(([, value]) => value !== undefined);
  const json = (value) => (typeof value === "number" ? new Digits(String(value)) : value);
  return stringify(new Map(said.map(([name, value]) => [name, json(value)])));
};

/** The call that asks. */
export const question = (path, members) => ({ as: "key", method: "POST", path, body: bodyOf(members) });

/**
 * Asks until the walk is at its end, and leaves a fifth of the limit to others.
 * @param {{
 *   ask: (cursor: string | undefined) => Promise<Answer>,
 *   wait: (seconds: number) => Promise<unknown>,
 *   onAnswer: (tree: Map<string, any>) => void,
 *   from?: string,
 *   isEnough?: () => boolean,
 * }} port `from` is the cursor to go on at
 * @returns {Promise<Answer | undefined>} the answer that ended it early
 */
export async function walk({ ask, wait, onAnswer, from, isEnough = () => false }) {
  let cursor = from;
  do {
    const answer = await patiently(() => ask(cursor), wait);
    if (answer.status !== 200) return answer;
    onAnswer(answer.tree);
    cursor = isEnough() ? undefined : (answer.tree.get("pagination").get("next_cursor") ?? undefined);
    const seconds = pause(answer.budget);
    if (cursor && seconds > 0) await wait(seconds);
  } while (cursor);
  return undefined;
}

/** Adds the groups of an answer to those that are known: by value as JSON. */
export function addGroups(known, groups) {
  for (const group of groups) {
    const name = group.get("other") ? "other" : stringify(group.get("value"));
    known.set(name, (known.get(name) ?? 0) + Number(group.get("count")));
  }
  return known;
}

/** Groups with the most people first. */
export const sorted = (groups) => [...groups].sort(([, a], [, b]) => b - a);

/** A group's value as people read it. */
export function groupLabel(name) {
  if (name === "other") return "objects, lists and long texts";
  return name === "null" ? "none" : name;
}

/** Adds the names of an answer to those that are known. */
export function addProperties(known, properties) {
  for (const property of properties) {
    const field = property.get("field");
    const entry = known.get(field) ?? { field, users: 0, types: new Map() };
    entry.users += Number(property.get("users"));
    for (const [type, count] of property.get("types"))
      entry.types.set(type, (entry.types.get(type) ?? 0) + Number(count));
    known.set(field, entry);
  }
  return known;
}

/** Names that differ from this one by case and punctuation alone. */
export function twins(field, fields) {
  const own = letters(field);
  return own ? fields.filter((other) => other !== field && letters(other) === own) : [];
}

function letters(field) {
  const [section, ...key] = field.split(".");
  const text = key
    .join(".")
    .replace(/[^\p{L}\p{N}]/gu, "")
    .toLowerCase();
  return text && `${section}.${text}`;
}
