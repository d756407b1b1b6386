// What it takes to start a Worker, and what it holds after 10,000 requests. Writes its table into BENCHMARKS.md.
// Usage: node bench/start.mjs, or make bench

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyOf, send } from "./client.mjs";
import { publish, spread, table } from "./document.mjs";
import { inspect } from "./isolate.mjs";
import { peer } from "./targets.mjs";
import { addressOf, ROOT, roster, serve, start } from "./worker.mjs";

const ROUNDS = 5;
const REQUESTS = 10_000;
const AT_ONCE = 16;

/** Milliseconds that the runtime was busy with the module before its first request, as `wrangler check startup` samples it. */
function startupMs() {
  const folder = mkdtempSync(join(tmpdir(), "startup-"));
  const outfile = join(folder, "profile");
  execFileSync("wrangler", ["check", "startup", "--outfile", outfile], { cwd: ROOT, stdio: "ignore" });
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(outfile, "utf8"));
  rmSync(folder, { recursive: true });
  const idle = new Set(nodes.filter(({ callFrame }) => ["(idle)", "(program)", "(root)"].includes(callFrame.functionName)).map(({ id }) => id));
  return timeDeltas.filter((_, i) => !idle.has(samples[i])).reduce((sum, delta) => sum + delta, 0) / 1000;
}

/** Milliseconds from the start of a runtime's process to a first answer, and to a second. */
async function firstAnswerMs(worker, name) {
  const begun = performance.now();
  const miniflare = await serve([worker]);
  const url = await addressOf(miniflare, name);
  const ready = performance.now();
  const times = [];
  for (let i = 0; i < 2; i++) {
    const asked = performance.now();
    await send({ url, key: "none" }, { method: "GET", path: "/health" });
    times.push(performance.now() - asked);
  }
  await miniflare.dispose();
  return [ready - begun, ...times];
}

async function memory() {
  const { miniflare, url } = await start({ inspectorPort: 0 });
  const target = { url, key: await keyOf(url, "memory") };
  const user = (i) => ({ user_id: `user_${i % 1000}`, email: `user${i}@example.com`, properties: { plan: "premium", n: i } });
  const kinds = [
    (i) => [target, { method: "POST", path: "/v1/users", body: user(i) }],
    (i) => [target, { method: "GET", path: `/v1/users/user_${i % 1000}` }],
    (i) => [target, { method: "POST", path: "/v1/users", body: { ...user(i), zip: i } }],
    () => [{ url, key: "none" }, { method: "GET", path: "/v1/users/u" }],
  ];
  await send(...kinds[0](0));
  const measure = await inspect(miniflare);
  const before = await measure();
  let next = 0;
  const client = async () => {
    while (next < REQUESTS) await send(...kinds[next % kinds.length](next++));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  const after = await measure();
  await miniflare.dispose();
  return [before, after];
}

const rounds = async (work) => {
  const all = [];
  for (let round = 0; round < ROUNDS; round++) all.push(await work());
  return all;
};
const middle = (values) => spread(values).median.toFixed(1);
const startups = await rounds(startupMs);
const rows = [["Roster: CPU before the first request", ...["least", "median", "most"].map((of) => spread(startups)[of].toFixed(1))]];
for (const [name, worker] of [["Roster", roster()], ["hello", peer("hello")]]) {
  const times = await rounds(() => firstAnswerMs(worker, worker.name));
  for (const [place, what] of ["the runtime's start", "a first answer", "a second answer"].entries()) {
    const { least, median, most } = spread(times.map((of) => of[place]));
    rows.push([`${name}: ${what}`, ...[least, median, most].map((ms) => ms.toFixed(1))]);
  }
}
const [before, after] = await memory();
const mib = (bytes) => (bytes / 1_048_576).toFixed(1);
const held = ["heap", "wasm", "resident"].map((of) => [of, mib(before[of]), mib(after[of])]);
publish(
  "start",
  [table(["ms", "least", "median", "most"], rows), table(["MiB", "after 1 request", `after ${REQUESTS.toLocaleString("en")}`], held)].join("\n\n"),
);
