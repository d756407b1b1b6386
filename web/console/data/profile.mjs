// A stored user: what can be edited, and what it is called.

import { Digits, NotJson, parse, stringify } from "./lossless.mjs";

/** What can be edited. */
export const EDITABLE = ["email", "phone", "properties", "origin"];
/** Properties that usually have a first and a last name, most frequent first. */
export const NAME_PAIRS = [
  ["first_name", "last_name"],
  ["firstName", "lastName"],
  ["firstname", "lastname"],
  ["given_name", "family_name"],
];

/** What can be edited of a user, without members that are not there. */
export function profileOf(user) {
  return new Map(EDITABLE.filter((name) => user.get(name) !== null).map((name) => [name, user.get(name)]));
}

/**
 * What a user is called; undefined without a name.
 * @param {Map<string, any>} user
 * @param {string[]} names the properties that the name is in; none: `name`, or a first and a last name
 * @returns {string | undefined}
 */
export function nameOf(user, names) {
  const properties = user.get("properties");
  const joined = (keys) => {
    const parts = keys.map((key) => properties.get(key)).filter((part) => typeof part === "string");
    return (
      parts
        .map((part) => part.trim())
        .join(" ")
        .trim() || undefined
    );
  };
  if (names.length > 0) return joined(names);
  return [["name"], ...NAME_PAIRS].map(joined).find((name) => name !== undefined);
}

/** What a user is titled by. */
export const titleOf = (user, names) => nameOf(user, names) ?? user.get("external_id");

/**
 * Members with another value at a path; undefined takes it away.
 * @param {Map<string, any>} members
 * @param {string[]} path
 * @param {any} value
 */
export function withValue(members, [name, ...rest], value) {
  const changed = new Map(members);
  const next = rest.length > 0 ? withValue(changed.get(name) ?? new Map(), rest, value) : value;
  if (next === undefined) changed.delete(name);
  else changed.set(name, next);
  return changed;
}

/** What a value can be typed as. @typedef {"text" | "number" | "boolean" | "tags" | "json"} ValueType */

/** @type {Record<ValueType, string>} */
export const VALUE_TYPES = {
  text: "Text",
  number: "Number",
  boolean: "True or false",
  tags: "List of texts",
  json: "JSON",
};

/** @returns {ValueType} */
export function valueType(value) {
  if (typeof value === "string") return "text";
  if (value instanceof Digits) return "number";
  if (typeof value === "boolean") return "boolean";
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? "tags" : "json";
}

/** A value as it is typed. */
export const typedText = (value) => (typeof value === "string" ? value : stringify(value, "  "));

/**
 * What is typed as a type; throws `NotJson` if it is none. A list is JSON, or texts with commas between them.
 * @param {ValueType} type
 * @param {string} text
 */
export function valueOfText(type, text) {
  if (type === "text") return text;
  if (type === "tags" && !text.trimStart().startsWith("[")) return text.split(",").flatMap((tag) => tag.trim() || []);
  const value = parse(text);
  if (type === "number" && !(value instanceof Digits)) throw new NotJson("A number is expected", 1, 1);
  if (type === "json" && value === null) throw new NotJson("null removes a member: use Remove", 1, 1);
  return value;
}
