// The users of a file, before anything is sent: `{line, json}`, or `{line, text, error}` for what is no user.

import { problem, rowJson } from "./columns.mjs";
import { rows } from "./csv.mjs";
import { NotJson, parse, stringify, typeName } from "./lossless.mjs";

/** Whether a file is NDJSON; else it is CSV. */
export function isNdjson(name, text) {
  if (/\.(ndjson|jsonl|json)$/i.test(name)) return true;
  return !/\.csv$/i.test(name) && /^\uFEFF?\s*\{/.test(text);
}

/** The records of a file that was read: `{text}`, and of a table `{header, targets}`. */
export const recordsOf = ({ text, header, targets }) => (header ? csvRecords(text, targets) : ndjsonRecords(text));

/**
 * The records of a table, whose first row names its columns.
 * @returns {Generator<import("./importing.mjs").FileRecord, undefined>}
 */
export function* csvRecords(text, targets) {
  if (problem(targets)) throw new Error(problem(targets));
  const table = rows(text);
  const width = table.next().value?.cells.length ?? 0;
  for (const { line, cells } of table) {
    const refuse = (message) => unreadable(line, cells.join(","), message);
    if (cells.length !== width) {
      yield refuse(`The row has ${cells.length} cells and the header ${width}`);
      continue;
    }
    try {
      yield { line, json: rowJson(targets, cells) };
    } catch (error) {
      yield refuse(error.message);
    }
  }
}

const isBlank = (text) => /^[ \t\r]*$/.test(text);

/**
 * The records of NDJSON. A line of a file of refused records stands for the record in it.
 * @returns {Generator<import("./importing.mjs").FileRecord, undefined>}
 */
export function* ndjsonRecords(text) {
  let line = 0;
  for (const part of text.replace(/^\uFEFF/, "").split("\n")) {
    line += 1;
    if (!isBlank(part)) yield ndjsonRecord(line, part.replace(/\r$/, ""));
  }
}

function ndjsonRecord(line, text) {
  try {
    const value = parse(text);
    const wasRefused = value instanceof Map && [...value.keys()].sort().join() === "error,line,record";
    const record = wasRefused ? value.get("record") : value;
    // What was no object when it was refused was kept as its text.
    if (wasRefused && typeof record === "string") return ndjsonRecord(line, record);
    if (record instanceof Map) return { line, json: stringify(record) };
    return unreadable(line, text, `Expected object, received ${typeName(record)}`, "INVALID_TYPE");
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    return unreadable(line, text, `Not JSON: ${error.fault} at line ${line}, column ${error.column}`);
  }
}

function unreadable(line, text, message, code = "INVALID_REQUEST") {
  return {
    line,
    text,
    error: new Map([
      ["code", code],
      ["message", message],
    ]),
  };
}
