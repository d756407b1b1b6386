// Erases users in batches, one after the other.

import { patiently } from "./importing.mjs";
import { stringify } from "./lossless.mjs";

/** @import { Answer } from "./api.mjs" */

/** As many of the longest ids as a body has room for. */
const MAX_IDS = 500;

/** The body of a batch. @param {string[]} ids */
export const erasureBody = (ids) =>
  `{"users":[${ids.map((id) => `{"user_id":${stringify(id)},"delete":true}`).join()}]}`;

/**
 * How far it is; `absent` are those whom nobody had stored.
 * @typedef {{ erased: number, absent: number, refused: { id: string, reason: string }[], done: number }} Erasures
 */

/**
 * Returns the answer that ended it early, if one did.
 * @param {{
 *   ids: string[],
 *   send: (body: string) => Promise<Answer>,
 *   wait: (seconds: number) => Promise<unknown>,
 *   onProgress: (sum: Erasures) => void,
 * }} port
 */
export async function eraseAll({ ids, send, wait, onProgress }) {
  /** @type {Erasures} */
  let sum = { erased: 0, absent: 0, refused: [], done: 0 };
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    const part = ids.slice(at, at + MAX_IDS);
    const answer = await patiently(() => send(erasureBody(part)), wait);
    const results = answer.tree?.get?.("results");
    if (!results) return answer;
    const refused = results.flatMap((result, i) =>
      result.get("error") ? [{ id: part[i], reason: result.get("error").get("message") ?? "" }] : [],
    );
    const erased = results.filter((result) => result.get("deleted") === true).length;
    sum = {
      erased: sum.erased + erased,
      absent: sum.absent + part.length - erased - refused.length,
      refused: [...sum.refused, ...refused],
      done: at + part.length,
    };
    onProgress(sum);
  }
  return undefined;
}
