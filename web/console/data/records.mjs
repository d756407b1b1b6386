// The users of a file, before anything is sent: `{line, json}`, or `{line, text, error}` for what is no user.

import { problem, rowJson } from "./columns.mjs";
import { rows } from "./csv.mjs";
import { parse, stringify } from "./lossless.mjs";

/** Whether a file is NDJSON; else it is CSV. */
export function isNdjson(name, text) {
  if (/\.(ndjson|jsonl|json)$/i.test(name)) return true;
  return !/\.csv$/i.test(name) && /^\uFEFF?\s*\{/.test(text);
}

/** The records of a file that was read: `{text}`, and of a table `{header, targets}`. */
export const recordsOf = ({ text, header, targets }) => (header ? csvRecords(text, targets) : ndjsonRecords(text));

/** The records of a table, whose first row names its columns. */
export function* csvRecords(text, targets) {
  if (problem(targets)) throw new Error(problem(targets));
  const table = rows(text);
  const width = table.next().value.cells.length;
  for (const { line, cells } of table) {
    if (cells.length === width) yield { line, json: rowJson(targets, cells) };
    else yield unreadable(line, cells.join(","), `The row has ${cells.length} cells and the header ${width}`);
  }
}

/** The records of NDJSON. A line of a file of refused records stands for the record in it. */
export function* ndjsonRecords(text) {
  let line = 0;
  for (const part of text.replace(/^\uFEFF/, "").split("\n")) {
    line += 1;
    if (part.trim()) yield ndjsonRecord(line, part.trim());
  }
}

function ndjsonRecord(line, text) {
  try {
    let value = parse(text);
    if (value instanceof Map && [...value.keys()].sort().join() === "error,line,record") value = value.get("record");
    if (typeof value === "string") return ndjsonRecord(line, value);
    if (value instanceof Map) return { line, json: stringify(value) };
    return unreadable(line, text, "Not a JSON object", "INVALID_TYPE");
  } catch (error) {
    return unreadable(line, text, `Not JSON: ${error.message}`);
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
