// Measures a deployed Roster from here, by a bounded number of calls. It deletes the users that it has made.
// Usage: URL=https://… KEY=ros_… node bench/remote.mjs, or make bench URL=… KEY=…

import { randomUUID } from "node:crypto";
import { spread, table } from "./document.mjs";

const CALLS = 100;
const AT_ONCE = 4;
if (!process.env.URL || !process.env.KEY) throw new Error("URL and KEY must be given");
const url = process.env.URL.replace(/\/$/, "");
const run = randomUUID().slice(0, 8);
const id = (i) => `bench_${run}_${i}`;
const upsert = (i, n) => ["POST", "/v1/users", { user_id: id(i), email: `${id(i)}@example.com`, properties: { plan: "premium", n } }];

const PARTS = [
  ["upsert, new", (i) => upsert(i, 1)],
  ["upsert that changes a property", (i) => upsert(i, 2)],
  ["read", (i) => ["GET", `/v1/users/${id(i)}`]],
  ["delete", (i) => ["DELETE", `/v1/users/${id(i)}`]],
];

/** Milliseconds until the whole answer is here. */
async function call([method, path, body]) {
  const headers = { Authorization: `Bearer ${process.env.KEY}`, "Content-Type": "application/json" };
  const begun = performance.now();
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body), redirect: "manual" });
  const text = await answer.text();
  const took = performance.now() - begun;
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return { took, version: answer.headers.get("x-roster-version"), place: answer.headers.get("cf-ray")?.split("-")[1] };
}

/** Makes the calls of one part, some at once. An error ends it, once those under way are over. */
async function measure(request) {
  const answers = [];
  let next = 0;
  const client = async () => {
    while (next < CALLS) answers.push(await call(request(next++)));
  };
  const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, client));
  const failed = outcomes.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  return answers;
}

console.log(`${PARTS.length * CALLS} calls to ${url}, ${AT_ONCE} at once, on users bench_${run}_0 to bench_${run}_${CALLS - 1}`);
const rows = [];
const answeredBy = new Set();
let isClean = false;
try {
  for (const [name, request] of PARTS) {
    const answers = await measure(request);
    const times = answers.map(({ took }) => took).sort((a, b) => a - b);
    const { median, least, most } = spread(times);
    rows.push([name, ...[least, median, times[Math.floor(times.length * 0.9)], most].map((ms) => ms.toFixed(1))]);
    for (const { version, place } of answers) answeredBy.add([version, place].filter(Boolean).join(" in "));
  }
  isClean = true;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
console.log(table(["ms", "least", "p50", "p90", "most"], rows));
console.log(`answered by ${[...answeredBy].join(", ") || "nobody"}`);
if (!isClean) console.log(`users that begin with bench_${run}_ may be left: delete them`);
