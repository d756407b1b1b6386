// What is measured: each operation's requests, and how many of them are under way at once.

import { gzipSync } from "node:zlib";

const USERS = 100;

/** A user as apps send it. A new `n` changes one property. */
const user = (i, n) => ({
  user_id: `user_${i % USERS}`,
  email: `user${i % USERS}@example.com`,
  properties: { name: "John Doe", plan: "premium", signup_date: "2023-06-15", n },
  origin: { channel: "ios-app", campaign: "spring-launch" },
});

const upsert = (body) => ({ method: "POST", path: "/v1/users", body });

/** Request `i` of a run; no two runs have the same `n`. */
const change = (i, n) => upsert(user(i, n + i));
const again = (i) => upsert(user(i, 0));
const read = (i) => ({ method: "GET", path: `/v1/users/user_${i % USERS}` });
const batchOf = (size) => (i, n) => ({
  method: "POST",
  path: "/v1/users/batch",
  body: { users: Array.from({ length: size }, (_, place) => ({ ...user(place, n + i), user_id: `batched_${place}` })) },
});
const packed = (i, n) => ({
  ...upsert(gzipSync(JSON.stringify(user(i, n + i)))),
  headers: { "Content-Encoding": "gzip" },
});
const copy = (i) => ({ ...read(i), headers: { "Cache-Control": "max-age=3600" } });
const noKey = () => ({ ...upsert({ user_id: "u" }), headers: { Authorization: "" } });
const invalid = () => upsert({ user_id: "u", email: "nowhere", plan: "free" });
const missing = () => ({ method: "GET", path: "/v1/nothing" });
const health = () => ({ method: "GET", path: "/health" });

/** Stores all users as `again` sends them. */
const all = Array.from({ length: USERS }, (_, i) => again(i));

const ROSTER = /^Roster/;
/** All but the floors. */
const WHOLE = /^(Roster|hono|plain)/;
/** Those that have one store: what does not come to it is the same in all of Roster's. */
const SERVERS = /^(Roster on D1|hono|plain|hello)/;

const one = (atOnce, operation) => ({ atOnce, status: 200, users: 1, on: WHOLE, beside: "hono", ...operation });

/** What other targets are compared with is named by `beside`; `users` counts those of one request. */
export const operations = [
  ...[1, 16, 64].flatMap((atOnce) => [
    one(atOnce, { name: "upsert that changes a property", request: change, on: /^(?!hello)/ }),
    one(atOnce, { name: "upsert of the same body again", request: again, setUp: all, on: /^(?!hello)/ }),
    one(atOnce, { name: "read", request: read, setUp: all }),
  ]),
  one(1, { name: "upsert, gzipped", request: packed, on: ROSTER, beside: "Roster on D1" }),
  one(1, { name: "read of a fresh copy", request: copy, setUp: all, on: /^Roster on D1/, beside: "Roster on D1" }),
  ...[1, 10, 100, 1000].map((size) =>
    one(1, { name: `batch of ${size}`, request: batchOf(size), users: size, on: ROSTER, beside: "Roster on D1" }),
  ),
  ...[1, 16].flatMap((atOnce) => [
    one(atOnce, { name: "401, no key", request: noKey, status: 401, on: SERVERS, beside: "hello" }),
    one(atOnce, { name: "404, no such route", request: missing, status: 404, on: SERVERS, beside: "hello" }),
    one(atOnce, { name: "429", request: read, status: 429, on: SERVERS, beside: "hello", limited: true }),
    one(atOnce, { name: "400, two faults", request: invalid, status: 400, on: SERVERS, beside: "hello" }),
    one(atOnce, { name: "/health", request: health, on: SERVERS, beside: "hello" }),
  ]),
];
