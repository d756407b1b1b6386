// What the columns of a table hold, and the JSON of its rows: as the tool `roster` reads and writes them.

import { NotJson, parse, stringify, Unheld } from "./lossless.mjs";

/** The columns before those of the file in a table of refused rows. */
export const REFUSED_COLUMNS = ["refused_line", "refused_reason"];

const FIXED = ["user_id", "email", "phone", "as_of"];
/** @type {[part: string, pattern: RegExp][]} */
const ALIASES = [
  ["user_id", /^(user[ _-]?id|id|uid|external[ _-]?id)$/i],
  ["email", /^(e-?mail)([ _-]?address)?$/i],
  ["phone", /^(phone|mobile|telephone)([ _-]?number)?$/i],
];

/** Where a column of this name goes, if nobody says otherwise: `{part, key}`. */
export function guess(name) {
  if (FIXED.includes(name)) return { part: name };
  if (REFUSED_COLUMNS.includes(name)) return { part: "skip" };
  const [part, ...rest] = name.split(".");
  if ((part === "properties" || part === "origin") && rest.join(".")) return { part, key: rest.join(".") };
  const alias = ALIASES.find(([, pattern]) => pattern.test(name.trim()));
  if (alias) return { part: alias[0] };
  return name.trim() ? { part: "properties", key: name.trim() } : { part: "skip" };
}

/**
 * Guesses all columns. Of two with the same place the exact name wins, then the first; the other becomes a property.
 */
export function guessAll(names) {
  const taken = new Set(names.filter((name) => FIXED.includes(name)));
  return names.map((name) => {
    const target = guess(name);
    if (!FIXED.includes(target.part) || name === target.part) return target;
    if (taken.has(target.part)) return { part: "properties", key: name.trim() };
    taken.add(target.part);
    return target;
  });
}

const placeOf = ({ part, key }) => (key === undefined ? part : `${part}.${key}`);

/** Why rows can't be sent with this mapping; undefined if they can. */
export function problem(targets) {
  const used = targets.filter(({ part }) => part !== "skip");
  if (!used.some(({ part }) => part === "user_id")) return "No column is the user id: choose the one that is.";
  if (used.some(({ part, key }) => !FIXED.includes(part) && !key)) return "A property needs a name.";
  const places = used.map(placeOf);
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  return twice && `Two columns go to ${twice}: skip one of them, or give it another name.`;
}

/**
 * What to do with cells that a spreadsheet or an export has changed.
 * @typedef {"strip-apostrophes" | "allow-apostrophes" | "allow-scientific"} Choice
 */

/** A number as a spreadsheet shows a large one. */
const SCIENTIFIC = /^\d(?:[.,]\d+)?[eE]\+\d{2,}$/;

/**
 * Why a row may not be what it was before a spreadsheet or an export had it.
 * @param {{ part: string }[]} targets
 * @param {string[]} cells
 * @param {Choice[]} choices
 * @returns {{ kind: "apostrophe" | "scientific", message: string } | undefined}
 */
export function doubt(targets, cells, choices) {
  for (const [i, { part }] of targets.entries()) {
    const cell = cells[i];
    const isText = part === "user_id" || part === "email" || part === "phone";
    if (isText && cell.startsWith("'") && !choices.includes("allow-apostrophes"))
      return {
        kind: "apostrophe",
        message:
          `The ${part} begins with an apostrophe, which some exports write before a text: ` +
          "strip apostrophes, or allow them",
      };
    if (part === "user_id" && SCIENTIFIC.test(cell) && !choices.includes("allow-scientific"))
      return {
        kind: "scientific",
        message:
          `The user_id ${cell} is a number that a spreadsheet has shortened, and others may look the same: ` +
          "correct it, or allow such ids",
      };
  }
  return undefined;
}

/** The JSON of one user. An empty cell leaves its field alone. */
export function rowJson(targets, cells) {
  const [user, properties, origin] = [new Map(), new Map(), new Map()];
  targets.forEach(({ part, key }, i) => {
    const cell = cells[i];
    if (cell === "" || part === "skip") return;
    if (part === "properties") properties.set(key, cellValue(cell));
    else if (part === "origin") origin.set(key, cellValue(cell));
    // Neither an e-mail nor a phone can be the word null.
    else user.set(part, cell === "null" && (part === "email" || part === "phone") ? null : cell);
  });
  if (properties.size > 0) user.set("properties", properties);
  if (origin.size > 0) user.set("origin", origin);
  return stringify(user);
}

/** A cell that is JSON stands for it, digit for digit; any other text is a string. */
export function cellValue(cell) {
  try {
    return parse(cell);
  } catch (error) {
    if (error instanceof Unheld || !(error instanceof NotJson)) throw error;
    return cell;
  }
}

/** The cell of a value. */
export function valueCell(value) {
  return typeof value === "string" && value !== "" && !isJson(value) ? value : stringify(value);
}

function isJson(text) {
  try {
    return cellValue(text) !== text;
  } catch {
    return true;
  }
}

/** A table of users (maps, as `POST /v1/users` takes them): the header, then a row each. */
export function* table(users) {
  const keys = { properties: new Set(), origin: new Set() };
  for (const user of users)
    for (const part of Object.keys(keys)) for (const key of user.get(part)?.keys() ?? []) keys[part].add(key);
  const fixed = FIXED.filter((name) => name !== "as_of" || users.some((user) => user.has("as_of")));
  const columns = Object.entries(keys).flatMap(([part, names]) => [...names].map((key) => ({ part, key })));
  yield [...fixed, ...columns.map(placeOf)];
  for (const user of users) {
    const value = ({ part, key }) => user.get(part)?.get(key);
    const cell = (column) => (value(column) === undefined ? "" : valueCell(value(column)));
    yield [...fixed.map((name) => user.get(name) ?? ""), ...columns.map(cell)];
  }
}
