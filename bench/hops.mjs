// What a warm upsert takes where every remote call takes longer, at 1 and at 16 requests at once, and how many remote
// calls it waits for, one after the other, by that. Writes its table into bench/README.md. Usage: node bench/hops.mjs,
// or make bench

import { publish, table } from "./lib/document.mjs";
import { open } from "./lib/targets.mjs";

const REQUESTS = 96;
const [NONE, SHORT, LONG] = [0, 20, 100];

async function measure({ url, key }, atOnce, requests = REQUESTS) {
  const times = [];
  const client = async (_, client) => {
    for (let i = 0; i < requests / atOnce; i++) {
      const begun = performance.now();
      const headers = { Authorization: `Bearer ${key}` };
      const answer = await fetch(`${url}/v1/users`, {
        method: "POST",
        headers,
        body: JSON.stringify({ user_id: `${client}-${i}` }),
      });
      await answer.text();
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
}

/** By target and number at once: what was measured with each delay. */
const measured = new Map();
for (const delayMs of [NONE, SHORT, LONG]) {
  const { miniflare, targets } = await open({ delayMs });
  for (const target of targets.filter(({ name }) => name !== "hello")) {
    for (const atOnce of [1, 16]) {
      await measure(target, atOnce, 16);
      const row = `${target.name} | ${atOnce}`;
      measured.set(row, [...(measured.get(row) ?? []), await measure(target, atOnce)]);
    }
  }
  await miniflare.dispose();
}

const head = [
  `warm upsert; p50 and p99 of ${REQUESTS}, ms`,
  "at once",
  `${NONE} ms`,
  `${SHORT} ms`,
  `${LONG} ms more`,
  "hops",
];
const rows = Array.from(measured, ([row, by]) => {
  const hops = (by[2].p50 - by[0].p50) / (LONG - NONE);
  return [row, ...by.map(({ p50, p99 }) => `${p50.toFixed(1)}, ${p99.toFixed(1)}`), hops.toFixed(2)];
});
publish("hops", table(head, rows));
