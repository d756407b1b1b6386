// What the console and the tool both do with files: the cases of tests/cases/files.json, which the tool runs too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cellValue, valueCell } from "../../web/console/data/cell_types.mjs";
import { placeOf, plan, problem } from "../../web/console/data/columns.mjs";
import { rows } from "../../web/console/data/csv.mjs";
import { csvParts, exported, ndjsonParts, selection, spreadsheetParts } from "../../web/console/data/exporting.mjs";
import { faultOf } from "../../web/console/data/faults.mjs";
import { refusedParts } from "../../web/console/data/importing.mjs";
import { readInput } from "../../web/console/data/input.mjs";
import { equal, parse, stringify } from "../../web/console/data/lossless.mjs";
import { recordsOf, shapeOf, typesOf } from "../../web/console/data/records.mjs";

const CASES = JSON.parse(readFileSync(new URL("../cases/files.json", import.meta.url), "utf8"));

/** What the tool's options are called in the console. */
const CHOICES = {
  "strip-apostrophes": { apostrophes: "strip" },
  "allow-apostrophes": { apostrophes: "allow" },
  "allow-scientific": { scientific: "allow" },
};

/** The bytes of a text in an encoding. */
function encoded(text, encoding = "utf-8") {
  if (encoding === "utf-8") return new TextEncoder().encode(text);
  if (encoding === "latin1") return Uint8Array.from(text, (character) => character.charCodeAt(0));
  if (encoding === "windows-1252") {
    const all = Array.from(new TextDecoder(encoding).decode(Uint8Array.from({ length: 256 }, (_, byte) => byte)));
    return Uint8Array.from(text, (character) => all.indexOf(character));
  }
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i += 1) view.setUint16(i * 2, text.charCodeAt(i), encoding === "utf-16le");
  return bytes;
}

/**
 * What is chosen for a file, beside what the console guesses.
 * @param {any} said
 */
function chosen({ map = [], skip = [], phones, country_code: countryCode }) {
  /** @type {Map<string, any[]>} */
  const places = new Map(skip.map((name) => [name, []]));
  for (const [place, name] of map) places.set(name, [...(places.get(name) ?? []), placeOf(place)]);
  return { places, choices: { phones, countryCode } };
}

/**
 * All records of a file, as the console reads it, and the product that it is known to be of.
 * @param {string} name
 * @param {Uint8Array} bytes
 * @param {any} [said]
 * @param {string[]} [options]
 * @returns {Promise<any>}
 */
async function read(name, bytes, said = {}, options = []) {
  const { places, choices } = chosen(said);
  const input = readInput(name, bytes, said.encoding);
  const shape = shapeOf(input);
  const all = Object.assign(
    choices,
    shape.preset?.apostrophes && { apostrophes: "strip" },
    ...options.map((option) => CHOICES[option]),
  );
  if (!shape.columns) return { records: [...recordsOf(input, shape, all)] };
  const { columns } = plan(
    shape.columns.map(({ name }) => name),
    { isJson: input.layout.kind !== "table", chosen: places },
  );
  const typed = await typesOf(input, columns, all);
  for (const column of typed) column.type = said.types?.[column.name] ?? column.type;
  return {
    records: [...recordsOf(input, { ...shape, columns: typed }, all)],
    product: shape.preset?.name,
    input,
    shape,
  };
}

const readCsv = (text, options) => read("users.csv", encoded(text), {}, options);
const isSame = (one, other) => equal(parse(one), parse(other));

/** Each record is the user that is expected, or is refused for what is expected. */
function check(records, expected, about) {
  assert.deepEqual(
    records.map(({ line }) => line),
    expected.map(({ line }) => line),
    about,
  );
  for (const [i, { json, code, message, place }] of expected.entries()) {
    const { user, error } = records[i];
    const read = user && stringify(user);
    if (json) assert.ok(read && isSame(read, json), `${about}: ${read}`);
    if (code) assert.equal(error.get("code"), code, about);
    if (message) assert.equal(error.get("message"), message, about);
    if (place) assert.ok(error.get("message").endsWith(` at ${place}`), `${about}: ${error.get("message")}`);
  }
}

test("a cell stands for the JSON that it stands for in the tool", () => {
  for (const { cell, json } of CASES.cells.filter(({ json }) => json !== null))
    assert.ok(equal(cellValue(cell), parse(json)), cell);
});

test("a value is written as the cell that the tool writes", () => {
  for (const { json, cell } of CASES.values) assert.equal(valueCell(parse(json)), cell);
});

test("a table holds the users that it holds for the tool", async () => {
  for (const { about, csv, options, records } of CASES.tables)
    check((await readCsv(csv, options)).records, records, about);
});

test("every kind of file is read as the tool reads it, or refused with what to do", async () => {
  for (const { about, name, text, encoding, read: said, records, refused, preset } of CASES.kinds) {
    // The console places columns that the tool asks about.
    if (refused?.startsWith("unknown column")) continue;
    const outcome = await read(name, encoded(text, encoding), said).catch((error) => error.message);
    if (refused) assert.ok(typeof outcome === "string" && outcome.includes(refused), `${about}: ${outcome}`);
    else {
      assert.notEqual(typeof outcome, "string", `${about}: ${outcome}`);
      check(outcome.records, records, about);
      assert.equal(outcome.product, preset, about);
    }
  }
});

test("a user is refused for what the server refuses it", () => {
  for (const { json, code, place, issue } of CASES.faults) {
    const fault = faultOf(parse(json));
    if (code) assert.deepEqual(fault, { code, place, issue }, json);
    else assert.equal(fault, undefined, json);
  }
});

test("a header that the tool refuses is refused", () => {
  for (const header of CASES.refused_headers) {
    const names = rows(header).next().value?.cells ?? [];
    assert.ok(problem(plan(names).columns), header);
  }
});

test("a quote that is never closed is refused with its line", async () => {
  for (const { about, csv, line } of CASES.unclosed_quotes) {
    await assert.rejects(
      readCsv(csv),
      { message: `The quote that opens in line ${line} is never closed: correct that line first.` },
      about,
    );
  }
});

test("refused rows are written as the tool writes them", async () => {
  for (const { about, csv, refused } of CASES.corrections) {
    const { records, input, shape } = await readCsv(csv);
    const written = refusedParts(
      input,
      shape,
      records.filter(({ error }) => error),
    );
    assert.equal(written.join(""), refused, about);
  }
});

test("NDJSON holds the users that it holds for the tool", async () => {
  for (const { about, ndjson, records } of CASES.lines)
    check((await read("users.ndjson", encoded(ndjson))).records, records, about);
});

test("an export is the file that the tool writes", () => {
  for (const { about, users, as_of: withAsOf, columns, ndjson, csv, spreadsheet } of CASES.exports) {
    const parts = selection({ columns, withAsOf });
    const kept = users.map((user) => exported(parse(user), parts));
    assert.equal(ndjsonParts(kept).join(""), ndjson, about);
    assert.equal(csvParts(kept, parts).join(""), csv, about);
    const wide = selection({ columns, withAsOf, isForSpreadsheets: true });
    const shown = users.map((user) => exported(parse(user), wide));
    if (spreadsheet) assert.equal([...spreadsheetParts(shown, wide)].join(""), spreadsheet, about);
  }
});
