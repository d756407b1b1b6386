// What is measured: Roster, its peers and two floors, all in one Miniflare on one D1, so that one process has all their
// time.

import { buildSync } from "esbuild";
import { keyOf } from "./client.mjs";
import { addressOf, migrate, ROOT, roster, serve } from "./worker.mjs";

const UNLIMITED = "1000000/60";
const ONE_AN_HOUR = { limit: 1, window_seconds: 3600 };

/** Miniflare's options for a Worker of `bench/peers`. */
export function peer(file, { name = file, variables = {} } = {}) {
  const entryPoints = [`${ROOT}bench/peers/${file}.mjs`];
  const { outputFiles } = buildSync({
    entryPoints,
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
    external: ["cloudflare:workers"],
  });
  const { name: _, modules, modulesRoot, durableObjects, ...same } = roster({ name });
  const counter = outputFiles[0].text.includes("DurableObject") && {
    durableObjects: { COUNTER: { className: "Counter", useSQLite: true } },
  };
  return {
    ...same,
    ...counter,
    name,
    modules: [{ type: "ESModule", path: `${name}.mjs`, contents: outputFiles[0].text }],
    bindings: { RATE_LIMIT: UNLIMITED, ...variables },
  };
}

/** Starts them all, with remote calls that take `delayMs` longer. Each has a key, and one whose limit is used up. */
export async function open({ delayMs = 0 } = {}) {
  const variables = { DELAY_MS: delayMs };
  const slow = ["DB", "LIMITER", "USERS"].map((on) => ({ on, how: "slow", ms: delayMs, times: 1_000_000 }));
  const own = delayMs ? { entry: "tests/doubles/faulty.mjs", variables: { FAULTS: JSON.stringify(slow) } } : {};
  const limited = { RATE_LIMIT: "1/3600" };
  const miniflare = await serve([
    roster({ ...own, kvNamespaces: { COPIES: "copies" } }),
    ...["hono", "plain"].flatMap((file) => [
      peer(file, { variables }),
      peer(file, { name: `${file}-limited`, variables: limited }),
    ]),
    peer("upsert-only", { variables }),
    peer("hello"),
  ]);
  await migrate(miniflare);
  const url = await addressOf(miniflare, "roster");
  const objects = (buckets) => ({ storage: { kind: "objects", buckets } });
  const used = await keyOf(url, "used", { rate_limits: { users: ONE_AN_HOUR } });
  const targets = [
    { name: "Roster on D1", url, key: await keyOf(url, "d1"), limited: { url, key: used } },
    { name: "Roster on 1 object", url, key: await keyOf(url, "objects-1", objects(1)) },
    { name: "Roster on 4 objects", url, key: await keyOf(url, "objects-4", objects(4)) },
  ];
  for (const name of ["hono", "plain"]) {
    const key = await keyOf(url, name);
    const limited = { url: await addressOf(miniflare, `${name}-limited`), key };
    targets.push({ name, url: await addressOf(miniflare, name), key, limited });
  }
  for (const name of ["upsert-only", "hello"])
    targets.push({ name, url: await addressOf(miniflare, name), key: "none" });
  return { miniflare, targets };
}
