// Sends records in batches, one after the other, so that of two records of one user the later one wins.

import { REFUSED_COLUMNS } from "./columns.mjs";
import { faultOf } from "./faults.mjs";
import { stringify } from "./lossless.mjs";

/** @import { Answer } from "./api.mjs" */
/** @import { FileRecord, Shape } from "./records.mjs" */
/** @import { Input } from "./input.mjs" */

const MAX_USERS = 1000;
const MAX_BYTES = 1024 * 1024;
const [OPEN, CLOSE] = ['{"users":[', "]}"];

const encoder = new TextEncoder();
const bytes = (text) => encoder.encode(text).length;

/** The body of a batch. */
export const batchBody = (records) => OPEN + records.map(({ json }) => json).join() + CLOSE;

/** A record that is sent. @typedef {FileRecord & { json: string }} SentRecord */
/** @typedef {{ records: SentRecord[], refused: FileRecord[], bytes: number }} Batch */

/**
 * A record that the server would refuse, with the reason.
 * @param {FileRecord} record
 * @returns {FileRecord}
 */
export function checked(record) {
  const fault = record.user && faultOf(record.user);
  if (!fault) return record;
  const { code, place, issue } = fault;
  const error = new Map([
    ["code", code],
    ["message", `${place}: ${issue}`],
  ]);
  return { ...record, error };
}

/**
 * Packs records into batches that a body has room for. What the server would refuse is not sent.
 * @param {Iterable<FileRecord>} records
 * @returns {Generator<Batch>}
 */
export function* batches(records, maxUsers = MAX_USERS, maxBytes = MAX_BYTES) {
  /** @returns {Batch} */
  const empty = () => ({ records: [], refused: [], bytes: OPEN.length + CLOSE.length });
  let batch = empty();
  for (const one of records) {
    const record = checked(one);
    if (record.error || !record.user) {
      batch.refused.push(record);
      continue;
    }
    const json = stringify(record.user);
    const size = bytes(json) + 1;
    if (size + OPEN.length + CLOSE.length - 1 > maxBytes) {
      batch.refused.push({ ...record, error: tooLarge(maxBytes) });
      continue;
    }
    if (batch.records.length === maxUsers || batch.bytes + size - 1 > maxBytes) {
      yield batch;
      batch = empty();
    }
    batch.records.push({ ...record, json });
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

/** How far it is: refused are the first ones. @typedef {{ stored: number, refused: number, done: number }} Sum */

/**
 * What a file offers of its batches: the next one's body, if it has one, and how many records it deals with.
 * @typedef {{ body?: string, count: number, refused: number }} Parcel
 */

/**
 * Sends all batches, one after the other. Returns the answer that ended it early, if one did.
 * @param {{
 *   next: () => Promise<Parcel | undefined>,
 *   settle: (errors: [index: number, error: string][]) => Promise<unknown>,
 *   send: (body: string) => Promise<Answer>,
 *   wait: (seconds: number) => Promise<unknown>,
 *   onProgress: (sum: Sum) => void,
 * }} port `settle` hears which of the batch's users were refused, and why, as JSON
 */
export async function sendAll({ next, settle, send, wait, onProgress }) {
  /** @type {Sum} */
  let sum = { stored: 0, refused: 0, done: 0 };
  for (;;) {
    const parcel = await next();
    if (!parcel) return undefined;
    const { body, count, refused } = parcel;
    /** @type {[index: number, error: string][]} */
    let errors = [];
    if (body !== undefined) {
      const answer = await patiently(() => send(body), wait);
      const results = answer.tree?.get?.("results");
      if (!results) return answer;
      errors = results.flatMap((result, i) => (result.get("error") ? [[i, stringify(result.get("error"))]] : []));
    }
    await settle(errors);
    sum = {
      stored: sum.stored + count - refused - errors.length,
      refused: sum.refused + refused + errors.length,
      done: sum.done + count,
    };
    onProgress(sum);
  }
}

/**
 * The parts of a file of refused records that can be corrected and read again: in the form that they came in.
 * @param {Input} input
 * @param {Shape} shape
 * @param {FileRecord[]} refused
 */
export const refusedParts = (input, shape, refused) =>
  input.layout.kind === "table"
    ? refusedTable(input, input.layout.delimiter, shape, refused)
    : refused.map((record) => `${refusedLine(record)}\n`);

function refusedTable({ hasMark }, delimiter, { header = "" }, refused) {
  const row = (cells) => `${cells.join(delimiter)}\n`;
  return [
    (hasMark ? "\uFEFF" : "") + row([...REFUSED_COLUMNS, header]),
    ...refused.map(({ line, error, original, text }) =>
      row([line, `"${refusedFor(error).replaceAll('"', '""')}"`, original ?? text]),
    ),
  ];
}

const refusedFor = (error) =>
  [error.get("code"), error.get("message"), error.get("details")?.get("issue")].filter(Boolean).join(": ");

/** @param {FileRecord} record */
function refusedLine({ line, object, text, error }) {
  const record = stringify(object ?? text);
  return `{"line":${line},"record":${record},"error":${stringify(error)}}`;
}
