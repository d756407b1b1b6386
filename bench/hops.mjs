// What a warm upsert takes where every remote call takes 100 ms longer, at 1 and at 16 requests at once. The readiness
// check beside it makes one remote call and nothing else. Measured without wrangler's proxy, which costs more than the
// Worker does. Usage: make bench

import { readdir, readFile } from "node:fs/promises";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_splitSqlQuery as statementsOf } from "wrangler";

const ADMIN_TOKEN = "admin-token-of-the-bench";
const REQUESTS = 208;

const root = new URL("..", import.meta.url).pathname;
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    handleStructuredLogs() {},
    modules: [
      { type: "ESModule", path: `${root}tests/contract/slow.mjs` },
      { type: "ESModule", path: `${root}build/index.js` },
      { type: "CompiledWasm", path: `${root}build/index_bg.wasm` },
    ],
    modulesRoot: root,
    compatibilityDate: "2026-10-01",
    d1Databases: { DB: "roster" },
    durableObjects: { LIMITER: { className: "LimiterObject", useSQLite: true } },
    assets: { directory: `${root}build/public`, binding: "ASSETS", routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true } },
    bindings: { ADMIN_TOKEN, RATE_LIMIT: "100000/60" },
  }),
);

async function migrate() {
  const database = await miniflare.getD1Database("DB");
  for (const file of (await readdir(`${root}migrations`)).sort()) {
    const statements = statementsOf(await readFile(`${root}migrations/${file}`, "utf8"));
    await database.batch(statements.map((statement) => database.prepare(statement)));
  }
}

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

const url = (await miniflare.ready).origin;
await migrate();
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
