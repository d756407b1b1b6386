// The users of a file, before anything is sent: `{line, user}`, or `{line, text, error}` for what is no user.

import { Cells } from "./cell_types.mjs";
import { placeOf, plan, presetOf, problem, reasonColumns } from "./columns.mjs";
import { behindCells, rows } from "./csv.mjs";
import { isEmailAddress } from "./faults.mjs";
import { texts, Unreadable } from "./input.mjs";
import { NotJson, parse, stringify, typeName } from "./lossless.mjs";
import { KEPT_AS } from "./phones.mjs";
import { Doubt, objectReader, placedPhone, rowReader, spread, stripped } from "./users.mjs";

/** @import { Column, Preset } from "./columns.mjs" */
/** @import { Input } from "./input.mjs" */
/** @import { Choices } from "./users.mjs" */

/**
 * A user of a file, unless an `error` says why `text` is none. `original` is how it is written, where that is not what is
 * sent, or `object` what it was made of; `doubt` what a choice decides.
 * @typedef {{
 *   line: number,
 *   user?: Map<string, any>,
 *   text?: string,
 *   original?: string,
 *   object?: Map<string, any>,
 *   doubt?: Doubt["kind"],
 *   error?: Map<string, any>,
 * }} FileRecord
 */

/**
 * What the records of a file are called and where they go: without `columns`, to the server as they are.
 * @typedef {{
 *   columns?: Column[],
 *   preset?: Preset,
 *   example: Record<string, string>,
 *   reasons: number,
 *   header?: string,
 * }} Shape
 */

/**
 * Learns the columns of a file, by their names.
 * @param {Input} input
 * @returns {Shape}
 */
export function shapeOf(input) {
  return input.layout.kind === "table" ? shapeOfTable(input) : shapeOfObjects(input);
}

function shapeOfTable({ text, layout }) {
  const table = rows(text, layout.delimiter);
  const header = table.next().value;
  if (!header) throw new Unreadable("The file has no header.");
  if (header.misquoted)
    throw new Unreadable(`The quote that opens in line ${header.misquoted} closes before its cell ends.`);
  const names = header.cells;
  if (names.some(isEmailAddress))
    throw new Unreadable(
      `line ${header.line}, the header: it is a user: write a line with the names of the columns before it.`,
    );
  const first = firstOf(table) ?? [];
  const reasons = reasonColumns(names);
  return {
    ...plan(names),
    example: Object.fromEntries(names.map((name, i) => [name, first[i] ?? ""])),
    reasons,
    header: behindCells(header, reasons),
  };
}

/** The cells of the first row, if there is one that can be read. */
function firstOf(table) {
  try {
    return table.next().value?.cells;
  } catch {
    return undefined;
  }
}

/** Whether an object has Roster's own names alone. */
const isOwn = (object) => [...object.keys()].every((name) => !name.includes(".") && placeOf(name, true));

function shapeOfObjects(input) {
  const names = new Set();
  const example = {};
  let preset;
  for (const record of objects(input)) {
    if (!record.object) continue;
    const own = [...record.object.keys()];
    if (names.size === 0) {
      if (isOwn(record.object)) return { example, reasons: 0 };
      preset = presetOf(own);
    }
    for (const name of own) names.add(name);
    for (const [name, value] of spread(record.object, preset?.spread)) {
      names.add(name);
      example[name] ??= typeof value === "string" ? value : stringify(value);
    }
  }
  return names.size === 0 ? { example, reasons: 0 } : { ...plan([...names], { isJson: true }), example, reasons: 0 };
}

/**
 * The types of columns, by all that they hold.
 * @param {Input} input
 * @param {Column[]} columns
 * @param {Choices} choices
 * @param {(done: number) => unknown} [onProgress] the part that is read
 */
export async function typesOf({ text, layout }, columns, choices, onProgress) {
  if (layout.kind !== "table") return columns;
  const cells = columns.map(() => new Cells());
  const table = rows(text, layout.delimiter);
  table.next();
  let done = 0;
  for (const row of table) {
    if (row.misquoted === undefined)
      for (const [at, one] of cells.entries()) one.add(stripped(row.cells[at] ?? "", choices), columns[at].isOwn);
    done += 1;
    if (onProgress && done % SLICE === 0) await onProgress(done);
  }
  return columns.map((column, i) => ({ ...column, type: cells[i].type(column.isOwn) }));
}

/** Records between two looks at what else there is to do. */
export const SLICE = 2000;

/**
 * The records of a file. A quote that is never closed throws.
 * @param {Input} input
 * @param {Shape} shape with the types of its columns
 * @param {Choices} [choices]
 * @param {(phone: string) => void} [seePhone]
 * @returns {Generator<FileRecord, undefined>}
 */
export function recordsOf(input, shape, choices = {}, seePhone = undefined) {
  if (shape.columns && problem(shape.columns)) throw new Error(problem(shape.columns));
  return input.layout.kind === "table"
    ? tableRecords(input, shape, choices, seePhone)
    : objectRecords(input, shape, choices, seePhone);
}

/**
 * @param {any} input
 * @param {Shape} shape
 * @param {Choices} choices
 * @returns {Generator<FileRecord, undefined>}
 */
function* tableRecords({ text, layout }, { columns = [], reasons }, choices, seePhone) {
  const table = rows(text, layout.delimiter);
  table.next();
  const userOf = rowReader(columns, choices, seePhone);
  for (const row of table) {
    const { line, cells, misquoted } = row;
    const original = behindCells(row, reasons);
    if (misquoted !== undefined) {
      yield unreadable(
        line,
        original,
        `The quote that opens in line ${misquoted} closes before its cell ends: write a quote inside of quotes twice`,
      );
    } else if (cells.length < columns.length || cells.slice(columns.length).some((cell) => cell !== "")) {
      yield unreadable(line, original, `The row has ${cells.length} cells and the header ${columns.length}`);
    } else yield made(line, original, () => userOf(cells));
  }
  return undefined;
}

/** @returns {FileRecord} */
function made(line, original, make) {
  try {
    return { line, user: make(), original };
  } catch (error) {
    if (error instanceof Doubt)
      return { ...unreadable(line, original, error.message, "INVALID_VALUE"), doubt: error.kind };
    if (error instanceof NotJson) return unreadable(line, original, error.message);
    throw error;
  }
}

/**
 * @param {Input} input
 * @param {Shape} shape
 * @param {Choices} choices
 * @returns {Generator<FileRecord, undefined>}
 */
function* objectRecords(input, { columns, preset }, choices, seePhone) {
  const userOf = columns ? objectReader(columns, choices, seePhone, preset) : ownReader(choices, seePhone);
  for (const { object, ...record } of objects(input)) {
    if (!object) yield record;
    else yield { ...made(record.line, undefined, () => userOf(object)), object };
  }
  return undefined;
}

/** Of a body of Roster's own names, phones alone may change. */
function ownReader(choices, seePhone) {
  return (object) => {
    const phone = object.get("phone");
    if (typeof phone !== "string" || phone === "") return object;
    seePhone?.(phone);
    const { place, value } = placedPhone(phone, choices, object.get("properties")?.has?.(KEPT_AS));
    if (value === phone && place.key === undefined) return object;
    const user = new Map(object);
    if (place.key === undefined) return user.set("phone", value);
    user.delete("phone");
    return user.set("properties", new Map([...(user.get("properties") ?? []), [KEPT_AS, value]]));
  };
}

/** The objects of an input that is no table. A line of a file of refused records stands for the record in it. */
function* objects(input) {
  for (const { line, text } of texts(input)) yield objectOf(line, text);
}

function objectOf(line, text) {
  try {
    const value = parse(text);
    const wasRefused = value instanceof Map && [...value.keys()].sort().join() === "error,line,record";
    const record = wasRefused ? value.get("record") : value;
    // What was no object when it was refused was kept as its text.
    if (wasRefused && typeof record === "string") return objectOf(line, record);
    if (record instanceof Map) return { line, object: record };
    return unreadable(line, text, `Expected object, received ${typeName(record)}`, "INVALID_TYPE");
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    return unreadable(line, text, `Not JSON: ${error.fault} at line ${line + error.line - 1}, column ${error.column}`);
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
