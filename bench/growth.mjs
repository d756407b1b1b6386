// What each operation takes in a project of 1,000 users, of 50,000 and of a million, in D1 and in 4 objects. Writes its
// table into bench/README.md. Usage: node bench/growth.mjs [N], a million by default, or
// make bench

import { keyOf, send } from "./lib/client.mjs";
import { publish, spread, table, times } from "./lib/document.mjs";
import { start } from "./lib/worker.mjs";

const SIZES = [1000, 50_000, Number(process.argv[2] ?? 1_000_000)];
const BESIDE = 1;
const STORES = [{ name: "D1" }, { name: "4 objects", settings: { storage: { kind: "objects", buckets: 4 } } }];
const BATCH = 1000;
const ROUNDS = 5;
/** What one operation is measured by in a round: so many requests, but those of a slow one only for so long. */
const [REQUESTS, FEWEST, SECONDS] = [40, 3, 1];
/** A prime: so that the users who are asked about lie all over the project. */
const STRIDE = 600_011;

const user = (i, n = 0) => ({
  user_id: `user_${i}`,
  email: `user${i}@example.com`,
  properties: { name: "John Doe", plan: "premium", signup_date: "2023-06-15", n },
  origin: { channel: "ios-app", campaign: "spring-launch" },
});

const upsert = (body) => ({ method: "POST", path: "/v1/users", body });
const get = (path) => ({ method: "GET", path: `/v1/users${path}` });

/** By name: the requests of one go at user `i`, whose number is even. The others stay as they were stored. */
const OPERATIONS = {
  "upsert that changes a property": (i, { n }) => [upsert(user(i, n))],
  "upsert of the same body again": (i) => [upsert(user(i + 1))],
  read: (i) => [get(`/user_${i}`)],
  "first page of the list": () => [get("?limit=50")],
  "look-up by e-mail": (i) => [get(`?email=user${i}%40example.com`)],
  "page of changes since": (_, { filled }) => [{ method: "GET", path: `/v1/changes?since=${filled}&limit=50` }],
  "delete, create": (i) => [{ method: "DELETE", path: `/v1/users/user_${i + 1}` }, upsert(user(i + 1))],
};

async function expect(target, request) {
  const { status, text } = await send(target, request);
  if (status !== 200) throw new Error(`${request.path}: ${status} ${text}`);
}

/** A project of so many users, in a runtime and a D1 of its own. */
async function fill(/** @type {any} */ { name, settings }, size) {
  const { miniflare, url } = await start();
  const target = { url, key: await keyOf(url, "growth", settings) };
  const begun = performance.now();
  for (let i = 0; i < size; i += BATCH) {
    const users = Array.from({ length: Math.min(BATCH, size - i) }, (_, place) => user(i + place));
    await expect(target, { method: "POST", path: "/v1/users/batch", body: { users } });
  }
  const rate = Math.round(size / ((performance.now() - begun) / 1000));
  console.error(`${size} users in ${name}: ${rate} a second`);
  return { ...target, miniflare, size, filled: new Date().toISOString() };
}

/** Changes a property whenever it is used. */
let n = 1;

/** The median, in milliseconds. */
async function measure({ size, filled, ...target }, operation) {
  const took = [];
  const begun = performance.now();
  while (took.length < FEWEST || (took.length < REQUESTS && performance.now() - begun < SECONDS * 1000)) {
    const i = 2 * ((n * STRIDE) % (size / 2));
    const requests = OPERATIONS[operation](i, { n: n++, filled });
    const sent = performance.now();
    for (const request of requests) await expect(target, request);
    took.push(performance.now() - sent);
  }
  return spread(took).median;
}

/** An operation's median at each size, and how many times that at 50,000 users it is, round by round. */
async function compare(projects, operation) {
  const rounds = [];
  for (let round = -1; round < ROUNDS; round++) {
    const medians = [];
    // One size after the other: what else the machine does meets all alike. The round before the first only warms up.
    for (const project of projects) medians.push(await measure(project, operation));
    if (round >= 0) rounds.push(medians);
  }
  return SIZES.map((_, place) => {
    const median = spread(rounds.map((medians) => medians[place])).median.toFixed(2);
    return place === BESIDE
      ? median
      : `${median}; ${times(spread(rounds.map((medians) => medians[place] / medians[BESIDE])))}`;
  });
}

const rows = [];
for (const store of STORES) {
  const projects = [];
  for (const size of SIZES) projects.push(await fill(store, size));
  for (const operation of Object.keys(OPERATIONS))
    rows.push([operation, store.name, ...(await compare(projects, operation))]);
  for (const { miniflare } of projects) await miniflare.dispose();
}
publish("growth", table(["p50, ms", "in", ...SIZES.map((size) => `${size.toLocaleString("en")} users`)], rows));
