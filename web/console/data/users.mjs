// One user of a file: made of its columns, and of what is chosen for phones and apostrophes.

import { typedValue, WrongType } from "./cell_types.mjs";
import { ONCE } from "./columns.mjs";
import { Digits } from "./lossless.mjs";
import { isPhone, KEPT_AS, tidyPhone } from "./phones.mjs";

/** @import { Column, Place, Preset } from "./columns.mjs" */

/**
 * What to do with cells that a spreadsheet or an export has changed, and with phones.
 * @typedef {{
 *   apostrophes?: "strip" | "allow",
 *   scientific?: "allow",
 *   phones?: import("./phones.mjs").PhoneChoice,
 *   countryCode?: string,
 * }} Choices
 */

/** A row that may not be what it was; `kind` says which choice decides. */
export class Doubt extends Error {
  /**
   * @param {"apostrophe" | "scientific" | "type"} kind
   * @param {string} message
   */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** A number as a spreadsheet shows a large one. */
const SCIENTIFIC = /^\d(?:[.,]\d+)?[eE]\+\d{2,}$/;

/**
 * Where a phone goes, and as what.
 * @param {string} text
 * @param {Choices} choices
 * @param {boolean} [isKeptTaken] whether the property that keeps it has another value
 * @returns {{ place: Place, value: string }}
 */
export function placedPhone(text, { phones = "refuse", countryCode }, isKeptTaken) {
  const phone = { part: "phone" };
  if (phones === "refuse" || isPhone(text)) return { place: phone, value: text };
  const tidied = tidyPhone(text, countryCode);
  if (tidied || phones === "tidy" || isKeptTaken) return { place: phone, value: tidied ?? text };
  return { place: { part: "properties", key: KEPT_AS }, value: text };
}

/** Builds users: `set(place, value)`, then `finish()`. */
class User {
  /** @type {Map<string, any>} */
  user = new Map();
  /** @type {User | undefined} */
  setOnce;
  /** @type {Record<string, Map<string, any>>} */
  parts = { properties: new Map(), origin: new Map() };

  /** @param {Choices & { isKeptTaken?: boolean, seePhone?: (phone: string) => void }} choices */
  constructor(choices) {
    this.choices = choices;
  }

  /** What is set where nothing is. */
  get once() {
    this.setOnce ??= new User(this.choices);
    return this.setOnce;
  }

  /**
   * @param {Place} place
   * @param {any} value
   */
  set({ part, key }, value) {
    if (key !== undefined) this.parts[part].set(key, value);
    else this.user.set(part, value);
  }

  setPhone(text) {
    const { seePhone, isKeptTaken } = this.choices;
    seePhone?.(text);
    const { place, value } = placedPhone(text, this.choices, isKeptTaken);
    this.set(place, value);
  }

  finish() {
    for (const [part, members] of Object.entries(this.parts)) if (members.size > 0) this.user.set(part, members);
    if (this.setOnce) this.user.set("set_once", this.setOnce.finish());
    return this.user;
  }
}

/** Whether the property that keeps a phone has a column of its own. @param {Column[]} columns */
const isKeptTaken = (columns) =>
  columns.some(({ places }) => places.some(({ part, key }) => part === "properties" && key === KEPT_AS));

const isOnce = ({ part }) => part.startsWith(ONCE);
/** @type {(place: Place) => Place} */
const behindOnce = ({ part, key }) => ({ part: part.slice(ONCE.length), key });

const isText = (place) =>
  isOnce(place) ? isText(behindOnce(place)) : ["user_id", "email", "phone"].includes(place.part);

/**
 * Makes users of the cells of rows. An empty cell leaves its field alone.
 * @param {Column[]} columns
 * @param {Choices} choices
 * @param {(phone: string) => void} [seePhone]
 */
export function rowReader(columns, choices, seePhone) {
  const about = { ...choices, seePhone, isKeptTaken: isKeptTaken(columns) };
  const used = columns.map((column, i) => ({ ...column, i, text: column.places.find(isText) }));
  const placed = used.filter(({ places }) => places.length > 0);
  /** @param {string[]} cells */
  return (cells) => {
    const user = new User(about);
    for (const column of placed) {
      const cell = stripped(cells[column.i], choices);
      if (cell === "") continue;
      if (column.text) check(column.text, cell, choices);
      for (const place of column.places) setCell(user, place, cell, column);
    }
    return user.finish();
  };
}

/**
 * @param {string} cell
 * @param {Choices} choices
 */
export const stripped = (cell, { apostrophes }) =>
  apostrophes === "strip" && cell.startsWith("'") ? cell.slice(1) : cell;

/**
 * Throws if a cell is not what it was before a spreadsheet or an export had it.
 * @param {Place} place
 * @param {string} cell
 * @param {Choices} choices
 */
function check({ part }, cell, { apostrophes, scientific }) {
  if (cell.startsWith("'") && apostrophes !== "allow")
    throw new Doubt(
      "apostrophe",
      `The ${part} begins with an apostrophe, which some exports write before a text: ` +
        "strip apostrophes, or allow them",
    );
  if (part === "user_id" && SCIENTIFIC.test(cell) && scientific !== "allow")
    throw new Doubt(
      "scientific",
      `The user_id ${cell} is a number that a spreadsheet has shortened, and others may look the same: ` +
        "correct it, or allow such ids",
    );
}

function setCell(user, place, cell, column) {
  if (isOnce(place)) return setCell(user.once, behindOnce(place), cell, column);
  if (place.key !== undefined) return user.set(place, typed(cell, column));
  // Neither an e-mail nor a phone can be the word null.
  if (cell === "null" && (place.part === "email" || place.part === "phone")) return user.set(place, null);
  return place.part === "phone" ? user.setPhone(cell) : user.set(place, cell);
}

/**
 * @param {string} cell
 * @param {Column} column
 */
function typed(cell, { name, type = "json", isOwn }) {
  try {
    return typedValue(cell, type, isOwn);
  } catch (error) {
    if (error instanceof WrongType) throw new Doubt("type", `The column ${JSON.stringify(name)}: ${error.message}`);
    throw error;
  }
}

/**
 * Makes users of JSON objects whose members have other names than Roster's.
 * @param {Column[]} columns
 * @param {Choices} choices
 * @param {(phone: string) => void} [seePhone]
 * @param {Preset} [preset]
 */
export function objectReader(columns, choices, seePhone, preset) {
  const about = { ...choices, seePhone, isKeptTaken: isKeptTaken(columns) };
  const placesOf = new Map(columns.map(({ name, places }) => [name, places]));
  /** @param {Map<string, any>} object */
  return (object) => {
    for (const [name, expected] of Object.entries(preset?.only ?? {}))
      if (object.get(name) !== expected) throw new Doubt("type", `No user: its ${name} is not "${expected}"`);
    const user = new User(about);
    for (const [name, value] of spread(object, preset?.spread))
      for (const place of placesOf.get(name) ?? []) setValue(user, place, value);
    return user.finish();
  };
}

function setValue(user, place, value) {
  const { part, key } = place;
  if (isOnce(place)) {
    // It would lock nothing.
    if (value !== null) setValue(user.once, behindOnce(place), value);
  } else if (part === "set_once" && value instanceof Map) {
    for (const [name, inner] of value) setValue(user.once, { part: name }, inner);
  } else if (key === undefined && (part === "properties" || part === "origin") && value instanceof Map) {
    for (const [name, inner] of value) user.set({ part, key: name }, inner);
  } else if (part === "phone" && typeof value === "string" && value !== "") user.setPhone(value);
  // An export writes so what is not there.
  else if (["email", "phone", "as_of"].includes(part) && (value === null || value === "")) return;
  else user.set(place, part === "user_id" && value instanceof Digits ? value.text : value);
}

/**
 * The members of an object, and in place of these those inside of them: an object's own, or a list's of Name and Value.
 * @param {Map<string, any>} object
 * @param {string[]} [names]
 * @returns {[name: string, value: any][]}
 */
export function spread(object, names = []) {
  return [...object].flatMap(([name, value]) => {
    if (!names.includes(name)) return [/** @type {[string, any]} */ ([name, value])];
    if (value instanceof Map) return [...value];
    const pairs = Array.isArray(value) ? value.filter((pair) => pair instanceof Map && pair.has("Value")) : [];
    return pairs.map((pair) => /** @type {[string, any]} */ ([pair.get("Name"), pair.get("Value")]));
  });
}
