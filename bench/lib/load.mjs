// A process that sends requests: its parent tells it what to send, and it answers how that went.

import { send } from "./client.mjs";
import { operations } from "./operations.mjs";

/** No two runs send the same bodies. */
let n = 1;

async function expect(target, status, request) {
  const answer = await send(target, request);
  if (answer.status !== status) throw new Error(`${answer.status}: ${answer.text}`);
}

async function run({ target, operation, seconds }) {
  const { atOnce, request, setUp = [], users, limited } = operations[operation];
  // The floor answers everything with 200.
  const status = target.name === "hello" ? 200 : operations[operation].status;
  const to = limited ? (target.limited ?? target) : target;
  for (const first of setUp) await send(to, first);
  if (limited) await send(to, request(0, 0));
  const times = [];
  let sent = 0;
  process.send?.({ begun: true });
  const begun = performance.now();
  const client = async () => {
    let now = performance.now();
    while (now - begun < seconds * 1000) {
      await expect(to, status, request(sent++, n));
      const answered = performance.now();
      times.push(answered - now);
      now = answered;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  n += sent;
  const rate = (users * times.length) / ((performance.now() - begun) / 1000);
  times.sort((a, b) => a - b);
  const quantile = (q) => times[Math.floor(times.length * q)];
  return { requests: times.length, rate, p50: quantile(0.5), p99: quantile(0.99) };
}

process.on("message", (/** @type {any} */ told) => {
  run(told).then(
    (result) => process.send?.({ result }),
    (error) => process.send?.({ error: String(error) }),
  );
});
