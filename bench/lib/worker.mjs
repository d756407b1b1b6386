// Workers as they were built, in Miniflare: without wrangler's proxy, which costs more than the Worker does.

import { readdirSync, readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_splitSqlQuery as statementsOf } from "wrangler";

export const ADMIN_TOKEN = "admin-token-of-the-bench";
export const ROOT = new URL("../..", import.meta.url).pathname;

const UNLIMITED = "1000000/60";
const CLASSES = { LIMITER: "LimiterObject", USERS: "UsersObject", MOVER: "MoverObject", WEBHOOKS: "WebhookObject" };

/**
 * Miniflare's options for the Roster that was built in the directory `root`. `entry` is a module in front of its own.
 * `objectsOf` is the Worker whose classes its objects are of: its own, unless it says otherwise.
 * @param {{
 *   name?: string,
 *   root?: string,
 *   entry?: string,
 *   variables?: Record<string, unknown>,
 *   objectsOf?: { name: string, root: string },
 *   [option: string]: unknown,
 * }} [options]
 */
export function roster({
  name = "roster",
  root = ROOT,
  entry,
  variables,
  objectsOf = { name, root },
  ...options
} = {}) {
  const durableObjects = {};
  for (const [binding, className] of Object.entries(CLASSES)) {
    // A class that only this Worker has came with it.
    const home = [objectsOf, { name, root }].find((version) => hasClass(version, className));
    if (home) durableObjects[binding] = { className, useSQLite: true, scriptName: home.name };
  }
  return {
    name,
    modules: [
      ...(entry ? [{ type: "ESModule", path: root + entry }] : []),
      { type: "ESModule", path: `${root}src/edge/entry.js` },
      { type: "ESModule", path: `${root}build/index.js` },
      { type: "CompiledWasm", path: `${root}build/index_bg.wasm` },
    ],
    modulesRoot: root,
    compatibilityDate: "2026-10-01",
    d1Databases: { DB: "roster" },
    ratelimits: { UNKNOWN_KEYS: { namespace_id: "1", simple: { limit: 100, period: 60 } } },
    durableObjects,
    assets: {
      directory: `${root}build/public`,
      binding: "ASSETS",
      routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true },
    },
    bindings: { ADMIN_TOKEN, RATE_LIMIT: UNLIMITED, BATCH_RATE_LIMIT: UNLIMITED, ...variables },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    ...options,
  };
}

/** Whether the Roster that was built in this version's directory has a class of objects. */
const hasClass = ({ root }, className) =>
  readFileSync(`${root}src/edge/entry.js`, "utf8").includes(`class ${className} `);

/** Starts Workers, which share an empty D1. */
export async function serve(workers, options = {}) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ host: "127.0.0.1", port: 0, handleStructuredLogs() {}, ...options, workers }),
  );
  await miniflare.ready;
  return miniflare;
}

/** The address of one Worker, without Miniflare's own Worker in front of it. */
export const addressOf = async (miniflare, name) => (await miniflare.unsafeGetDirectURL(name)).origin;

/** Applies to D1 those migrations of `root` that are not in `applied`, a set of their names. */
export async function migrate(miniflare, root = ROOT, applied = new Set()) {
  const database = await miniflare.getD1Database("DB");
  const files = readdirSync(`${root}migrations`)
    .filter((file) => file.endsWith(".sql") && !applied.has(file))
    .sort();
  for (const file of files) {
    const statements = statementsOf(readFileSync(`${root}migrations/${file}`, "utf8"));
    await database.batch(statements.map((statement) => database.prepare(statement)));
    applied.add(file);
  }
}

/**
 * Starts Roster alone, with tables.
 * @param {{ entry?: string, variables?: Record<string, unknown>, [option: string]: unknown }} [options]
 */
export async function start({ entry, variables, ...options } = {}) {
  const miniflare = await serve([roster({ entry, variables })], options);
  await migrate(miniflare);
  return { miniflare, url: await addressOf(miniflare, "roster") };
}
