// How long a project takes from D1 to 16 objects while clients call, and how long they wait.
// Usage: node bench/move.mjs [users, 100,000 by default] [clients, 64 by default]

import { admin, keyOf, send } from "./lib/client.mjs";
import { publish, table } from "./lib/document.mjs";
import { start } from "./lib/worker.mjs";

const USERS = Number(process.argv[2] ?? 100_000);
const CLIENTS = Number(process.argv[3] ?? 64);
/** Users in a batch. */
const BATCH = 1000;
/** Seconds of a run in which nothing moves. */
const QUIET_S = 10;
const PATH = "/v1/projects/bench/move";

const user = (i, n) => ({
  user_id: `user_${i}`,
  email: `user${i}@example.com`,
  properties: { name: "John Doe", plan: "premium", signup_date: "2023-06-15", n },
  origin: { channel: "ios-app", campaign: "spring-launch" },
});

/** The clients upsert and read in turn until `isOver`. Answers the milliseconds of each call, and how many were not served. */
async function load(target, isOver) {
  const took = [];
  let unserved = 0;
  const client = async (number) => {
    for (let n = 1; !isOver(); n++) {
      const i = (number * 7919 + n * 104_729) % USERS;
      const request =
        n % 2
          ? { method: "POST", path: "/v1/users", body: user(i, n) }
          : { method: "GET", path: `/v1/users/user_${i}` };
      const sent = performance.now();
      const { status, text } = await send(target, request);
      took.push(performance.now() - sent);
      if (status === 503) unserved++;
      else if (status !== 200) throw new Error(`${request.path}: ${status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  return { took: took.sort((a, b) => a - b), unserved };
}

const figures = ({ took, unserved }, seconds) => [
  seconds.toFixed(1),
  Math.round(took.length / seconds).toLocaleString("en"),
  took[Math.floor(took.length * 0.99)].toFixed(0),
  took.at(-1).toFixed(0),
  unserved,
];

/** Runs the clients beside some work, and answers what they saw. */
async function beside(target, work) {
  let isOver = false;
  const begun = performance.now();
  const loaded = load(target, () => isOver);
  await work();
  const seconds = (performance.now() - begun) / 1000;
  isOver = true;
  return figures(await loaded, seconds);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function move(url) {
  await admin(url, "POST", PATH, { storage: { kind: "objects", buckets: 16 } });
  for (;;) {
    const { state, error } = (await admin(url, "GET", PATH)).move;
    if (error) console.error(`${state}: ${error}`);
    if (state === "done") return;
    await sleep(100);
  }
}

const { miniflare, url } = await start();
const target = { url, key: await keyOf(url, "bench", undefined) };
for (let from = 0; from < USERS; from += BATCH) {
  const users = Array.from({ length: Math.min(BATCH, USERS - from) }, (_, i) => user(from + i, 0));
  const { status, text } = await send(target, { method: "POST", path: "/v1/users/batch", body: { users } });
  if (status !== 200) throw new Error(text);
}
const quiet = await beside(target, () => sleep(QUIET_S * 1000));
const moving = await beside(target, () => move(url));
await miniflare.dispose();
const head = [
  `${USERS.toLocaleString("en")} users, ${CLIENTS} clients`,
  "s",
  "calls a second",
  "p99, ms",
  "longest, ms",
  "503",
];
publish(
  "move",
  table(head, [
    ["nothing moves", ...quiet],
    ["D1 to 16 objects, the old rows removed", ...moving],
  ]),
);
