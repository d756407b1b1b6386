// Sends records in batches, one after the other, so that of two records of one user the later one wins.

import { REFUSED_COLUMNS } from "./columns.mjs";
import { behindCells, rows } from "./csv.mjs";
import { parse, stringify } from "./lossless.mjs";
import { reasonColumns } from "./records.mjs";

/** @import { Answer } from "./api.mjs" */

const MAX_USERS = 1000;
const MAX_BYTES = 1024 * 1024;
const [OPEN, CLOSE] = ['{"users":[', "]}"];
const bytes = (text) => new TextEncoder().encode(text).length;

/** The body of a batch. */
export const batchBody = (records) => OPEN + records.map(({ json }) => json).join() + CLOSE;

/**
 * A user of a file: `json` is what is sent, unless an `error` says why `text` is no user. Of a table, `row` is how it is
 * written, and `doubt` what a spreadsheet may have changed.
 * @typedef {{
 *   line: number,
 *   json?: string,
 *   text?: string,
 *   row?: string,
 *   doubt?: "apostrophe" | "scientific",
 *   error?: Map<string, any>,
 * }} FileRecord
 */
/** @typedef {{ records: FileRecord[], refused: FileRecord[], bytes: number }} Batch */

/**
 * Packs records into batches that a body has room for.
 * @param {Iterable<FileRecord>} records
 * @returns {Generator<Batch>}
 */
export function* batches(records, maxUsers = MAX_USERS, maxBytes = MAX_BYTES) {
  /** @returns {Batch} */
  const empty = () => ({ records: [], refused: [], bytes: OPEN.length + CLOSE.length });
  let batch = empty();
  for (const record of records) {
    const size = record.json === undefined ? 0 : bytes(record.json) + 1;
    const isTooLarge = size + OPEN.length + CLOSE.length - 1 > maxBytes;
    if (record.error || isTooLarge) {
      batch.refused.push(isTooLarge ? { ...record, error: tooLarge(maxBytes) } : record);
      continue;
    }
    if (batch.records.length === maxUsers || batch.bytes + size - 1 > maxBytes) {
      yield batch;
      batch = empty();
    }
    batch.records.push(record);
    batch.bytes += size;
  }
  if (batch.records.length + batch.refused.length > 0) yield batch;
}

function tooLarge(maxBytes) {
  return new Map([
    ["code", "PAYLOAD_TOO_LARGE"],
    ["message", `A batch of this record alone exceeds ${maxBytes} bytes`],
  ]);
}

/** Calls that fail in a row before it is given up. */
const MAX_FAILURES = 9;

/**
 * Calls again while the answer is 429 or 503, as late as it says; how often it is a 429 does not matter.
 * `wait(seconds)` rejects to stop.
 * @param {() => Promise<Answer>} call
 * @param {(seconds: number) => Promise<unknown>} wait
 */
export async function patiently(call, wait) {
  let failures = 0;
  for (;;) {
    const answer = await call();
    const hasFailed = answer.status === 503 || answer.status === 0;
    if (answer.status !== 429 && !hasFailed) return answer;
    if (hasFailed) failures += 1;
    if (failures === MAX_FAILURES) return answer;
    await wait(answer.retryAfter ?? Math.min(2 ** failures, 30));
  }
}

/** @typedef {{ stored: number, refused: FileRecord[], done: number }} Sum */

/**
 * Sends all batches. Returns the answer that ended it early, if one did.
 * @param {Iterable<Batch>} allBatches
 * @param {{
 *   send: (body: string) => Promise<Answer>,
 *   wait: (seconds: number) => Promise<unknown>,
 *   onProgress: (sum: Sum) => void,
 * }} port
 */
export async function sendAll(allBatches, { send, wait, onProgress }) {
  /** @type {Sum} */
  const sum = { stored: 0, refused: [], done: 0 };
  for (const batch of allBatches) {
    if (batch.records.length > 0) {
      const answer = await patiently(() => send(batchBody(batch.records)), wait);
      const results = answer.tree?.get?.("results");
      if (!results) return answer;
      results.forEach((result, i) => {
        const error = result.get("error");
        if (error) sum.refused.push({ ...batch.records[i], error });
        else sum.stored += 1;
      });
    }
    sum.refused.push(...batch.refused);
    sum.done += batch.records.length + batch.refused.length;
    onProgress({ ...sum, refused: [...sum.refused] });
  }
  return undefined;
}

/**
 * The parts of a file of refused records that can be corrected and read again: in the format that they came in.
 * @param {{ text: string, header?: string[] }} file
 * @param {FileRecord[]} refused
 */
export const refusedParts = ({ text, header }, refused) =>
  header ? refusedTable(text, header, refused) : refused.map((record) => `${stringify(refusedLine(record))}\n`);

function refusedTable(text, header, refused) {
  const columns = behindCells(rows(text).next().value?.text ?? "", reasonColumns(header));
  return [
    `${REFUSED_COLUMNS.join()},${columns}\n`,
    ...refused.map(
      (record) => `${record.line},"${refusedFor(record.error).replaceAll('"', '""')}",${record.row ?? record.text}\n`,
    ),
  ];
}

const refusedFor = (error) =>
  [error.get("code"), error.get("message"), error.get("details")?.get("issue")].filter(Boolean).join(": ");

/** @param {FileRecord} record */
function refusedLine({ line, json, text, error }) {
  return new Map([
    ["line", line],
    ["record", json === undefined ? text : parse(json)],
    ["error", error],
  ]);
}
