// Finding somebody by what a person types into one box: exactly, else by how names and e-mails begin.

import { userPath } from "./api.mjs";
import { isPhone, tidyPhone } from "./phones.mjs";
import { NAME_PAIRS } from "./profile.mjs";

/** @import { Request } from "./api.mjs" */

/** Roster's own id of a user: a ULID, and two check characters (src/id.rs). */
const OWN_ID = /^usr_([0-9a-hjkmnp-tv-z]{10})[0-9a-z]{18}$/;
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
/** How far a user's time of creation may be from the time in the id. */
const [EARLIER_MS, LATER_MS] = [1000, 60_000];
/** Digits of a phone without its country that make a search; fewer are in too many. */
const MIN_DIGITS = 6;

/**
 * The calls that find somebody by exactly this text: an id may look like anything.
 * @param {string} text
 * @returns {Request[]}
 */
export function exactRequests(text) {
  const listed = (name, value) => `/v1/users?${name}=${encodeURIComponent(value.toWellFormed())}`;
  const phone = isPhone(text) ? text : tidyPhone(text);
  const paths = [
    // What no path can name is no id.
    text !== "." && text !== ".." && userPath(text),
    text.includes("@") && listed("email", text),
    phone && listed("phone", phone),
  ];
  return paths.filter((path) => path !== false && path !== undefined).map((path) => ({ as: "key", path }));
}

/** A condition of a filter. */
const condition = (field, operator, value) =>
  new Map([
    ["field", field],
    [operator, value],
  ]);
const all = (...conditions) => new Map([["all", conditions]]);
const property = (key) => `properties.${key}`;

/**
 * What a walk looks for when nobody has exactly this: a filter, and who of those that it means is meant, if not all.
 * @param {string} text
 * @param {string[]} names the properties that a name is in; none: those that usually have one
 * @returns {{ where: Map<string, any>, isMeant?: (user: Map<string, any>) => boolean }}
 */
export function looseSearch(text, names) {
  const [, time] = OWN_ID.exec(text) ?? [];
  if (!time) return { where: new Map([["any", prefixes(text, names)]]) };
  const ms = [...time].reduce((sum, digit) => sum * 32 + DIGITS.indexOf(digit), 0);
  const at = (offset_ms) => new Date(ms + offset_ms).toISOString();
  return {
    where: all(condition("created_at", "since", at(-EARLIER_MS)), condition("created_at", "before", at(LATER_MS))),
    isMeant: (user) => user.get("user_id") === text,
  };
}

/** Conditions of which one must hold. At most 20: so many a filter may have. */
function prefixes(text, names) {
  const spellings = [...new Set([text, capitalised(text)])];
  const [first, ...rest] = text.split(/\s+/);
  const last = rest.join(" ");
  const [whole, pairs] = namePlaces(names);
  const conditions = spellings.flatMap((spelling) =>
    whole.flatMap((key) => [
      condition(property(key), "starts_with", spelling),
      condition(property(key), "contains", ` ${spelling}`),
    ]),
  );
  for (const [given, family] of pairs) {
    for (const spell of spellings.length > 1 ? [(word) => word, capitalised] : [(word) => word]) {
      if (last)
        conditions.push(
          all(condition(property(given), "eq", spell(first)), condition(property(family), "starts_with", spell(last))),
        );
      else for (const key of [given, family]) conditions.push(condition(property(key), "starts_with", spell(text)));
    }
  }
  if (!last)
    for (const spelling of new Set([text, text.toLowerCase()]))
      conditions.push(condition("email", "starts_with", spelling));
  const digits = text.replace(/[^\d]/g, "").replace(/^0+/, "");
  if (digits.length >= MIN_DIGITS && /^[+\d\s()./-]+$/.test(text))
    conditions.push(condition("phone", "contains", digits));
  return conditions;
}

/** Properties with a whole name, and those with a first and a last one. */
function namePlaces(names) {
  if (names.length === 0) return [["name"], NAME_PAIRS.slice(0, 2)];
  return names.length === 1 ? [names, []] : [[], [names]];
}

/** Each word with a capital: `starts_with` minds case, and who types does not. */
const capitalised = (text) =>
  text.replace(/(^|[\s-])(\p{Ll})/gu, (_, before, letter) => before + letter.toLocaleUpperCase());
