// What it takes to start, and what memory is then held: Roster, the Hono peer and the floor, each alone in a fresh
// runtime, in turn, in rounds. Writes its tables into bench/README.md. Linux alone tells the time of a processor.
// Usage: node bench/start.mjs, or make bench

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { keyOf, send } from "./lib/client.mjs";
import { publish, spread, table, times } from "./lib/document.mjs";
import { inspect } from "./lib/isolate.mjs";
import { operations } from "./lib/operations.mjs";
import { cpuMs, runtime } from "./lib/processor.mjs";
import { peer } from "./lib/targets.mjs";
import { addressOf, migrate, roster, serve } from "./lib/worker.mjs";

const ROUNDS = 7;
const REQUESTS = 10_000;
const AT_ONCE = 4;
const SERVERS = [
  { name: "Roster", worker: roster(), entry: "src/edge/entry.js" },
  { name: "hono", worker: peer("hono"), entry: "hono.mjs" },
  { name: "hello", worker: peer("hello"), entry: "hello.mjs" },
];
const directory = mkdtempSync(`${tmpdir()}/roster-start-`);

/** A server alone in a fresh runtime, on the D1 and the objects of the one before it. */
async function open({ name, worker }, options = {}) {
  const begun = performance.now();
  const miniflare = await serve([worker], { resourcePersistencePath: `${directory}/${name}`, ...options });
  return { miniflare, url: await addressOf(miniflare, worker.name), readyMs: performance.now() - begun };
}

/** Milliseconds that a request takes, and what the runtime uses of a processor meanwhile. */
async function time(target, request, status = 200) {
  const pid = runtime();
  const [begun, used] = [performance.now(), cpuMs(pid)];
  const answer = await send(target, request);
  if (answer.status !== status) throw new Error(`${target.name} ${request.path}: ${answer.status} ${answer.text}`);
  return { ms: performance.now() - begun, cpu: pid && cpuMs(pid) - used };
}

/** Evaluates a server's modules, and with them instantiates its WebAssembly, in a Worker that has not done so yet. */
async function evaluate({ worker, entry }) {
  const contents = `export default {
    async fetch({ url }) { if (url.endsWith("/start")) await import("./${entry}"); return new Response(); }
  };`;
  const { modules, modulesRoot = "/" } = worker;
  const shim = { type: "ESModule", path: `${modulesRoot}start.mjs`, contents };
  const named = modules.map((module) => ({
    ...module,
    path: module.path.startsWith("/") ? module.path : modulesRoot + module.path,
  }));
  const miniflare = await serve([{ ...worker, modules: [shim, ...named], modulesRoot, durableObjects: {} }]);
  const target = { url: await addressOf(miniflare, worker.name), key: "none" };
  for (let i = 0; i < 20; i++) await time(target, { method: "GET", path: "/" });
  const floors = [];
  for (let i = 0; i < 5; i++) floors.push(await time(target, { method: "GET", path: "/" }));
  const started = await time(target, { method: "GET", path: "/start" });
  await miniflare.dispose();
  const beyond = (name) => Math.max(0, started[name] - spread(floors.map((floor) => floor[name])).median);
  return { ms: beyond("ms"), cpu: started.cpu && beyond("cpu") };
}

async function measure(server, key) {
  const module = await evaluate(server);
  const { miniflare, url, readyMs } = await open(server);
  const target = { name: server.name, url, key };
  const upsert = (n) => ({ method: "POST", path: "/v1/users", body: { user_id: "u", properties: { n } } });
  const ready = runtime() && cpuMs(runtime());
  const health = await time(target, { method: "GET", path: "/health" });
  const [first, second] = [await time(target, upsert(Math.random())), await time(target, upsert(Math.random()))];
  await miniflare.dispose();
  return {
    module: module.ms,
    moduleCpu: module.cpu,
    ready: readyMs,
    readyCpu: ready,
    health: health.ms,
    first: first.ms,
    second: second.ms,
  };
}

const FIGURES = [
  ["modules evaluated", "module", 2],
  ["the same, CPU", "moduleCpu", 2],
  ["the runtime is ready", "ready", 0],
  ["the same, CPU", "readyCpu", 0],
  ["first answer: /health", "health", 2],
  ["first upsert after it", "first", 2],
  ["second upsert", "second", 2],
];

async function starts(keys) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const by = {};
    for (let turn = 0; turn < SERVERS.length; turn++) {
      const server = SERVERS[(turn + round) % SERVERS.length];
      by[server.name] = await measure(server, keys[server.name]);
    }
    rounds.push(by);
  }
  const rows = FIGURES.filter(([, name]) => rounds[0].Roster[name] !== undefined).map(([what, name, digits]) => {
    const cells = SERVERS.map((server) => spread(rounds.map((by) => by[server.name][name])).median.toFixed(digits));
    return [what, ...cells, times(spread(rounds.map((by) => by.Roster[name] / by.hono[name])))];
  });
  return table(["ms", ...SERVERS.map(({ name }) => name), "Roster, times hono"], rows);
}

/** What is sent to Roster and hono alike, but for what a limit refuses. */
const MIXED = operations.filter(({ on, atOnce, limited }) => atOnce === 1 && !limited && on.test("hono"));

async function memory(server, key) {
  const { miniflare, url } = await open(server, { inspectorPort: 0 });
  const target = { name: server.name, url, key };
  await time(target, { method: "GET", path: "/health" });
  const look = await inspect(miniflare);
  const before = await look();
  for (const { setUp = [] } of MIXED) for (const request of setUp) await send(target, request);
  let sent = 0;
  const client = async () => {
    while (sent < REQUESTS) {
      const i = sent++;
      const { request, status } = MIXED[i % MIXED.length];
      await time(target, request(i, 1), server.name === "hello" ? 200 : status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  const after = await look();
  await miniflare.dispose();
  return ["heap", "wasm", "resident"].map(
    (name) => `${(before[name] / 1e6).toFixed(1)} → ${(after[name] / 1e6).toFixed(1)}`,
  );
}

/** Roster makes the key on each server's store: the peers can't. */
const keys = {};
try {
  for (const { name } of SERVERS) {
    const { miniflare, url } = await open({ name, worker: roster() });
    await migrate(miniflare);
    keys[name] = await keyOf(url, "start");
    await miniflare.dispose();
  }
  const started = await starts(keys);
  const rows = [];
  for (const server of SERVERS) rows.push([server.name, ...(await memory(server, keys[server.name]))]);
  const head = [`MB, fresh → after ${REQUESTS.toLocaleString("en")} requests`, "heap", "WebAssembly", "resident"];
  publish("start", `${started}\n\n${table(head, rows)}`);
} finally {
  rmSync(directory, { recursive: true });
}
