// A file to import, held where it stops no key press: in a worker thread.

import { problem } from "./columns.mjs";
import { batchBody, batches, checked, refusedParts } from "./importing.mjs";
import { readInput } from "./input.mjs";
import { parse, stringify } from "./lossless.mjs";
import { isPhone, tidyPhone } from "./phones.mjs";
import { recordsOf, SLICE, shapeOf, typesOf } from "./records.mjs";

/** @import { Column } from "./columns.mjs" */
/** @import { Choices } from "./users.mjs" */

/** Records that a preview shows, and faults that it names. */
const SHOWN = 3;
const FAULTS = 5;
/** Refused records that are shown when it is done. */
const REFUSED = 20;

/** A record as it is shown. @typedef {{ line: number, json?: string, text?: string, code?: string, reason?: string }} Shown */
/**
 * What became of holding every record against the rules. `phones` counts those that are not in E.164 form, and of them those
 * that can be tidied.
 * @typedef {{
 *   wrong?: string,
 *   total: number,
 *   refused: number,
 *   first: Shown[],
 *   faults: Shown[],
 *   doubts: Record<string, number>,
 *   phones: { others: number, tidied: number },
 *   columns?: Column[],
 *   isDone: boolean,
 * }} Survey
 */

/**
 * @param {import("./records.mjs").FileRecord} record
 * @returns {Shown}
 */
const shown = ({ line, user, original, object, text, error }) => ({
  line,
  json: user && !error ? stringify(user, "  ") : undefined,
  text: (original ?? (object ? stringify(object) : text))?.slice(0, 200),
  code: error?.get("code"),
  reason: error && [error.get("message"), error.get("details")?.get("issue")].filter(Boolean).join(". "),
});

export class ImportFile {
  /** @type {import("./input.mjs").Input} */
  #input = { name: "", text: "", layout: { kind: "lines" }, hasMark: false };
  /** @type {import("./records.mjs").Shape} */
  #shape = { example: {}, reasons: 0 };
  /** @type {Choices} */
  #choices = {};
  /** Of each way to read apostrophes, what the columns hold. @type {Map<string, Column["type"][]>} */
  #types = new Map();
  /** @type {Generator<import("./importing.mjs").Batch> | undefined} */
  #batches;
  /** @type {import("./importing.mjs").Batch | undefined} */
  #sent;
  /** @type {import("./records.mjs").FileRecord[]} */
  #refused = [];

  /**
   * @param {string} name
   * @param {Uint8Array} bytes
   * @param {string} [encoding]
   */
  open(name, bytes, encoding) {
    this.#input = readInput(name, bytes, encoding);
    this.#shape = shapeOf(this.#input);
    const { columns, preset, example } = this.#shape;
    return {
      name,
      isTable: this.#input.layout.kind === "table",
      columns,
      example,
      product: preset?.name,
      choices: preset?.apostrophes && this.#input.layout.kind === "table" ? { apostrophes: "strip" } : {},
    };
  }

  /**
   * Holds every record against the rules. `onProgress` hears of it on the way, and says whether nobody waits for it any more.
   * @param {{ columns?: Column[], choices: Choices }} plan types that are not chosen are learned
   * @param {(survey: Survey) => Promise<boolean>} onProgress
   * @returns {Promise<Survey | undefined>}
   */
  async survey({ columns, choices }, onProgress) {
    /** @type {Survey} */
    const survey = {
      total: 0,
      refused: 0,
      first: [],
      faults: [],
      doubts: {},
      phones: { others: 0, tidied: 0 },
      isDone: false,
    };
    const wrong = columns && problem(columns);
    if (wrong) return { ...survey, wrong };
    try {
      const typed = columns && (await this.#typed(columns, choices, () => onProgress(survey)));
      this.#shape = { ...this.#shape, columns: typed };
      this.#choices = choices;
      survey.columns = typed;
      const seePhone = (phone) => {
        if (isPhone(phone)) return;
        survey.phones.others += 1;
        if (tidyPhone(phone, choices.countryCode)) survey.phones.tidied += 1;
      };
      for (const record of recordsOf(this.#input, this.#shape, choices, seePhone)) {
        this.#count(survey, record);
        if (survey.total % SLICE === SHOWN && (await onProgress(survey))) return undefined;
      }
    } catch (error) {
      if (error === STALE) return undefined;
      return { ...survey, total: 0, wrong: error.message };
    }
    return { ...survey, isDone: true };
  }

  #count(survey, record) {
    survey.total += 1;
    const one = checked(record);
    if (!one.error && survey.first.length < SHOWN) survey.first.push(shown(one));
    if (record.doubt) survey.doubts[record.doubt] = (survey.doubts[record.doubt] ?? 0) + 1;
    if (!one.error) return;
    survey.refused += 1;
    if (survey.faults.length < FAULTS) survey.faults.push(shown(one));
  }

  async #typed(columns, choices, onProgress) {
    const way = choices.apostrophes === "strip" ? "strip" : "keep";
    if (!this.#types.has(way)) {
      const learned = await typesOf(this.#input, columns, choices, async () => {
        if (await onProgress()) throw STALE;
      });
      this.#types.set(
        way,
        learned.map(({ type }) => type),
      );
    }
    const types = this.#types.get(way);
    return columns.map((column, i) => ({ ...column, type: column.type ?? types?.[i] }));
  }

  /** Begins to send, as it was surveyed. */
  start() {
    this.#refused = [];
    this.#batches = batches(recordsOf(this.#input, this.#shape, this.#choices));
  }

  /** @returns {import("./importing.mjs").Parcel | undefined} */
  next() {
    const batch = this.#batches?.next().value;
    this.#sent = batch;
    if (!batch) return undefined;
    return {
      body: batch.records.length > 0 ? batchBody(batch.records) : undefined,
      count: batch.records.length + batch.refused.length,
      refused: batch.refused.length,
    };
  }

  /** @param {[index: number, error: string][]} errors as JSON */
  settle(errors) {
    const { records = [], refused = [] } = this.#sent ?? {};
    const settled = [...errors.map(([i, error]) => ({ ...records[i], error: parse(error) })), ...refused];
    this.#refused.push(...settled.sort((a, b) => a.line - b.line));
  }

  /** The first ones that were refused, and the file of all. */
  refused() {
    const type = this.#input.layout.kind === "table" ? "text/csv" : "application/x-ndjson";
    return {
      first: this.#refused.slice(0, REFUSED).map(shown),
      file: new Blob(refusedParts(this.#input, this.#shape, this.#refused), { type }),
      extension: this.#input.layout.kind === "table" ? "csv" : "ndjson",
    };
  }

  /** The body of a batch of the first user alone. */
  example() {
    for (const { records } of batches(recordsOf(this.#input, this.#shape, this.#choices), 1))
      if (records.length > 0) return batchBody(records);
    return undefined;
  }
}

/** Nobody waits for it any more. */
const STALE = new Error("stale");
