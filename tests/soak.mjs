// Three minutes of mixed traffic: 30,000 to 100,000 calls, as many as half an hour brings at 17 to 55 a second. Every
// status must be one that was expected, and neither memory nor latency may grow. Usage: make soak, or
// SOAK_SECONDS=600 make soak, or SOAK_BUCKETS=4 make soak, whose users are in 4 objects a project instead of D1

import { crc32 } from "node:zlib";
import { inspect } from "../bench/lib/isolate.mjs";
import { ADMIN_TOKEN, start } from "../bench/lib/worker.mjs";

const SECONDS = Number(process.env.SOAK_SECONDS ?? 180);
const BUCKETS = Number(process.env.SOAK_BUCKETS ?? 0);
const CLIENTS = 4;
const LIMIT = { limit: 50, window_seconds: 10 };
const HANG_MS = 10_000;
const MEASUREMENTS = 18;

// Bounds on the last third of the time against the second; the first warms up. What else the machine does slows all
// kinds of calls alike: so a kind is held against what most did, and most against a bound of their own.
const MEMORY_FACTOR = 1.1;
const PACE_FACTOR = 2.5;
const QUANTILES = [
  { name: "p50", of: 0.5, factor: 1.5 },
  { name: "p95", of: 0.95, factor: 3 },
];
/** Where a kind has fewer calls in a third, chance alone moves it past the bounds. */
const FEWEST_CALLS = 100;

const { miniflare, url } = await start({
  inspectorPort: 0,
  // Only the log says why something failed.
  handleStructuredLogs({ message }) {
    if (message.includes('"cause"')) console.error(message);
  },
});

const calls = new Map();
let begun = performance.now();
/** How much of the time is over, from 0 to 1. */
const elapsed = () => (performance.now() - begun) / 1000 / SECONDS;

/** A call that must be answered, with one of these statuses. */
async function call(kind, expected, method, path, /** @type {any} */ { token, body, headers = {} } = {}) {
  const third = Math.min(Math.floor(elapsed() * 3), 2);
  const sent = performance.now();
  const answer = await fetch(url + path, {
    method,
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    headers: token ? { ...headers, Authorization: `Bearer ${token}` } : headers,
    signal: AbortSignal.timeout(HANG_MS),
  }).catch((error) => {
    throw new Error(`${kind}: ${error.cause ?? error}`);
  });
  const text = await answer.text();
  const took = performance.now() - sent;
  if (!expected.includes(answer.status)) throw new Error(`${kind}: ${answer.status} ${text}`);
  if (!calls.has(kind)) calls.set(kind, { expected, statuses: new Map(), times: [[], [], []] });
  const { statuses, times } = calls.get(kind);
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  times[third].push(took);
  return { headers: answer.headers, json: () => JSON.parse(text) };
}

const any = (list) => list[Math.floor(Math.random() * list.length)];
const below = (n) => Math.floor(Math.random() * n);

async function project(name) {
  if (BUCKETS) {
    const storage = { kind: "objects", buckets: BUCKETS };
    await call("set up", [200], "PUT", `/v1/projects/${name}`, { token: ADMIN_TOKEN, body: { storage } });
  }
  const { key } = (await post("set up", 201, "/v1/keys", ADMIN_TOKEN, { name, project: name })).json();
  return { name, key, users: Array.from({ length: 40 }, (_, i) => `user_${i}`) };
}

const body = (user_id, bytes) => ({
  user_id,
  email: `${user_id}@example.com`,
  phone: `+1555${below(1e6)}`,
  properties: { seen: below(1e9), plan: any(["free", "premium"]), [`text${below(4)}`]: "x".repeat(bytes) },
  origin: { channel: any(["ios-app", "web"]) },
});

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A key that is right by its checksum, and was never made. */
function unknownKey() {
  const text = `ros_${Array.from({ length: 32 }, () => any(BASE62)).join("")}`;
  return text + [5, 4, 3, 2, 1, 0].map((place) => BASE62[Math.floor(crc32(text) / 62 ** place) % 62]).join("");
}

const BAD_BODIES = ["", "{", "[]", "{}", '{"user_id":7}', '{"user_id":"u","email":"@"}', '{"user_id":"u","nmae":1}'];
const LARGE = ["large_0", "large_1"];
let created = 0;

const get = (kind, status, path, token, headers) => call(kind, [status], "GET", path, { token, headers });
const post = (kind, status, path, token, body, headers) => call(kind, [status], "POST", path, { token, body, headers });

/** Sends an upsert and does not wait for what comes of it. */
async function leave(key, body) {
  const signal = AbortSignal.timeout(1 + below(10));
  const headers = { Authorization: `Bearer ${key}` };
  await fetch(`${url}/v1/users`, { method: "POST", headers, body: JSON.stringify(body), signal }).catch(() => {});
}

/**
 * What a client does, and its share. The number of users is bounded, since a larger database is a slower one.
 * @type {Record<string, [share: number, work: (project?: any) => Promise<unknown>]>}
 */
const WORK = {
  update: [20, ({ key, users }) => post("update", 200, "/v1/users", key, body(any(users), 100))],
  again: [5, ({ key, same }) => post("same again", 200, "/v1/users", key, same)],
  enlarge: [3, ({ key }) => post("update, 50 KB", 200, "/v1/users", key, body(any(LARGE), 50_000))],
  live: [
    10,
    async ({ key }) => {
      const user = `new_${created++}`;
      await post("create", 200, "/v1/users", key, body(user, below(2000)));
      await get("read", 200, `/v1/users/${user}`, key);
      await call("delete", [200], "DELETE", `/v1/users/${user}`, { token: key });
      await get("read a missing one", 404, `/v1/users/${user}`, key);
    },
  ],
  read: [15, ({ key, users }) => get("read", 200, `/v1/users/${any(users)}`, key)],
  revalidate: [10, ({ key, etag }) => get("read if changed", 304, "/v1/users/same", key, { "If-None-Match": etag })],
  list: [
    3,
    async ({ key }) => {
      let cursor = "";
      do {
        const { pagination } = (await get("list", 200, `/v1/users?limit=15${cursor}`, key)).json();
        cursor = pagination.has_more && `&cursor=${pagination.next_cursor}`;
      } while (cursor);
    },
  ],
  find: [5, ({ key, users }) => get("list by e-mail", 200, `/v1/users?email=${any(users)}@example.com`, key)],
  batch: [
    2,
    ({ key, users }) =>
      post("batch of 40", 200, "/v1/users/batch", key, { users: users.map((user) => body(user, 100)) }),
  ],
  mistake: [
    1,
    ({ key }) =>
      post("batch, some bad", 207, "/v1/users/batch", key, { users: [{ user_id: "same" }, {}, { user_id: "" }] }),
  ],
  bad: [5, ({ key }) => post("bad body", 400, "/v1/users", key, any(BAD_BODIES))],
  // The runtime closes a connection whose body was not read to its end, and does not say so: no other call may use it.
  tooLarge: [
    1,
    ({ key }) => post("body of 110 KB", 413, "/v1/users", key, body("large", 110_000), { Connection: "close" }),
  ],
  invalid: [5, ({ key }) => get("wrong key", 401, "/v1/users", any(["ros_", `${key.slice(0, -1)}_`, ADMIN_TOKEN]))],
  unknown: [
    2,
    () =>
      call("unknown key", [401, 429], "GET", "/v1/users", {
        token: unknownKey(),
        headers: { "CF-Connecting-IP": "203.0.113.1" },
      }),
  ],
  flood: [
    10,
    () => call("over the limit", [200, 429], "POST", "/v1/users", { token: any(limited).key, body: body("same", 100) }),
  ],
  rotate: [
    0.2,
    async ({ name }) => {
      const { key, key_id } = (
        await post("make a key", 201, "/v1/keys", ADMIN_TOKEN, { name: "soak", project: name })
      ).json();
      await get("read a missing one", 404, "/v1/users/nobody", key);
      await call("revoke a key", [200], "DELETE", `/v1/keys/${key_id}`, { token: ADMIN_TOKEN });
      await get("revoked key", 401, "/v1/users/nobody", key);
    },
  ],
  leave: [3, ({ key, users }) => leave(key, body(any(users), 100))],
  file: [2, () => get("file", 200, any(["/", "/page.js", "/page.css", "/openapi.yaml", "/swagger-ui.css"]))],
  preflight: [
    2,
    () => call("preflight", [204], "OPTIONS", "/v1/users", { headers: { Origin: "https://example.com" } }),
  ],
  ready: [2, () => get("readiness", 200, "/health/ready")],
  health: [5, () => get("health", 200, "/health")],
};
/** WebAssembly's memory never shrinks, so it first grows to what all clients at once need at most. */
const SURGE = [WORK.enlarge, WORK.list, WORK.batch, WORK.tooLarge];
const SURGE_UNTIL = 0.1;

function anyWork() {
  const work = elapsed() < SURGE_UNTIL ? SURGE : Object.values(WORK);
  let left = Math.random() * work.reduce((sum, [share]) => sum + share, 0);
  const [, chosen] =
    work.find(([share]) => {
      left -= share;
      return left < 0;
    }) ?? work[0];
  return chosen;
}

const projects = await Promise.all(["one", "two", "three"].map(project));
for (const project of projects) {
  project.same = { user_id: "same", properties: { plan: "free", n: 1.1 } };
  const users = [...project.users.map((user) => body(user, 100)), project.same];
  await post("set up", 200, "/v1/users/batch", project.key, { users });
  project.etag = (await get("set up", 200, "/v1/users/same", project.key)).headers.get("ETag");
}
const limited = await Promise.all(["four", "five"].map(project));
for (const { name } of limited) {
  await call("set up", [200], "PUT", `/v1/projects/${name}`, {
    token: ADMIN_TOKEN,
    body: { rate_limits: { users: LIMIT } },
  });
}
const measure = await inspect(miniflare);

/** While memory is measured no call begins, so that only what stays is seen. */
const pause = { over: /** @type {Promise<void> | null} */ (null), callsUnderWay: 0 };

async function client() {
  while (elapsed() < 1) {
    while (pause.over) await pause.over;
    pause.callsUnderWay++;
    await anyWork()(any(projects));
    pause.callsUnderWay--;
  }
}

const memory = [];

async function watch() {
  for (let n = 1; n <= MEASUREMENTS; n++) {
    const share = n / MEASUREMENTS;
    await until(() => elapsed() >= share);
    const { promise, resolve } = /** @type {PromiseWithResolvers<void>} */ (Promise.withResolvers());
    pause.over = promise;
    await until(() => pause.callsUnderWay === 0);
    memory.push({ seconds: Math.round(share * SECONDS), third: Math.ceil(share * 3) - 1, ...(await measure()) });
    pause.over = null;
    resolve();
  }
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

begun = performance.now();
await Promise.all([watch(), ...Array.from({ length: CLIENTS }, client)]);

const broken = [];
const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? NaN;
const count = [...calls.values()].flatMap(({ times }) => times.flat()).length;
calls.delete("set up");

console.log(
  `${count} calls in ${SECONDS} s, ${CLIENTS} at once, ${BUCKETS || "no"} objects a project; ` +
    "ms in each third of the time",
);
console.log("kind".padEnd(20) + "statuses".padEnd(24) + QUANTILES.map(({ name }) => name.padEnd(24)).join(""));
for (const [kind, { expected, statuses, times }] of calls) {
  const seen = [...statuses].map(([status, n]) => `${n} × ${status}`).join(", ");
  const columns = QUANTILES.map(({ of }) => times.map((third) => quantile(third, of).toFixed(1).padStart(6)).join(" "));
  console.log(kind.padEnd(20) + seen.padEnd(24) + columns.map((column) => column.padEnd(24)).join(""));
  for (const status of expected) if (!statuses.has(status)) broken.push(`${kind}: no ${status} was seen`);
}
for (const { name, of, factor } of QUANTILES) {
  const growths = [...calls]
    .filter(([, { times }]) => times.every((third) => third.length >= FEWEST_CALLS))
    .map(
      ([
        kind,
        {
          times: [, second, last],
        },
      ]) => ({ kind, growth: quantile(last, of) / quantile(second, of) }),
    );
  const pace = quantile(
    growths.map(({ growth }) => growth),
    0.5,
  );
  console.log(`${name} of most kinds in the last third: ${pace.toFixed(2)} times the second's`);
  if (!(pace <= PACE_FACTOR))
    broken.push(`${name} of most kinds grew to ${pace.toFixed(2)} times, unless the machine became busy`);
  for (const { kind, growth } of growths) {
    if (growth > pace * factor)
      broken.push(`${kind}: ${name} grew to ${growth.toFixed(2)} times, that of most to ${pace.toFixed(2)}`);
  }
}

console.log("\nMB, at rest, after       heap     wasm  resident");
for (const { seconds, heap, wasm, resident } of memory) {
  const columns = [heap, wasm, resident].map((bytes) => (bytes / 1e6).toFixed(3).padStart(9));
  console.log(`${`${seconds} s`.padStart(18)}  ${columns.join("")}`);
}
// Not what is resident: the isolates of Miniflare itself collect their garbage when they like.
for (const name of ["heap", "wasm"]) {
  const before = quantile(
    memory.filter(({ third }) => third === 1).map((measured) => measured[name]),
    0.5,
  );
  for (const { seconds, [name]: bytes } of memory.filter(({ third }) => third === 2)) {
    const factor = bytes / before;
    if (factor > MEMORY_FACTOR || factor < 1 / MEMORY_FACTOR)
      broken.push(`${name}: ${factor.toFixed(2)} times as much after ${seconds} s`);
  }
}

await miniflare.dispose();
console.log(broken.length ? `\nOut of bounds:\n${broken.join("\n")}` : "\nAll within bounds.");
process.exit(broken.length ? 1 : 0);
