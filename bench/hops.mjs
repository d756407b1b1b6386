// What a warm upsert takes where every remote call takes 100 ms longer, at 1 and at 16 requests at once. The readiness
// check beside it makes one remote call and nothing else. Usage: node bench/hops.mjs, or make bench

import { ADMIN_TOKEN, start } from "./worker.mjs";

const REQUESTS = 208;

async function median(atOnce, call) {
  const times = [];
  const client = async (_, client) => {
    for (let i = 0; i < REQUESTS / atOnce; i++) {
      const begun = performance.now();
      const answer = await call(`${client}-${i}`);
      await answer.text();
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return times.sort((a, b) => a - b)[times.length >> 1].toFixed(1).padStart(6);
}

const FAULTS = JSON.stringify(["DB", "LIMITER"].map((on) => ({ on, how: "slow", times: 1_000_000 })));
const { miniflare, url } = await start({ entry: "tests/doubles/faulty.mjs", variables: { RATE_LIMIT: "100000/60", FAULTS } });
const post = (path, token, body) =>
  fetch(url + path, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
const { key } = await (await post("/v1/keys", ADMIN_TOKEN, { name: "bench" })).json();

console.log("at once  readiness   upsert   (median of 208, in ms)");
for (const atOnce of [1, 16]) {
  const upsert = (id) => post("/v1/users", key, { user_id: id });
  await median(atOnce, upsert);
  const ready = await median(atOnce, () => fetch(`${url}/health/ready`));
  console.log(`${String(atOnce).padStart(7)}     ${ready}   ${await median(atOnce, upsert)}`);
}
await miniflare.dispose();
