// What Roster is faster and what it is slower at, by the tables that the other benches have written: into bench/README.md,
// and what a hop takes into README.md. Usage: node bench/summary.mjs, or make bench

import { readFileSync, writeFileSync } from "node:fs";
import { measuredBy, publish, table } from "./lib/document.mjs";
import { ROOT } from "./lib/worker.mjs";

/** The first figure of a cell, found by how its row begins and by its column's name; behind a title in bold, if need be. */
function figure(bench, row, column, title = "") {
  const text = measuredBy(bench);
  const lines = text.slice(title ? text.indexOf(`**${title}**`) : 0).split("\n");
  const rows = lines.map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  const head = rows.findIndex((cells) => cells.includes(column));
  const found = rows.slice(head).find((cells) => row.every((part, place) => cells[place] === part));
  if (!found) throw new Error(`bench/README.md: ${bench} wrote no ${column} of ${row.join(", ")}`);
  return found[rows[head].indexOf(column)].split(/[, ]/)[0];
}

const hop = (target) => figure("hops", [target, "1"], "100 ms more");
const rate = (title) => (target) => figure("run", [target], "requests/s", `${title}, 16 at once`);
const users = (size) => (target) => figure("run", [target], "users/s", `batch of ${size}, 1 at once`);
const start = (what) => (target) => figure("start", [what], target);
const granted = (column) => figure("limiter", ["a token", "1"], `${column}, asks/s`);

const [D1, OBJECT, OBJECTS] = ["Roster on D1", "Roster on 1 object", "Roster on 4 objects"];
const UPSERT = "upsert that changes a property";
/** What takes so many ms, or is done so often a second, by whom, and by whom beside. */
const COMPARED = [
  { what: "warm upsert, each remote call 100 ms longer", ms: hop, own: D1, other: "hono" },
  { what: `${UPSERT}, 16 at once`, perSecond: rate(UPSERT), own: D1, other: "hono" },
  { what: `${UPSERT}, 16 at once`, perSecond: rate(UPSERT), own: OBJECTS, other: "hono" },
  { what: "read, 16 at once", perSecond: rate("read"), own: D1, other: "hono" },
  { what: "read, 16 at once", perSecond: rate("read"), own: OBJECTS, other: "hono" },
  { what: "refusal past the limit, 16 at once", perSecond: rate("429"), own: D1, other: "hono" },
  { what: "evaluation of all modules", ms: start("modules evaluated"), own: "Roster", other: "hono" },
  { what: "first answer of a fresh runtime", ms: start("first answer: /health"), own: "Roster", other: "hono" },
  { what: "users in batches of 100", perSecond: users(100), own: OBJECT, other: D1 },
  { what: "users in batches of 1,000", perSecond: users(1000), own: OBJECT, other: D1 },
  { what: "tokens granted by one object", perSecond: granted, own: "Roster", other: "counter in memory" },
];

const rows = { faster: /** @type {string[][]} */ ([]), slower: /** @type {string[][]} */ ([]) };
for (const { what, ms, perSecond, own, other } of COMPARED) {
  const of = ms ?? perSecond;
  const [figures, unit] = [[own, other].map(of), ms ? "ms" : "a second"];
  const isFaster = ms ? Number(figures[0]) < Number(figures[1]) : Number(figures[0]) > Number(figures[1]);
  rows[isFaster ? "faster" : "slower"].push([what, `${own}: ${figures[0]} ${unit}`, `${other}: ${figures[1]} ${unit}`]);
}
const parts = Object.entries(rows).filter(([, found]) => found.length > 0);
publish("summary", parts.map(([at, found]) => table([`Roster is ${at}`, "Roster", "beside"], found)).join("\n\n"));

const README = `${ROOT}README.md`;
const hops = [D1, OBJECT, OBJECTS].map((target) => Math.round(Number(hop(target))));
const said = /\d+–\d+(?= ms, where each remote call takes 100 ms longer)/;
const text = readFileSync(README, "utf8");
if (!said.test(text)) throw new Error("README.md does not say what a hop takes");
writeFileSync(README, text.replace(said, `${Math.min(...hops)}–${Math.max(...hops)}`));
