// The users of a file, before anything is sent: `{line, json}`, or `{line, text, error}` for what is no user.

import { doubt, problem, REFUSED_COLUMNS, rowJson } from "./columns.mjs";
import { behindCells, rows } from "./csv.mjs";
import { NotJson, parse, stringify, typeName } from "./lossless.mjs";

/** Whether a file is NDJSON; else it is CSV. */
export function isNdjson(name, text) {
  if (/\.(ndjson|jsonl|json)$/i.test(name)) return true;
  return !/\.csv$/i.test(name) && /^\uFEFF?\s*\{/.test(text);
}

/** The records of a file that was read: `{text}`, and of a table `{header, targets, choices}`. */
export const recordsOf = ({ text, header, targets, choices }) =>
  header ? csvRecords(text, targets, choices) : ndjsonRecords(text);

/** How many columns of a table of refused rows say why. */
export function reasonColumns(header) {
  const own = header.findIndex((name) => !REFUSED_COLUMNS.includes(name));
  return Math.max(own, 0);
}

/**
 * The records of a table, whose first row names its columns. A quote that is never closed throws.
 * @param {string} text
 * @param {any[]} targets
 * @param {import("./columns.mjs").Choice[]} [choices]
 * @returns {Generator<import("./importing.mjs").FileRecord, undefined>}
 */
export function* csvRecords(text, targets, choices = []) {
  if (problem(targets)) throw new Error(problem(targets));
  const table = rows(text);
  const header = table.next().value?.cells ?? [];
  const [width, reasons] = [header.length, reasonColumns(header)];
  for (const { line, cells: written, text: whole, misquoted } of table) {
    const row = behindCells(whole, reasons);
    const cells = choices.includes("strip-apostrophes") ? written.map((cell) => cell.replace(/^'/, "")) : written;
    const refuse = (message) => unreadable(line, row, message);
    if (misquoted !== undefined) {
      yield refuse(
        `The quote that opens in line ${misquoted} closes before its cell ends: write a quote inside of quotes twice`,
      );
      continue;
    }
    if (cells.length !== width) {
      yield refuse(`The row has ${cells.length} cells and the header ${width}`);
      continue;
    }
    const found = doubt(targets, cells, choices);
    if (found) {
      yield { ...unreadable(line, row, found.message, "INVALID_VALUE"), doubt: found.kind };
      continue;
    }
    try {
      yield { line, json: rowJson(targets, cells), row };
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
