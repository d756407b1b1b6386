// Where the columns of a file go, each to one place in a user, to several or to none: as the tool `roster` has it.

import PRESETS from "./presets.json" with { type: "json" };

/** @import { CellType } from "./cell_types.mjs" */

/** A place in a user; a part without a key that has members takes all of an object. @typedef {{ part: string, key?: string }} Place */
/** @typedef {{ name: string, places: Place[], type?: CellType, isOwn: boolean }} Column */
/**
 * An export of another product.
 * @typedef {{
 *   name: string,
 *   header: string[],
 *   columns: Record<string, string[]>,
 *   spread?: string[],
 *   apostrophes?: boolean,
 *   only?: Record<string, string>,
 * }} Preset
 */

/** The columns before those of the file in a table of refused rows. */
export const REFUSED_COLUMNS = ["refused_line", "refused_reason"];

export const FIXED = ["user_id", "email", "phone", "as_of"];
const WITH_MEMBERS = ["properties", "origin"];
/** Of a part that begins so, what is set where nothing is. */
export const ONCE = "set_once.";
const ONCE_FIXED = [`${ONCE}email`, `${ONCE}phone`];
/** Parts whose places have a key. */
export const WITH_KEYS = [...WITH_MEMBERS, ...WITH_MEMBERS.map((part) => ONCE + part)];
/** Members of a body of JSON beside the columns of a table. */
const WHOLE = [...WITH_MEMBERS, "set_once"];

/**
 * The place that one of Roster's own names says; `isJson` of a member of a JSON object.
 * @param {string} name
 * @param {boolean} [isJson]
 * @returns {Place | undefined}
 */
export function placeOf(name, isJson = false) {
  if (FIXED.includes(name) || ONCE_FIXED.includes(name) || (isJson && WHOLE.includes(name))) return { part: name };
  const part = WITH_KEYS.find((part) => name.startsWith(`${part}.`));
  const key = part && name.slice(part.length + 1);
  return key ? { part, key } : undefined;
}

/** @param {Place} place */
export const nameOf = ({ part, key }) => (key === undefined ? part : `${part}.${key}`);

/**
 * The product whose export has these columns.
 * @param {string[]} names
 * @returns {Preset | undefined}
 */
export const presetOf = (names) =>
  /** @type {any[]} */ (PRESETS.presets).find(({ header }) => header.every((name) => names.includes(name)));

function alias(name) {
  const letters = name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const found = Object.entries(PRESETS.aliases).find(([, aliases]) => aliases.includes(letters));
  return found && { part: found[0] };
}

/**
 * Guesses where columns of these names go, but for those whose `chosen` places are known. Of two that mean one place the
 * surer name has it, then the first; the other becomes a property.
 * @param {string[]} names
 * @param {{ isJson?: boolean, chosen?: Map<string, Place[]> }} [about]
 * @returns {{ columns: Column[], preset?: Preset }}
 */
export function plan(names, { isJson = false, chosen = new Map() } = {}) {
  const preset = presetOf(names);
  const isReason = (name) => !isJson && REFUSED_COLUMNS.includes(name);
  /** @type {(name: string) => Place[] | undefined} */
  const sure = (name) => {
    if (chosen.has(name)) return chosen.get(name);
    const own = placeOf(name, isJson);
    if (isReason(name) || preset?.spread?.includes(name)) return [];
    return own ? [own] : preset?.columns[name]?.flatMap((place) => placeOf(place) ?? []);
  };
  const taken = new Set(names.flatMap((name) => sure(name) ?? []).map(nameOf));
  const guess = (name) => {
    const place = alias(name);
    if (place && !taken.has(place.part)) {
      taken.add(place.part);
      return [place];
    }
    return name.trim() ? [{ part: "properties", key: name.trim() }] : [];
  };
  const columns = names.map((name) => ({
    name,
    places: sure(name) ?? guess(name),
    isOwn: isReason(name) || placeOf(name, isJson) !== undefined,
  }));
  if (columns.some(({ isOwn }) => !isOwn)) knowByEmail(columns);
  return { columns, preset };
}

/** An export of people without ids knows them by their e-mails. */
function knowByEmail(columns) {
  const goesTo = (part) => (column) => column.places.some((place) => place.part === part);
  if (columns.some(goesTo("user_id"))) return;
  columns.find(goesTo("email"))?.places.unshift({ part: "user_id" });
}

/**
 * Why users can't be made of these columns; undefined if they can.
 * @param {Column[]} columns
 */
export function problem(columns) {
  const places = columns.flatMap(({ places }) => places);
  if (!places.some(({ part }) => part === "user_id"))
    return 'There is no column "user_id": choose the one that is the user id.';
  if (places.some(({ part, key }) => WITH_KEYS.includes(part) && key === "")) return "A property needs a name.";
  const names = places.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice && `Two columns go to ${twice}: skip one of them, or give it another name.`;
}

/** How many columns of a table of refused rows say why. */
export function reasonColumns(names) {
  const own = names.findIndex((name) => !REFUSED_COLUMNS.includes(name));
  return Math.max(own, 0);
}
