// Roster and its peers answer alike: the status, the code, and what a client reads of the body.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { open } from "../lib/targets.mjs";

const { miniflare, targets } = await open();
after(() => miniflare.dispose());
const alike = targets.filter(({ limited }) => limited);

async function ask(
  /** @type {any} */ { url, key },
  /** @type {any[]} */ [method, path, body, headers = { Authorization: `Bearer ${key}` }],
) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(url + path, { method, headers, body: text });
  const json = await answer.json();
  const { user, code, success, external_id } = json;
  const of = user && {
    ...user,
    user_id: typeof user.user_id,
    created_at: typeof user.created_at,
    updated_at: typeof user.updated_at,
  };
  const header = (name) => answer.headers.has(name);
  const created = answer.headers.get("X-User-Created");
  return {
    status: answer.status,
    success,
    code,
    external_id,
    created,
    user: of,
    location: answer.headers.get("Location"),
    headers: [
      "ETag",
      "X-Request-Id",
      "X-RateLimit-Limit",
      "X-RateLimit-Remaining",
      "X-RateLimit-Reset",
      "RateLimit",
      "Retry-After",
      "WWW-Authenticate",
    ].filter(header),
    field: json.details?.field,
  };
}

const users = "/v1/users";
/** @type {[name: string, status: number, ...request: any[]][]} */
const CASES = [
  [
    "a user is created",
    200,
    "POST",
    users,
    { user_id: "u 1", email: "a@b.co", properties: { a: 1, o: { x: 1, y: 2 } }, origin: { c: "ios" } },
  ],
  [
    "a user is merged",
    200,
    "POST",
    users,
    { user_id: "u 1", email: null, phone: "+1234", properties: { a: null, o: { x: null } } },
  ],
  ["the same body again", 200, "POST", users, { user_id: "u 1", phone: "+1234" }],
  ["a user is read", 200, "GET", `${users}/u%201`],
  ["a user is missing", 404, "GET", `${users}/nobody`],
  ["no JSON", 400, "POST", users, "{"],
  ["no id", 400, "POST", users, { email: "a@b.co" }],
  ["an id that is a number", 400, "POST", users, { user_id: 1 }],
  ["an address that is none", 400, "POST", users, { user_id: "u", email: "a" }],
  ["a phone that is none", 400, "POST", users, { user_id: "u", phone: "1" }],
  ["an unknown member", 400, "POST", users, { user_id: "u", plan: "free" }],
  ["no key", 401, "POST", users, {}, {}],
  ["a malformed key", 401, "POST", users, {}, { Authorization: "Bearer ros_x" }],
  ["no such route", 404, "GET", "/v1/nothing"],
];
for (const [name, status, ...request] of CASES) {
  test(name, async () => {
    const [first, ...others] = await Promise.all(alike.map((target) => ask(target, request)));
    assert.equal(first.status, status);
    for (const other of others) {
      // Zod names the unknown member in its text alone.
      if (first.code === "UNKNOWN_FIELD") first.field = other.field = undefined;
      assert.deepEqual(other, first);
    }
  });
}

test("a limit that is used up", async () => {
  for (const { limited } of alike) {
    const read = ["GET", `${users}/nobody`];
    assert.equal((await ask(limited, read)).status, 404);
    const { status, code, headers } = await ask(limited, read);
    assert.deepEqual([status, code, headers.includes("Retry-After")], [429, "RATE_LIMIT_EXCEEDED", true]);
  }
});

test("users who arrive in one millisecond", async () => {
  for (const target of alike) {
    const asked = Array.from({ length: 32 }, (_, i) => ask(target, ["POST", users, { user_id: `together ${i}` }]));
    for (const { status, created } of await Promise.all(asked)) assert.deepEqual([status, created], [200, "true"]);
  }
});
