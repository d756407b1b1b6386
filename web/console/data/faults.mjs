// The rules of the server for a user, but for what depends on who is stored: so that a preview can say what is refused.

import { typeName } from "./lossless.mjs";
import { isPhone } from "./phones.mjs";

/** @typedef {{ code: string, place: string, issue: string }} Fault */

const MAX_ID = 256;
const MAX_EMAIL_BYTES = 254;
const MAX_KEY = 128;
const MAX_MEMBERS = 300;
const MAX_NESTING = 8;
const PLACEHOLDERS = ["null", "undefined", "NaN", "None", "[object Object]"];
const KNOWN = ["user_id", "email", "phone", "properties", "origin", "as_of", "set_once"];

const LOCAL = "[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+";
const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const EMAIL = new RegExp(`^${LOCAL}@${LABEL}(?:\\.${LABEL})*$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: no id may have them
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

const characters = (text) => (text.length <= MAX_KEY ? text.length : [...text].length);

/**
 * The first fault of a user; undefined if there is none.
 * @param {Map<string, any>} user
 * @returns {Fault | undefined}
 */
export function faultOf(user) {
  if (!user.has("user_id")) return { code: "MISSING_FIELD", place: "user_id", issue: "Field is required" };
  return (
    text(user, "user_id", idRule) ??
    (user.get("email") === null ? undefined : text(user, "email", emailRule)) ??
    (user.get("phone") === null ? undefined : text(user, "phone", phoneRule)) ??
    section(user, "properties") ??
    section(user, "origin") ??
    setOnce(user) ??
    (user.get("as_of") === null ? undefined : text(user, "as_of", timeRule)) ??
    unknown(user)
  );
}

function text(user, name, rule, place = name) {
  const value = user.get(name);
  if (value === undefined) return undefined;
  if (typeof value !== "string") return wrongType(place, "string", value);
  const issue = rule(value);
  return issue ? invalid(place, issue) : undefined;
}

const wrongType = (place, expected, value) => ({
  code: "INVALID_TYPE",
  place,
  issue:
    Array.isArray(value) && value.length === 0 && expected === "object"
      ? "Expected object, received an empty list; send {}"
      : `Expected ${expected}, received ${typeName(value)}`,
});

function idRule(id) {
  if (id === "") return "Must not be empty";
  if (characters(id) > MAX_ID) return `Must have at most ${MAX_ID} characters`;
  if (CONTROL.test(id)) return "Must not contain control characters";
  if (id.trim() !== id) return "Must not begin or end with white space";
  if (PLACEHOLDERS.includes(id)) return "Looks like a missing id";
  return id === "." || id === ".." ? "Must not be . or .., which no URL can name" : undefined;
}

/** @param {string} text */
export const isEmailAddress = (text) => emailRule(text) === undefined;

const EMPTY = "Must not be empty; send null to clear it";

function emailRule(email) {
  if (email.trim() === "") return EMPTY;
  const address = email.replace(/^[ \t\n\r\f]+|[ \t\n\r\f]+$/g, "");
  if (address.length <= MAX_EMAIL_BYTES && EMAIL.test(address)) return undefined;
  return invisible(address) ?? `Must be a valid e-mail address of at most ${MAX_EMAIL_BYTES} bytes`;
}

const INVISIBLE = /[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

/** Names a character that nobody sees. */
function invisible(text) {
  const found = INVISIBLE.exec(text)?.[0];
  if (found === undefined) return undefined;
  const code = found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return `Must not contain ${nameOf(found)} (U+${code})`;
}

function nameOf(character) {
  if (character === " ") return "a space";
  if (/[\t\n\r]/.test(character)) return "a tab or a line break";
  if (/[\u00a0\u202f]/.test(character)) return "a no-break space";
  if (character === "\u00ad") return "a soft hyphen";
  return /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/.test(character) ? "a zero-width character" : "white space";
}

function phoneRule(phone) {
  if (phone.trim() === "") return EMPTY;
  if (isPhone(phone)) return undefined;
  const isNational = /^[ \u00a0\u202f\-./()\d]*\d[ \u00a0\u202f\-./()\d]*$/.test(phone);
  if (isNational && phone.startsWith("00"))
    return `Must begin with + and the country code; try +${phone
      .slice(2)
      .replace(/^[^\d]+/, "")
      .slice(0, 6)}…`;
  if (isNational) return "Must begin with + and the country code, as in +49 151 23456789";
  return "Must be + and 2 to 15 digits, the first not 0 (E.164)";
}

const timeRule = (time) =>
  TIME.test(time) && Date.parse(time.replace(/:60(?=[.Zz+-])/, ":59")) >= 0
    ? undefined
    : "Must be an RFC 3339 date and time of the years 1970 to 9999, as in 2027-01-01T00:00:00Z";

const pointer = (place, key) => `${place}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
const invalid = (place, issue) => ({ code: "INVALID_VALUE", place, issue });

function section(user, name, place = name) {
  const value = user.get(name);
  if (value === undefined) return undefined;
  if (!(value instanceof Map)) return wrongType(place, "object", value);
  if (value.size > MAX_MEMBERS && [...value.values()].filter((one) => one !== null).length > MAX_MEMBERS)
    return invalid(place, `Must have at most ${MAX_MEMBERS} keys`);
  return members(value, place === name ? `/${name}` : place, MAX_NESTING);
}

/** What is set where nothing is: null would lock nothing. */
function setOnce(user) {
  const once = user.get("set_once");
  if (once === undefined) return undefined;
  if (!(once instanceof Map)) return wrongType("set_once", "object", once);
  const place = (name) => pointer("/set_once", name);
  const parts = (name) => section(once, name, place(name)) ?? nulls(once.get(name), place(name));
  const leftOut = (rule) => (value) => (value.trim() === "" ? "Must not be empty; leave it out" : rule(value));
  return (
    text(once, "email", leftOut(emailRule), place("email")) ??
    text(once, "phone", leftOut(phoneRule), place("phone")) ??
    parts("properties") ??
    parts("origin") ??
    unknown(once, ["email", "phone", "properties", "origin"], place)
  );
}

function nulls(object, place) {
  for (const [key, value] of object ?? []) {
    if (value === null) return wrongType(pointer(place, key), "value", value);
    const found = value instanceof Map ? nulls(value, pointer(place, key)) : undefined;
    if (found) return found;
  }
  return undefined;
}

function members(object, place, levels) {
  for (const [key, value] of object) {
    if (key === "") return invalid(pointer(place, key), "A key must not be empty");
    if (characters(key) > MAX_KEY) return invalid(pointer(place, key), `A key must have at most ${MAX_KEY} characters`);
    if (key.includes("\0")) return invalid(pointer(place, key), "A key must not contain U+0000");
    if (value === null || typeof value !== "object") continue;
    const found = nested(value, pointer(place, key), levels);
    if (found) return found;
  }
  return undefined;
}

function nested(value, place, levels) {
  if (!Array.isArray(value) && !(value instanceof Map)) return undefined;
  if (levels === 0) return invalid(place, `Must not be nested more than ${MAX_NESTING} levels deep`);
  if (value instanceof Map) {
    if (value.size > MAX_MEMBERS) return invalid(place, `Must have at most ${MAX_MEMBERS} members`);
    return members(value, place, levels - 1);
  }
  for (const [i, item] of value.entries()) {
    const found = nested(item, pointer(place, `${i}`), levels - 1);
    if (found) return found;
  }
  return undefined;
}

function unknown(object, known = KNOWN, place = (name) => name) {
  const name = [...object.keys()].find((key) => !known.includes(key));
  return name === undefined
    ? undefined
    : { code: "UNKNOWN_FIELD", place: place(name), issue: "Unknown field; it would not be stored" };
}
