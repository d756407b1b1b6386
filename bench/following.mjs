// How many changes a second a follower takes in: of all users, and of those that have changed since it was at the end.
// Usage: node bench/following.mjs

import { keyOf, send } from "./lib/client.mjs";
import { publish, spread, table } from "./lib/document.mjs";
import { start } from "./lib/worker.mjs";

const USERS = 20_000;
const ROUNDS = 7;
/** Users in a batch: what changes in a round. */
const BATCH = 1000;
/** Calls at the end, for their median. */
const CALLS = 50;

const STORES = [
  { name: "D1", settings: undefined },
  { name: "16 objects", settings: { storage: { kind: "objects", buckets: 16 } } },
];

const user = (i, n) => ({
  user_id: `user_${i}`,
  email: `user${i}@example.com`,
  properties: { name: "John Doe", plan: "premium", signup_date: "2023-06-15", n },
  origin: { channel: "ios-app", campaign: "spring-launch" },
});

async function expect(target, request) {
  const { status, text } = await send(target, request);
  if (status !== 200) throw new Error(`${request.path}: ${status} ${text}`);
  return text;
}

/** Sends a batch that changes the users from one on. */
async function change(target, from, n) {
  const users = Array.from({ length: BATCH }, (_, i) => user(from + i, n));
  await expect(target, { method: "POST", path: "/v1/users/batch", body: { users } });
}

/** Goes on to the end, and answers how many changes came and where it is. */
async function follow(target, cursor, limit) {
  let changes = 0;
  for (;;) {
    const after = cursor ? `&cursor=${cursor}` : "";
    const page = JSON.parse(await expect(target, { method: "GET", path: `/v1/changes?limit=${limit}${after}` }));
    changes += page.changes.length;
    cursor = page.pagination.next_cursor;
    if (!page.pagination.has_more) return { changes, cursor };
  }
}

/** Changes a second until the end. */
async function speed(target, cursor, limit, expected) {
  const begun = performance.now();
  const { changes } = await follow(target, cursor, limit);
  const seconds = (performance.now() - begun) / 1000;
  if (changes !== expected) throw new Error(`${target.name}: ${changes} changes instead of ${expected}`);
  return changes / seconds;
}

/** Milliseconds of a call that has nothing new. */
async function idle(target, cursor) {
  const took = [];
  for (let call = 0; call < CALLS; call++) {
    const sent = performance.now();
    await follow(target, cursor, 1000);
    took.push(performance.now() - sent);
  }
  return spread(took).median;
}

const { miniflare, url } = await start();
const targets = [];
for (const { name, settings } of STORES) {
  const target = { name, url, key: await keyOf(url, name.toLowerCase().replace(" ", "-"), settings) };
  for (let from = 0; from < USERS; from += BATCH) await change(target, from, 0);
  targets.push(target);
}
/** By what is measured: the figures of each target, a round after the other. */
const MEASURES = ["all users", "1,000 changes, 1,000 a page", "1,000 changes, 100 a page", "a call without any, ms"];
const seen = targets.map(() => MEASURES.map(() => /** @type {number[]} */ ([])));
// One target after the other: what else the machine does meets both alike. The round before the first only warms up.
for (let round = -1; round < ROUNDS; round++) {
  for (const [place, target] of targets.entries()) {
    const { cursor } = await follow(target, undefined, 1000);
    const figures = [await speed(target, undefined, 1000, USERS)];
    await change(target, (round + 1) * BATCH, round + 2);
    for (const limit of [1000, 100]) figures.push(await speed(target, cursor, limit, BATCH));
    figures.push(await idle(target, (await follow(target, cursor, 1000)).cursor));
    if (round >= 0) for (const [i, figure] of figures.entries()) seen[place][i].push(figure);
  }
}
await miniflare.dispose();
const shown = (figures, i) => {
  const { median, least, most } = spread(figures);
  const text = (figure) => (i === 3 ? figure.toFixed(1) : Math.round(figure).toLocaleString("en"));
  return `${text(median)} (${text(least)}–${text(most)})`;
};
const rows = MEASURES.map((what, i) => [what, ...seen.map((figures) => shown(figures[i], i))]);
publish("following", table(["changes a second; middle, least and most", ...STORES.map(({ name }) => name)], rows));
