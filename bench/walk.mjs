// What a walk through all users takes, and what becomes of upserts beside a client that walks without end. Writes its tables
// into bench/README.md. Usage: node bench/walk.mjs [N], 1,000,000 users by default

import { keyOf, send } from "./lib/client.mjs";
import { publish, table } from "./lib/document.mjs";
import { start } from "./lib/worker.mjs";

const USERS = Number(process.argv[2] ?? 1_000_000);
const STORES = [
  { name: "D1" },
  { name: "1 object", settings: { storage: { kind: "objects", buckets: 1 } } },
  { name: "16 objects", settings: { storage: { kind: "objects", buckets: 16 } } },
];
const BATCH = 1000;
/** Upserts: so many a second, each at its moment, whether those before it were answered or not. */
const [PER_SECOND, SECONDS, ROUNDS] = [200, 10, 3];
// Puts the runtime's collections of old memory off: each stops all for 30 to 170 ms, with a walk or without, and whichever
// round met one more would have the longer p99.
process.env.MINIFLARE_WORKERD_V8_FLAGS = "--initial-old-space-size=2000";

const PREMIUM = { field: "properties.plan", eq: "premium" };
const SINCE = { field: "properties.signup_date", since: "2023-06-01" };
const BERLIN = { field: "/properties/address/city", eq: "Berlin" };
/** Each with what it finds, by the users as they were sent. */
const FILTERS = {
  "no condition": { ask: {}, finds: () => true },
  "1 condition": { ask: { where: PREMIUM }, finds: isPremium },
  "3 conditions, one a date": {
    ask: { where: { all: [PREMIUM, SINCE, BERLIN] } },
    finds: ({ properties }) =>
      isPremium({ properties }) && properties.signup_date >= SINCE.since && properties.address.city === "Berlin",
  },
  "1 condition, by a field": { ask: { where: PREMIUM, by: "origin.campaign" }, finds: isPremium },
};

function isPremium({ properties }) {
  return properties.plan === "premium";
}

const user = (i, n = 0) => ({
  user_id: `user_${i}`,
  email: `user${i}@example.com`,
  properties: {
    plan: i % 3 ? "premium" : "free",
    signup_date: `2023-${String((i % 12) + 1).padStart(2, "0")}-15`,
    address: { city: i % 2 ? "Berlin" : "Paris" },
    n,
  },
  origin: { channel: "ios-app", campaign: `campaign ${i % 20}` },
});

async function expect(target, request) {
  const { status, text } = await send(target, request);
  if (status !== 200) throw new Error(`${request.path}: ${status} ${text}`);
  return JSON.parse(text);
}

async function fill(/** @type {any} */ { settings }) {
  const { miniflare, url } = await start({ variables: { QUERY_RATE_LIMIT: "1000000/60" } });
  const target = { url, key: await keyOf(url, "walk", settings) };
  for (let i = 0; i < USERS; i += BATCH) {
    const users = Array.from({ length: BATCH }, (_, place) => user(i + place));
    await expect(target, { method: "POST", path: "/v1/users/batch", body: { users } });
  }
  return { ...target, miniflare };
}

/** Counts to the end. Answers how many match, and what it took. */
async function count(target, body, goesOn = () => true) {
  const begun = performance.now();
  let [found, examined, cursor] = [0, 0, undefined];
  do {
    const answer = await expect(target, { method: "POST", path: "/v1/users/count", body: { ...body, cursor } });
    found += answer.count;
    examined += answer.examined;
    cursor = answer.pagination.next_cursor;
  } while (cursor && goesOn());
  return { found, examined, seconds: (performance.now() - begun) / 1000 };
}

let n = 1;

/** The times of upserts at a steady rate, in milliseconds. */
async function upserts(target) {
  const begun = performance.now();
  const one = async (place) => {
    await new Promise((done) => setTimeout(done, Math.max(0, begun + (place * 1000) / PER_SECOND - performance.now())));
    const body = user((n * 600_011) % USERS, n++);
    const sent = performance.now();
    await expect(target, { method: "POST", path: "/v1/users", body });
    return performance.now() - sent;
  };
  const took = await Promise.all(Array.from({ length: PER_SECOND * SECONDS }, (_, place) => one(place)));
  return took.sort((a, b) => a - b);
}

/** Upserts beside one who counts again and again. */
async function beside(target) {
  let walks = true;
  const walker = (async () => {
    while (walks) await count(target, FILTERS["3 conditions, one a date"].ask, () => walks);
  })();
  const took = await upserts(target);
  walks = false;
  await walker;
  return took;
}

const of = (took, part) => took[Math.floor(took.length * part)];
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** @type {any[][]} */
const walks = [];
/** @type {any[][]} */
const latencies = [];
for (const store of STORES) {
  const target = await fill(store);
  /** @type {string[]} */
  const perSecond = [];
  /** @type {string[]} */
  const seconds = [];
  for (const [name, { ask, finds }] of Object.entries(FILTERS)) {
    const took = await count(target, ask);
    const there = Array.from({ length: USERS }, (_, i) => user(i)).filter(finds).length;
    if (took.found !== there || took.examined !== USERS) throw new Error(`${name}: ${took.found} of ${there} counted`);
    perSecond.push(Math.round(USERS / took.seconds / 1000).toLocaleString("en"));
    seconds.push(took.seconds.toFixed(1));
  }
  walks.push([store.name, "1,000 users a second", ...perSecond], [store.name, "seconds for all", ...seconds]);

  const rounds = { alone: /** @type {number[][]} */ ([]), "without end": /** @type {number[][]} */ ([]) };
  await upserts(target);
  for (let round = 0; round < ROUNDS; round++) {
    rounds.alone.push(await upserts(target));
    rounds["without end"].push(await beside(target));
  }
  const row = (what, takes) => {
    const ratios = (part) => median(takes.map((took, round) => of(took, part) / of(rounds.alone[round], part)));
    const middle = (part) => median(takes.map((took) => of(took, part))).toFixed(1);
    return [store.name, what, middle(0.5), middle(0.99), ratios(0.5).toFixed(2), ratios(0.99).toFixed(2)];
  };
  for (const [what, takes] of Object.entries(rounds)) latencies.push(row(what, takes));
  await target.miniflare.dispose();
}
publish(
  "walk",
  [
    `${USERS.toLocaleString("en")} users are counted, each answer compared with what was sent. D1 reads two rows a user.`,
    "",
    table(["count, in", "", ...Object.keys(FILTERS)], walks),
    "",
    table(
      [
        `${PER_SECOND} upserts a second, in`,
        "beside a walk",
        "p50, ms",
        "p99, ms",
        "p50, times alone",
        "p99, times alone",
      ],
      latencies,
    ),
  ].join("\n"),
);
