// A file as text, and how its records stand in it.

import { delimiterOf } from "./csv.mjs";

/** A file that can't be read; `needsEncoding` if it can be once somebody says its encoding. */
export class Unreadable extends Error {
  /**
   * @param {string} message
   * @param {boolean} [needsEncoding]
   */
  constructor(message, needsEncoding = false) {
    super(message);
    this.needsEncoding = needsEncoding;
  }
}

/** @type {[magic: number[], what: string][]} */
const FOREIGN = [
  [[0x50, 0x4b, 3, 4], "this is a workbook (.xlsx) or another archive: open it, and save the sheet as “CSV UTF-8”"],
  [[0xd0, 0xcf, 0x11, 0xe0], "this is an old workbook (.xls): open it, and save the sheet as “CSV UTF-8”"],
  [[0x1f, 0x8b], "this is compressed: unpack it with gunzip first"],
];
/** @type {[mark: number[], encoding: string][]} */
const MARKS = [
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
  [[0xef, 0xbb, 0xbf], "utf-8"],
];

/** A text in quotes, behind the first. */
const STRING = /(?:[^"\\]|\\.)*"/sy;

/**
 * How records stand in a text: one a line, in a list that begins at a place, or in the rows of a table.
 * @typedef {{ kind: "lines" } | { kind: "list", start: number } | { kind: "table", delimiter: string }} Layout
 */
/** @typedef {{ name: string, text: string, layout: Layout, hasMark: boolean }} Input */

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 * @param {string} [encoding] of a file that is neither UTF-8 nor UTF-16
 * @returns {Input}
 */
export function readInput(name, bytes, encoding) {
  const startsWith = (start) => start.every((byte, i) => bytes[i] === byte);
  const foreign = FOREIGN.find(([magic]) => startsWith(magic));
  if (foreign) throw new Unreadable(`${name}: ${foreign[1]}.`);
  const marked = MARKS.find(([mark]) => startsWith(mark))?.[1];
  const text = decoded(bytes, marked ?? encoding ?? "utf-8");
  if (!text.trim()) throw new Unreadable("The file is empty.");
  return { name, text, layout: layoutOf(name, text), hasMark: marked !== undefined || encoding !== undefined };
}

function decoded(bytes, encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    const before = new TextDecoder(encoding).decode(bytes).split("\uFFFD", 1)[0];
    const line = before.split("\n").length;
    throw new Unreadable(
      `The file's line ${line} is not UTF-8: save the file as “CSV UTF-8”, or say how it is encoded.`,
      true,
    );
  }
}

/** @returns {Layout} */
function layoutOf(name, text) {
  const isTable = /\.(csv|tsv)$/i.test(name) || !(/\.(ndjson|jsonl|json)$/i.test(name) || /^\s*[{[]/.test(text));
  if (isTable) return { kind: "table", delimiter: delimiterOf(text) };
  const list = /^\s*(?:\{\s*"[uU]sers"\s*:\s*)?\[(?=\s*(?:[{\]]|$))/.exec(text);
  return list ? { kind: "list", start: list[0].length } : { kind: "lines" };
}

/**
 * The texts of an input that is no table, each with its line.
 * @param {Input} input
 */
export function* texts({ text, layout }) {
  if (layout.kind === "list") return yield* elements(text, layout.start);
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found;
    line += 1;
    const one = text.slice(at, end);
    if (!/^[ \t\r\uFEFF]*$/.test(one)) yield { line, text: one.replace(/^\uFEFF|\r$/g, "") };
    at = end + 1;
  }
}

/** What ends a list may be followed by the rest of the object that it stands in, and by nothing else. */
function checkEnd(text, at, start) {
  const signs = /[^\s\uFEFF]/g;
  let depth = text.slice(0, start).includes("{") ? 1 : 0;
  signs.lastIndex = text[at] === "]" ? at + 1 : at;
  for (let found = signs.exec(text); found; found = signs.exec(text)) {
    if (depth === 0) {
      const line = text.slice(0, found.index).split("\n").length;
      throw new Unreadable(
        `line ${line}: a second value after the list's end; one file holds one list, or one record per line`,
      );
    }
    if (found[0] === '"') {
      STRING.lastIndex = signs.lastIndex;
      signs.lastIndex += STRING.exec(text)?.[0].length ?? text.length;
    } else if ("{[".includes(found[0])) depth += 1;
    else if ("}]".includes(found[0])) depth -= 1;
  }
}

/** The elements of a list: an object or a list ends with its last bracket, anything else before a comma or a bracket. */
function* elements(text, start) {
  const signs = /["[\]{},\n]/g;
  let [at, line] = [start, text.slice(0, start).split("\n").length];
  for (;;) {
    const gap = /[ \t\r\n,]*/y;
    gap.lastIndex = at;
    const between = gap.exec(text)?.[0] ?? "";
    line += between.split("\n").length - 1;
    at += between.length;
    let depth = 0;
    let end;
    signs.lastIndex = at;
    while (end === undefined) {
      const found = signs.exec(text);
      if (!found)
        throw new Unreadable(`the list of users has no end: the file is cut after line ${text.split("\n").length}`);
      const sign = found[0];
      if (sign === '"') {
        STRING.lastIndex = signs.lastIndex;
        signs.lastIndex += STRING.exec(text)?.[0].length ?? text.length;
      } else if (sign === "{" || sign === "[") depth += 1;
      else if (depth === 0 && sign !== "\n") end = found.index;
      else if (sign === "}" || sign === "]") {
        depth -= 1;
        if (depth === 0) end = found.index + 1;
      }
    }
    if (end === at) return checkEnd(text, at, start);
    const element = text.slice(at, end);
    yield { line, text: element };
    line += element.split("\n").length - 1;
    at = end;
  }
}
