// What the console and the tool both do with files: the cases of tests/cases/files.json, which the tool runs too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cellValue, guessAll, problem, valueCell } from "../../web/console/data/columns.mjs";
import { rows } from "../../web/console/data/csv.mjs";
import { csvParts, importable, ndjsonParts, spreadsheetParts } from "../../web/console/data/exporting.mjs";
import { refusedParts } from "../../web/console/data/importing.mjs";
import { equal, parse } from "../../web/console/data/lossless.mjs";
import { csvRecords, ndjsonRecords } from "../../web/console/data/records.mjs";

const CASES = JSON.parse(readFileSync(new URL("../cases/files.json", import.meta.url), "utf8"));

const headerOf = (csv) => guessAll(rows(csv).next().value?.cells ?? []);
const isSame = (one, other) => equal(parse(one), parse(other));

/** Each record is the user that is expected, or is refused for what is expected. */
function check(records, expected, about) {
  assert.deepEqual(
    records.map(({ line }) => line),
    expected.map(({ line }) => line),
    about,
  );
  for (const [i, { json, code, message, place }] of expected.entries()) {
    const { json: read, error } = records[i];
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

test("a table holds the users that it holds for the tool", () => {
  for (const { about, csv, options, records } of CASES.tables)
    check([...csvRecords(csv, headerOf(csv), options)], records, about);
});

test("a header that the tool refuses is refused", () => {
  for (const header of CASES.refused_headers) assert.ok(problem(headerOf(header)), header);
});

test("a quote that is never closed is refused with its line", () => {
  for (const { about, csv, line } of CASES.unclosed_quotes) {
    const read = () => [...csvRecords(csv, headerOf(csv))];
    assert.throws(
      read,
      { message: `The quote that opens in line ${line} is never closed: correct that line first.` },
      about,
    );
  }
});

test("refused rows are written as the tool writes them", () => {
  for (const { about, csv, refused } of CASES.corrections) {
    const header = rows(csv).next().value?.cells ?? [];
    const records = [...csvRecords(csv, guessAll(header))].filter(({ error }) => error);
    assert.equal(refusedParts({ text: csv, header }, records).join(""), refused, about);
  }
});

test("NDJSON holds the users that it holds for the tool", () => {
  for (const { about, ndjson, records } of CASES.lines) check([...ndjsonRecords(ndjson)], records, about);
});

test("an export is the file that the tool writes", () => {
  for (const { about, users, as_of, ndjson, csv, spreadsheet } of CASES.exports) {
    const exported = users.map((user) => importable(parse(user), as_of));
    assert.equal(ndjsonParts(exported).join(""), ndjson, about);
    assert.equal(csvParts(exported).join(""), csv, about);
    if (spreadsheet) assert.equal([...spreadsheetParts(exported)].join(""), spreadsheet, about);
  }
});
