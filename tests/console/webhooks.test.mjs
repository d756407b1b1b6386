// Webhooks in the console: the body that makes one, and how it is with one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { span } from "../../web/console/data/text.mjs";
import { bodyOf, lag, requests, trouble } from "../../web/console/data/webhooks.mjs";

const WISH = { project: "default", url: "https://a.example/x", events: ["changed", "deleted"], where: "", batch: "1" };

test("a webhook is made of what was chosen, and what is as without saying is not said", () => {
  assert.equal(bodyOf(WISH).body, '{"project":"default","url":"https://a.example/x"}');
  const all = { ...WISH, events: ["deleted"], where: ' {"field": "properties.n", "eq": 1.10} ', batch: "100" };
  assert.equal(
    bodyOf(all).body,
    '{"project":"default","url":"https://a.example/x","events":["deleted"],"where":{"field":"properties.n","eq":1.10},"batch":100}',
  );
});

test("what can't be a webhook is refused by field", () => {
  /** @type {[part: object, field: string][]} */
  const cases = [
    [{ url: "a.example" }, "url"],
    [{ url: "https://" }, "url"],
    [{ events: [] }, "events"],
    [{ where: "{" }, "where"],
    [{ where: "[]" }, "where"],
    [{ batch: "0" }, "batch"],
    [{ batch: "101" }, "batch"],
  ];
  for (const [part, field] of cases) {
    const { body, problem } = bodyOf({ ...WISH, ...part });
    assert.deepEqual([body, Object.keys(problem).filter((name) => problem[name])], [undefined, [field]]);
  }
});

/** @type {import("../../web/console/data/webhooks.mjs").Webhook} */
const WEBHOOK = {
  ...{ webhook_id: "whk_1", project: "default", url: WISH.url, events: WISH.events, where: null, batch: 1 },
  ...{
    state: "active",
    behind: null,
    retrying: null,
    disabled: null,
    given_up: 0,
    created_at: "2026-11-23T12:00:00.000Z",
  },
};

test("it is said how far a webhook is behind, and why", () => {
  assert.deepEqual([lag(WEBHOOK), trouble(WEBHOOK)], ["All is delivered", undefined]);
  assert.equal(lag({ ...WEBHOOK, behind: 312 }), "5 minutes behind");
  const at = "2026-11-23T12:00:00.000Z";
  const retrying = { users: 2, since: at, attempts: 1, status: 503, error: null, next_at: at };
  assert.equal(trouble({ ...WEBHOOK, retrying }), "2 users held back after 1 try: the last answer was 503.");
  const silent = { ...retrying, users: 1, attempts: 3, status: null, error: "no answer in time" };
  assert.equal(trouble({ ...WEBHOOK, retrying: silent }), "1 user held back after 3 tries: no answer in time.");
  assert.match(
    trouble({ ...WEBHOOK, disabled: { reason: "gone", at }, given_up: 2 }) ?? "",
    /answered 410.* 2 given up/,
  );
});

test("seconds are said as people say them", () => {
  assert.deepEqual([5, 119, 120, 7200, 200_000].map(span), ["5 s", "119 s", "2 minutes", "2 hours", "2 days"]);
});

test("an id stands in a path as it is", () => {
  assert.equal(requests.test("whk/1").path, "/v1/webhooks/whk%2F1/test");
  assert.equal(requests.list("a b").path, "/v1/webhooks?project=a%20b");
});
