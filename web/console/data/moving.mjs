// Where a project's users live, and their move to another storage.

import { number, span } from "./text.mjs";

/** @typedef {{ kind: string, buckets?: number, jurisdiction?: string | null, location?: string | null }} Storage */
/**
 * @typedef {{
 *   state: string,
 *   from: Storage,
 *   to: Storage,
 *   copied: number,
 *   total: number,
 *   behind: number | null,
 *   since: string,
 *   error: string | null,
 * }} Move
 */

/** @param {Storage} storage */
export function storageText({ kind, buckets, jurisdiction, location }) {
  if (kind !== "objects") return "D1, shared";
  const place = jurisdiction ?? location;
  return `${buckets === 1 ? "Its own object" : `${buckets} objects of its own`}${place ? `, ${place}` : ""}`;
}

/** Where a project can live: a name, and what is sent. @type {[name: string, storage: Storage, about: string][]} */
export const TARGETS = [
  ["D1, shared", { kind: "d1" }, "10 GB and one thread for all such projects together."],
  ["One object of its own", { kind: "objects", buckets: 1 }, "10 GB and a thread for this project alone."],
  ["4 objects of its own", { kind: "objects", buckets: 4 }, "Four times as much of both. A batch is atomic in each."],
  ["16 objects of its own", { kind: "objects", buckets: 16 }, "Sixteen times as much."],
];

/** The law that objects stay under. */
export const JURISDICTIONS = ["eu", "us", "fedramp"];

/**
 * What each state means to the project, whether it can be given up, and whether the project lives in its new storage.
 * @type {Record<string, { text: string, isRunning?: boolean, mayEnd?: boolean, hasArrived?: boolean }>}
 */
export const STATES = {
  preparing: { text: "Getting ready. The app goes on as before.", isRunning: true, mayEnd: true },
  copying: { text: "Copying. The app goes on as before.", isRunning: true, mayEnd: true },
  switching: { text: "Switching: writes wait for a moment.", isRunning: true },
  cleaning: { text: "The project is in its new storage; the old one is emptied.", isRunning: true, hasArrived: true },
  done: { text: "Moved.", hasArrived: true },
  "giving up": { text: "Giving up: what was copied is removed. The app goes on as before.", isRunning: true },
  "given up": { text: "Given up: the project stayed where it was." },
};

/** How far it is. @param {Move} move */
export const progressText = ({ copied, total, behind }) =>
  `${number(copied)} copied, of ${number(total)} users when it began${behind === null ? "" : `; ${span(behind)} behind`}`;
