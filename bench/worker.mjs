// The Worker as it was built, in Miniflare: without wrangler's proxy, which costs more than the Worker does.

import { readdir, readFile } from "node:fs/promises";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_splitSqlQuery as statementsOf } from "wrangler";

export const ADMIN_TOKEN = "admin-token-of-the-bench";

const root = new URL("..", import.meta.url).pathname;
const assets = {
  directory: `${root}build/public`,
  binding: "ASSETS",
  routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true },
};

/** Starts it with an empty database and these variables, behind the entry module `entry` if there is one. */
export async function start({ entry, variables, ...options }) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      handleStructuredLogs() {},
      modules: [
        ...(entry ? [{ type: "ESModule", path: root + entry }] : []),
        { type: "ESModule", path: `${root}src/edge/entry.js` },
        { type: "ESModule", path: `${root}build/index.js` },
        { type: "CompiledWasm", path: `${root}build/index_bg.wasm` },
      ],
      modulesRoot: root,
      compatibilityDate: "2026-10-01",
      d1Databases: { DB: "roster" },
      ratelimits: { STRANGERS: { namespace_id: "1", simple: { limit: 100, period: 60 } } },
      durableObjects: { LIMITER: { className: "LimiterObject", useSQLite: true } },
      assets,
      bindings: { ADMIN_TOKEN, ...variables },
      ...options,
    }),
  );
  const url = (await miniflare.ready).origin;
  await migrate(await miniflare.getD1Database("DB"));
  return { miniflare, url };
}

async function migrate(database) {
  for (const file of (await readdir(`${root}migrations`)).sort()) {
    const statements = statementsOf(await readFile(`${root}migrations/${file}`, "utf8"));
    await database.batch(statements.map((statement) => database.prepare(statement)));
  }
}
