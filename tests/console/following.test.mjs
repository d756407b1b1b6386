// The latest changes, as they come.

import assert from "node:assert/strict";
import { test } from "node:test";
import { changesPath, MOST_CHANGES, rest, withPage } from "../../web/console/data/following.mjs";
import { parse } from "../../web/console/data/lossless.mjs";

const NOON = "2026-11-23T12:00:00.000Z";
const user = (id, updated_at = NOON) => ({ external_id: id, email: null, created_at: NOON, updated_at });
const page = (...changes) => parse(JSON.stringify(changes));
const changed = (id, updated_at) => ({ type: "changed", external_id: id, user: user(id, updated_at) });

test("the newest stands first, and says what became of whom", () => {
  const later = "2026-11-23T12:00:01.000Z";
  const first = withPage([], page(changed("a"), changed("b", later)));
  const deleted = { type: "deleted", external_id: "a", user_id: "usr_1", deleted_at: later };
  const all = withPage(first, page(deleted));
  assert.deepEqual(
    all.map(({ number, what, id, at }) => [number, what, id, at]),
    [
      [3, "deleted", "a", later],
      [2, "changed", "b", later],
      [1, "created", "a", NOON],
    ],
  );
});

test("no more are kept than a reader looks at, and each has a number of its own", () => {
  let changes = /** @type {any[]} */ ([]);
  for (let round = 0; round < 5; round += 1) changes = withPage(changes, page(...Array(100).fill(changed("a"))));
  assert.equal(changes.length, MOST_CHANGES);
  assert.deepEqual([changes[0].number, changes.at(-1)?.number], [500, 201]);
});

test("it begins now, and goes on by the cursor", () => {
  assert.equal(changesPath(undefined), "/v1/changes?limit=100&from=now");
  assert.equal(changesPath("a+b"), "/v1/changes?limit=100&cursor=a%2Bb");
});

const budget = (remaining, limit = 500) => ({ limit, remaining, window_seconds: 60, full_in_seconds: 50 });
const answer = (has_more, remaining, limit) => ({
  status: 200,
  tree: parse(JSON.stringify({ pagination: { has_more } })),
  budget: budget(remaining, limit),
});

test("it asks on at once while there is more, and else at a pace that leaves the limit to the app", () => {
  assert.equal(rest(answer(true, 400)), 0);
  assert.equal(rest(answer(true, 50)), 2.4);
  assert.equal(rest(answer(false, 400)), 3);
  assert.equal(rest(answer(false, 40, 50)), 24);
  assert.equal(rest({ status: 429, retryAfter: 45 }), 45);
  assert.equal(rest({ status: 0 }), 3);
  for (const status of [401, 403, 410]) assert.equal(rest({ status }), undefined);
});
