// How soon a change arrives at a webhook, how many a second, and what webhooks cost who writes.
// Usage: node bench/webhooks.mjs

import { once } from "node:events";
import { createServer } from "node:http";
import { admin, keyOf, send } from "./lib/client.mjs";
import { publish, spread, table } from "./lib/document.mjs";
import { start } from "./lib/worker.mjs";

const WRITES = 20;
const USERS = 500;
const MS = (ms) => ms.toFixed(1);

/** By user: who waits for its message. */
const waiting = new Map();
let arrived = 0;
let all = () => {};
const receiver = createServer(async (message, answer) => {
  let text = "";
  for await (const chunk of message) text += chunk;
  answer.writeHead(204).end();
  const { data } = JSON.parse(text);
  for (const { external_id } of data.changes ?? [data]) {
    arrived++;
    waiting.get(external_id)?.(performance.now());
  }
  if (arrived >= USERS) all();
}).listen(0, "127.0.0.1");
await once(receiver, "listening");
const { port } = /** @type {import("node:net").AddressInfo} */ (receiver.address());

const { miniflare, url } = await start({ variables: { ALLOW_INSECURE_WEBHOOKS: "true" } });

/** A project with so many webhooks, by a key that knows of them, or by one that an isolate met before. */
async function project(name, webhooks, knows = true, more = {}) {
  const early = await keyOf(url, name, undefined);
  if (!knows) await upsert({ url, key: early }, "first", 0);
  const body = { project: name, url: `http://127.0.0.1:${port}/`, ...more };
  for (let i = 0; i < webhooks; i++) await admin(url, "POST", "/v1/webhooks", body);
  return { url, key: knows ? await keyOf(url, name, undefined) : early };
}

async function upsert(target, id, n) {
  const body = { user_id: id, properties: { plan: "premium", n } };
  const { status, text } = await send(target, { method: "POST", path: "/v1/users", body });
  if (status !== 200) throw new Error(text);
}

/** Milliseconds from the answer to a write until its message has arrived. */
async function delays(target, writes) {
  const seen = [];
  for (let n = 0; n < writes; n++) {
    const id = `delay_${n}`;
    const arrival = new Promise((arrive) => waiting.set(id, arrive));
    await upsert(target, id, n);
    const answered = performance.now();
    seen.push(Math.max(0, (await arrival) - answered));
    // Past the second in which a project is poked once.
    await new Promise((next) => setTimeout(next, 1100));
  }
  return seen.sort((a, b) => a - b);
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Changes a second of a batch of all users. */
async function speed(name, batch) {
  const target = await project(name, 1, true, { batch });
  const users = Array.from({ length: USERS }, (_, i) => ({ user_id: `u${i}`, properties: { plan: "premium" } }));
  arrived = 0;
  const done = new Promise((resolve) => (all = () => resolve(performance.now())));
  await send(target, { method: "POST", path: "/v1/users/batch", body: { users } });
  const begun = performance.now();
  return (USERS / ((await done) - begun)) * 1000;
}

/** Middle milliseconds of upserts, in turns. */
async function cost(targets) {
  const took = targets.map(() => /** @type {number[]} */ ([]));
  for (let n = 0; n < 10 * WRITES; n++) {
    for (const [i, target] of targets.entries()) {
      const sent = performance.now();
      await upsert(target, `cost_${n % 50}`, n);
      took[i].push(performance.now() - sent);
    }
  }
  return took.map((times) => spread(times).median);
}

const poked = await delays(await project("poked", 1), WRITES);
const unpoked = await delays(await project("unpoked", 1, false), WRITES / 4);
const [single, batches] = [await speed("single", 1), await speed("batches", 100)];
const [none, ten] = await cost([await project("none", 0), await project("ten", 10)]);
await miniflare.dispose();
receiver.closeAllConnections();
receiver.close();
const whole = (number) => Math.round(number).toLocaleString("en");
publish(
  "webhooks",
  table(
    ["", ""],
    [
      ["delay with a poke, p50; p99", `${MS(percentile(poked, 0.5))}; ${MS(percentile(poked, 0.99))} ms`],
      ["delay without, p50; p99", `${MS(percentile(unpoked, 0.5))}; ${MS(percentile(unpoked, 0.99))} ms`],
      ["changes a second, one a message", whole(single)],
      ["changes a second, 100 a message", whole(batches)],
      ["an upsert without webhooks, with ten; middle", `${MS(none)}, ${MS(ten)} ms`],
    ],
  ),
);
