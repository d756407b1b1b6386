// How many asks a second one limiter's object can take, beside the peers' counter, how many one isolate makes, and so
// how many isolates one object feeds. Writes its tables into bench/README.md. Usage: node bench/limiter.mjs, or make
// bench

import { keyOf, send } from "./lib/client.mjs";
import { publish, spread, table, times } from "./lib/document.mjs";
import { peer } from "./lib/targets.mjs";
import { addressOf, ROOT, roster, serve, start } from "./lib/worker.mjs";

const ROUNDS = 5;
const [ROUND_MS, WARM_UP_MS] = [500, 2100];
/** So short that the warm-up fills all slots of it: the whole ledger is written at each grant. */
const WINDOW_MS = 2000;
const OBJECTS = [
  { name: "Roster", object: "LIMITER" },
  { name: "counter in memory", object: "COUNTER" },
];
const KINDS = [
  { kind: "a lease of 5", limit: 1_000_000, lease: 5 },
  { kind: "a token", limit: 1_000_000, lease: 0 },
  { kind: "nothing: all is used up", limit: 1, lease: 0 },
];
const AT_ONCE = [1, 32];
/** Requests a second that reach one isolate. */
const RATES = [1, 5, 20, 100, 300];
const SECONDS = 5;

async function capacities() {
  const asker = {
    name: "asker",
    modules: [{ type: "ESModule", path: `${ROOT}bench/limiter/asker.mjs` }],
    compatibilityDate: roster().compatibilityDate,
    unsafeDirectSockets: roster().unsafeDirectSockets,
    durableObjects: {
      LIMITER: { className: "LimiterObject", scriptName: "roster", useSQLite: true },
      COUNTER: { className: "Counter", scriptName: "plain", useSQLite: true },
    },
  };
  const miniflare = await serve([roster(), peer("plain"), asker]);
  const target = { url: await addressOf(miniflare, "asker"), key: "none" };
  const measure = async ({ object }, { limit, lease }, atOnce, milliseconds) => {
    const body = { object, name: `of-${limit}-${lease}`, limit, windowMs: WINDOW_MS, lease, atOnce, milliseconds };
    const { status, text } = await send(target, { method: "POST", path: "/", body });
    if (status !== 200) throw new Error(text);
    return JSON.parse(text).rate;
  };
  const rows = [];
  let leases;
  for (const kind of KINDS) {
    for (const atOnce of AT_ONCE) {
      const rates = OBJECTS.map(() => /** @type {number[]} */ ([]));
      for (const object of OBJECTS) await measure(object, kind, atOnce, WARM_UP_MS);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, object] of OBJECTS.entries())
          rates[index].push(await measure(object, kind, atOnce, ROUND_MS));
      }
      const [own, other] = rates;
      const ratio = spread(own.map((rate, round) => rate / other[round]));
      rows.push([kind.kind, atOnce, ...rates.map((of) => Math.round(spread(of).median)), times(ratio)]);
      if (kind.lease) leases = spread(own).median;
    }
  }
  await miniflare.dispose();
  return {
    leases,
    table: table(["what is granted", "at once", ...OBJECTS.map(({ name }) => `${name}, asks/s`), "ratio"], rows),
  };
}

/** Asks a second of an isolate that so many requests a second reach. */
async function asksAt(target, rate) {
  const read = { method: "GET", path: "/v1/users/nobody" };
  const under = new Set();
  const asks = async () => Number((await send(target, { method: "GET", path: "/asks" })).text);
  const push = async (seconds) => {
    const begun = performance.now();
    for (let sent = 0; sent < rate * seconds; sent++) {
      const wait = begun + (sent * 1000) / rate - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const call = send(target, read).then(
        ({ status }) => status === 404 || Promise.reject(new Error(`status ${status}`)),
      );
      under.add(call);
      call.finally(() => under.delete(call));
    }
    await Promise.all(under);
    return (performance.now() - begun) / 1000;
  };
  await push(2);
  const before = await asks();
  const seconds = await push(SECONDS);
  return ((await asks()) - before) / seconds;
}

async function demands(capacity) {
  const { miniflare, url } = await start({ entry: "bench/limiter/counted.mjs" });
  const rows = [];
  for (const rate of RATES) {
    const asks = await asksAt({ url, key: await keyOf(url, `rate-${rate}`) }, rate);
    rows.push([
      rate,
      asks.toFixed(2),
      Math.round(asks * 60),
      Math.floor(capacity / asks),
      Math.floor((capacity / asks) * rate),
    ]);
  }
  await miniflare.dispose();
  return table(
    ["requests/s of an isolate", "asks/s", "asks a minute", "isolates that one object feeds", "requests/s of these"],
    rows,
  );
}

const { leases, table: capacity } = await capacities();
publish("limiter", `${capacity}\n\n${await demands(leases)}`);
