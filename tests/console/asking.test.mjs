// Questions of the console: the filter that rows make, and sums along a walk.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addGroups,
  addProperties,
  filterOf,
  groupLabel,
  problem,
  question,
  sorted,
  twins,
  walk,
} from "../../web/console/data/asking.mjs";
import { parse, stringify } from "../../web/console/data/lossless.mjs";

const row = (field, operator, value = "") => ({ field, operator, value });

test("rows become a filter, and values are read as cells", () => {
  /** @type {[rows: import("../../web/console/data/asking.mjs").Row[], filter: string | undefined][]} */
  const cases = [
    [[], undefined],
    [[row("", "eq", "x")], undefined],
    [[row("properties.plan", "eq", "pro")], '{"field":"properties.plan","eq":"pro"}'],
    [[row("properties.age", "gte", "18")], '{"field":"properties.age","gte":18}'],
    [[row("properties.code", "ne", '"5"')], '{"field":"properties.code","ne":"5"}'],
    [[row("properties.none", "eq", '""')], '{"field":"properties.none","eq":""}'],
    [[row("properties.at", "since", "2023")], '{"field":"properties.at","since":"2023"}'],
    [[row("properties.name", "contains", "5")], '{"field":"properties.name","contains":"5"}'],
    [[row("email", "exists:false", "left over")], '{"field":"email","exists":false}'],
    [
      [row("email", "exists:true"), row("phone", "exists:false")],
      '{"all":[{"field":"email","exists":true},{"field":"phone","exists":false}]}',
    ],
  ];
  for (const [rows, filter] of cases) {
    const made = filterOf(rows);
    assert.equal(made && stringify(made), filter);
  }
  assert.match(problem([row("email", "eq")]) ?? "", /needs a value/);
  assert.equal(problem([row("", "eq"), row("email", "exists:true")]), undefined);
});

test("a question is a call without what it does not say", () => {
  const { method, path, body } = question("/v1/users/count", { where: filterOf([]), by: "email", cursor: undefined });
  assert.deepEqual([method, path, body], ["POST", "/v1/users/count", '{"by":"email"}']);
  assert.equal(question("/v1/users/query", { limit: 10 }).body, '{"limit":10}');
});

test("groups and names add up along a walk", async () => {
  const answers = [
    '{"groups":[{"value":"a","count":1},{"other":true,"count":2},{"value":null,"count":3}],"pagination":{"next_cursor":"c"}}',
    '{"groups":[{"value":"a","count":4},{"value":1.10,"count":1}],"pagination":{"next_cursor":null}}',
  ].map((text) => ({ status: 200, tree: parse(text) }));
  /** @type {Map<string, number>} */
  const groups = new Map();
  const asked = [];
  const failed = await walk({
    ask: async (cursor) => {
      asked.push(cursor);
      return answers[asked.length - 1];
    },
    wait: async () => {},
    onAnswer: (tree) => void addGroups(groups, tree.get("groups")),
  });
  assert.deepEqual([failed, asked], [undefined, [undefined, "c"]]);
  assert.deepEqual(sorted(groups), [
    ['"a"', 5],
    ["null", 3],
    ["other", 2],
    ["1.10", 1],
  ]);
  assert.equal(groupLabel("null"), "none");
  const names = parse('[{"field":"properties.a","types":{"string":1},"users":1}]');
  const known = addProperties(addProperties(new Map(), names), names);
  assert.deepEqual([known.get("properties.a").users, known.get("properties.a").types.get("string")], [2, 2]);
});

test("a walk ends at an answer that is none", async () => {
  const refused = { status: 403 };
  assert.equal(await walk({ ask: async () => refused, wait: async () => {}, onAnswer: () => {} }), refused);
});

test("names that differ by case and punctuation alone are twins", () => {
  const names = ["properties.signup_date", "properties.signupDate", "origin.signupDate", "properties.-"];
  assert.deepEqual(twins("properties.signup_date", names), ["properties.signupDate"]);
  assert.deepEqual(twins("origin.signupDate", names), []);
  assert.deepEqual(twins("properties.-", names), []);
});
