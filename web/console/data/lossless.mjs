// JSON that loses nothing: numbers keep their digits, objects keep the order and every name of their members (maps, so
// that `__proto__` is a name as any other), and a name that stands twice is a fault, as it is for Roster.

/** A number, as it is written. */
export class Digits {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/** Not JSON: what is wrong, and where. */
export class NotJson extends Error {
  /**
   * @param {string} fault
   * @param {number} line
   * @param {number} column
   */
  constructor(fault, line, column) {
    super(`${fault} at line ${line}, column ${column}`);
    this.fault = fault;
    this.line = line;
    this.column = column;
  }
}

/** JSON that nothing here can hold: a name that stands twice, or too many levels. */
export class Unheld extends NotJson {}

const MAX_DEPTH = 200;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const WORD = /true|false|null/y;
const WORDS = { true: true, false: false, null: null };

/**
 * Parses into maps, arrays, strings, booleans, null, and `Digits`.
 * @param {string} text
 * @returns {any}
 */
export function parse(text) {
  let at = 0;

  const fault = (what, Kind = NotJson) => {
    const lines = text.slice(0, at).split("\n");
    return new Kind(what, lines.length, (lines.at(-1) ?? "").length + 1);
  };
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const takes = (sign) => {
    take(SPACE);
    if (text[at] !== sign) return false;
    at += 1;
    return true;
  };

  function list(end, item) {
    if (takes(end)) return;
    do item();
    while (takes(","));
    if (!takes(end)) throw fault(`Expected "," or "${end}"`);
  }

  /** The text of a string's token. Roster takes no lone surrogates. */
  function unquoted(token) {
    const string = JSON.parse(token);
    if (!string.isWellFormed()) throw fault("A lone surrogate");
    return string;
  }

  function object(depth) {
    const members = new Map();
    list("}", () => {
      take(SPACE);
      const token = take(STRING);
      if (token === undefined) throw fault("Expected a name in quotes");
      const name = unquoted(token);
      if (members.has(name)) throw fault(`The name ${token} stands twice`, Unheld);
      if (!takes(":")) throw fault('Expected ":"');
      members.set(name, value(depth));
    });
    return members;
  }

  function array(depth) {
    const items = [];
    list("]", () => items.push(value(depth)));
    return items;
  }

  function value(depth) {
    if (depth > MAX_DEPTH) throw fault("Nested too deeply", Unheld);
    if (takes("{")) return object(depth + 1);
    if (takes("[")) return array(depth + 1);
    const string = take(STRING);
    if (string !== undefined) return unquoted(string);
    const number = take(NUMBER);
    if (number !== undefined) return new Digits(number);
    const word = take(WORD);
    if (word === undefined) throw fault(at < text.length ? "Expected a value" : "The text ends early");
    return WORDS[word];
  }

  const parsed = value(0);
  take(SPACE);
  if (at < text.length) throw fault("Expected the end");
  return parsed;
}

/** The JSON of a value; with an indent, over several lines. */
export function stringify(value, indent = "", margin = "") {
  const inner = margin + indent;
  const join = (open, items, close) => {
    if (items.length === 0) return open + close;
    return indent ? `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}` : open + items.join(",") + close;
  };
  if (value instanceof Digits) return value.text;
  const text = (item) => stringify(item, indent, inner);
  if (Array.isArray(value)) return join("[", value.map(text), "]");
  if (value instanceof Map) {
    const member = ([name, item]) => JSON.stringify(name) + (indent ? ": " : ":") + text(item);
    return join("{", [...value].map(member), "}");
  }
  return JSON.stringify(value);
}

/** Whether two values are the same, whatever the order of members. `1.10` and `1.1` are not. */
export function equal(a, b) {
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([name, item]) => b.has(name) && equal(item, b.get(name)));
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (a instanceof Digits && b instanceof Digits) return a.text === b.text;
  return a === b;
}

/**
 * The name of a value's type.
 * @param {unknown} value
 */
export function typeName(value) {
  if (value === null) return "null";
  if (value instanceof Digits) return "number";
  if (Array.isArray(value)) return "array";
  return value instanceof Map ? "object" : typeof value;
}

/** The value as objects and numbers of JavaScript, where no digits matter. */
export function plain(value) {
  if (value instanceof Digits) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
  return value;
}
