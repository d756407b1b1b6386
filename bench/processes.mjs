// How many users are stored a second by Rosters in as many processes as there are cores, each with a project in an
// object of its own: the objects share nothing but the machine. Writes its table into bench/README.md. Usage: node
// bench/processes.mjs

import { cpus } from "node:os";
import { keyOf, send } from "./lib/client.mjs";
import { publish, spread, table, times } from "./lib/document.mjs";
import { cpuMs, runtime } from "./lib/processor.mjs";
import { start } from "./lib/worker.mjs";

const ROUNDS = 5;
const SECONDS = 2;
/** Users in a batch: many, so that the client has little of the work. */
const BATCH = 100;
const AT_ONCE = 2;

const servers = [];
for (let i = 0; i < cpus().length; i++) {
  const { miniflare, url } = await start();
  const key = await keyOf(url, "processes", { storage: { kind: "objects", buckets: 1 } });
  servers.push({ miniflare, url, key, pid: runtime() });
}

/** Each batch changes the same users. */
let n = 0;
const users = () =>
  Array.from({ length: BATCH }, (_, i) => ({ user_id: `user_${i}`, properties: { plan: "premium", n } }));

/** Users a second, and milliseconds of a processor for each, where the first `count` processes are asked at once. */
async function measure(count, seconds) {
  const asked = servers.slice(0, count);
  const cpu = () => asked.reduce((sum, { pid }) => sum + (pid ? cpuMs(pid) : 0), 0);
  const [begun, before] = [performance.now(), cpu()];
  let stored = 0;
  const client = async (server) => {
    while (performance.now() - begun < seconds * 1000) {
      n += 1;
      const { status, text } = await send(server, {
        method: "POST",
        path: "/v1/users/batch",
        body: { users: users() },
      });
      if (status !== 200) throw new Error(`${status}: ${text}`);
      stored += BATCH;
    }
  };
  await Promise.all(asked.flatMap((server) => Array.from({ length: AT_ONCE }, () => client(server))));
  return { rate: stored / ((performance.now() - begun) / 1000), cpu: (cpu() - before) / stored };
}

const counts = servers.map((_, i) => i + 1);
const rounds = [];
for (const count of counts) await measure(count, SECONDS / 2);
for (let round = 0; round < ROUNDS; round++) {
  const results = [];
  for (const count of counts) results.push(await measure(count, SECONDS));
  rounds.push(results);
}
for (const { miniflare } of servers) await miniflare.dispose();

const rows = counts.map((count, i) => {
  const of = (figure) => spread(rounds.map((results) => figure(results[i], results[0])));
  const rate = Math.round(of(({ rate }) => rate).median);
  return [count, rate, times(of((own, one) => own.rate / one.rate)), of(({ cpu }) => cpu).median.toFixed(3)];
});
publish("processes", table(["processes, with an object each", "users/s", "times one", "CPU of a user, ms"], rows));
