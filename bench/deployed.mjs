// Measures a deployed Roster from here, by its key alone: 300 calls, 4 at once, under ids that nobody else has. Deletes
// the users that it made, or says which it left. Usage: make bench URL=https://… with KEY=ros_… in the environment, or
// as an argument of make

import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { spread, table } from "./lib/document.mjs";

const AT_ONCE = 4;
const USERS = 40;
const HANG_MS = 30_000;
/** What an answer to a deletion asks for is waited for, once, and only so long. */
const PATIENCE_SECONDS = 120;
const PREFIX = `bench-${randomBytes(6).toString("hex")}-`;

const { URL: address = "", KEY: key = "" } = process.env;
const { origin, protocol, hostname = "" } = URL.parse(address) ?? {};
const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
if (protocol !== "https:" && !(protocol === "http:" && isLocal))
  fail("URL must be https://…, or http:// on this machine: the key goes there");
if (!/^ros_\w+$/.test(key)) fail("KEY must be an API key, ros_…; the admin token is not needed");

function fail(message) {
  console.error(message);
  process.exit(2);
}

const upsert = (i, n) => ({
  method: "POST",
  path: "/v1/users",
  body: { user_id: PREFIX + (i % USERS), properties: { n } },
});
const at = (method, i) => ({ method, path: `/v1/users/${PREFIX}${i % USERS}` });

/** In this order; all but the first need the key. The last one cleans up. */
const OPERATIONS = [
  { name: "/health", calls: 20, request: () => ({ method: "GET", path: "/health" }) },
  { name: "upsert that creates", calls: USERS, request: (i) => upsert(i, 0) },
  { name: "upsert that changes a property", calls: 80, request: (i) => upsert(i, 1 + i) },
  { name: "upsert of the same body again", calls: 60, request: (i) => upsert(i, 1 + USERS + (i % USERS)) },
  { name: "read", calls: 60, request: (i) => at("GET", i) },
  { name: "delete", calls: USERS, request: (i) => at("DELETE", i), always: true },
];
const CALLS = OPERATIONS.reduce((sum, { calls }) => sum + calls, 0);

/** Users that may be there, and where answers came from: the place of Cloudflare, and the version. */
const [made, places, versions] = [new Set(), new Set(), new Set()];
let stopped;
process.once("SIGINT", () => (stopped = "interrupted"));

async function call(/** @type {any} */ { method, path, body }) {
  const isNew = method === "POST" && !made.has(body.user_id);
  if (isNew) made.add(body.user_id);
  const begun = performance.now();
  const answer = await fetch(origin + path, {
    method,
    headers: path === "/health" ? {} : { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
    redirect: "manual",
    signal: AbortSignal.timeout(HANG_MS),
  });
  const text = await answer.text();
  const took = performance.now() - begun;
  places.add(answer.headers.get("CF-Ray")?.split("-")[1]);
  versions.add(answer.headers.get("X-Roster-Version"));
  if (isNew && answer.status >= 400 && answer.status < 500) made.delete(body.user_id);
  if (method === "DELETE" && answer.ok) made.delete(path.split("/").at(-1));
  return { took, status: answer.status, text, retryAfter: Number(answer.headers.get("Retry-After")) };
}

/** The milliseconds of the calls that were answered 200, and why there are no more, if there are fewer. */
/** @param {{ calls: number, request: (i: number) => any, always?: boolean }} operation */
async function run({ calls, request, always }) {
  /** @type {number[]} */
  const times = [];
  let sent = 0;
  /** @type {{ status: number, text: string, retryAfter: number } | undefined} */
  let fault;
  const client = async () => {
    while (sent < calls && !fault && (always || !stopped)) {
      const { took, status, text, retryAfter } = await call(request(sent++)).catch((error) => ({
        took: NaN,
        status: 0,
        text: String(error.cause ?? error),
        retryAfter: NaN,
      }));
      if (status === 200) times.push(took);
      else fault ??= { status, text, retryAfter };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return { times, fault };
}

/** Deletes the users that are still there, after the seconds that the last answer asked for. */
async function deleteRest(seconds) {
  if (seconds > PATIENCE_SECONDS) return;
  console.log(`Deleting the rest in ${seconds} s`);
  await setTimeout(seconds * 1000);
  for (const id of [...made]) await call({ method: "DELETE", path: `/v1/users/${id}` }).catch(() => {});
}

console.log(
  `${CALLS} calls to ${origin}, ${AT_ONCE} at once, with the key ${key.slice(0, 8)}…: ` +
    `they make the users ${PREFIX}0 to ${PREFIX}${USERS - 1} and delete them.`,
);
const rows = [];
let floor;
for (const operation of OPERATIONS) {
  if ((stopped && !operation.always) || (operation.always && made.size === 0)) continue;
  const { times, fault } = await run(operation);
  const sorted = times.toSorted((a, b) => a - b);
  const median = times.length ? spread(times).median : NaN;
  floor ??= median;
  const figures = [median, sorted[Math.floor(sorted.length * 0.99)], median - floor].map((ms) => ms?.toFixed(1));
  rows.push([
    operation.name,
    times.length,
    ...(times.length ? [...figures, (median / floor).toFixed(2)] : ["–", "–", "–", "–"]),
  ]);
  if (!fault) continue;
  console.log(`${operation.name}: ${fault.status} ${fault.text}`);
  process.exitCode = 1;
  // Without the scope of one operation, the others can be measured.
  if (fault.status !== 403) stopped = "failed";
  if (operation.always && ![401, 403].includes(fault.status)) await deleteRest(fault.retryAfter || 1);
}
console.log(`\n${table(["from here", "calls", "p50, ms", "p99, ms", "ms beyond /health", "times /health"], rows)}\n`);
const told = (values) => [...values].filter(Boolean).join(", ") || "not told";
console.log(`Answered in (CF-Ray): ${told(places)}; version: ${told(versions)}. Hops are told by the log alone.`);
console.log(made.size ? `Left, or perhaps left: ${[...made].join(" ")}` : "Left: nothing.");
if (made.size) process.exitCode = 1;
