// Finding somebody in the console: what a text is looked up as, and what a walk looks for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf, rowsText } from "../../web/console/data/asking.mjs";
import { exactRequests, looseSearch } from "../../web/console/data/finding.mjs";
import { parse, stringify } from "../../web/console/data/lossless.mjs";
import { nameOf } from "../../web/console/data/profile.mjs";

const paths = (text) => exactRequests(text).map(({ path }) => path);

test("a text is looked up as an id, and as an e-mail or a phone if it looks like one", () => {
  /** @type {[text: string, found: string[]][]} */
  const cases = [
    ["user_1", ["/v1/users/user_1"]],
    ["org/7 ü", ["/v1/users/org%2F7%20%C3%BC"]],
    ["Ada@Example.com", ["/v1/users/Ada%40Example.com", "/v1/users?email=Ada%40Example.com"]],
    ["+4915112345678", ["/v1/users/%2B4915112345678", "/v1/users?phone=%2B4915112345678"]],
    ["+49 (151) 123-456.78", ["/v1/users/%2B49%20(151)%20123-456.78", "/v1/users?phone=%2B49%20(151)%20123-456.78"]],
    ["0049 151 12345678", ["/v1/users/0049%20151%2012345678", "/v1/users?phone=%2B4915112345678"]],
    ["(617) 555-0100", ["/v1/users/(617)%20555-0100"]],
    ["..", []],
  ];
  for (const [text, found] of cases) assert.deepEqual(paths(text), found, text);
});

/** @returns {any[]} */
const conditions = (text, names = []) => JSON.parse(stringify(looseSearch(text, names).where)).any;
const has = (text, condition, names) =>
  conditions(text, names).some((one) => JSON.stringify(one) === JSON.stringify(condition));

test("a walk looks for how a name and an e-mail begin, whatever the case that is typed", () => {
  assert.ok(has("ada", { field: "properties.name", starts_with: "Ada" }));
  assert.ok(has("ada", { field: "properties.name", starts_with: "ada" }));
  assert.ok(has("lovelace", { field: "properties.name", contains: " Lovelace" }));
  assert.ok(has("lovelace", { field: "properties.last_name", starts_with: "Lovelace" }));
  assert.ok(has("Ada@", { field: "email", starts_with: "ada@" }));
  const both = [
    { field: "properties.firstName", eq: "Ada" },
    { field: "properties.lastName", starts_with: "Love" },
  ];
  assert.ok(has("ada love", { all: both }));
  assert.ok(has("ada", { field: "properties.vorname", starts_with: "Ada" }, ["vorname", "nachname"]));
  assert.ok(!has("ada", { field: "properties.name", starts_with: "Ada" }, ["vorname", "nachname"]));
});

test("a walk looks for a phone without its country", () => {
  assert.ok(has("(617) 555-0100", { field: "phone", contains: "6175550100" }));
  assert.ok(has("0151 12345678", { field: "phone", contains: "15112345678" }));
  assert.ok(!conditions("12 34").some(({ field }) => field === "phone"), "too few digits");
  assert.ok(!conditions("user_1234567").some(({ field }) => field === "phone"), "no phone");
});

test("no search has more conditions than a filter may", () => {
  const count = (condition) => (condition.all ? condition.all.reduce((sum, one) => sum + count(one), 0) : 1);
  for (const text of ["ada", "Ada", "ada lovelace", "ada king lovelace", "555 123 456", "ada@x", "-"])
    for (const names of [[], ["name"], ["first", "last"]]) {
      const sum = conditions(text, names).reduce((sum, one) => sum + count(one), 0);
      assert.ok(sum >= 1 && sum <= 20, `${text}: ${sum}`);
    }
});

test("Roster's own id says when its user was created, and nobody else is meant", () => {
  const id = "usr_01aryz6s410000000000000000mo";
  const { where, isMeant } = looseSearch(id, []);
  const [since, before] = JSON.parse(stringify(where)).all;
  assert.deepEqual(since, { field: "created_at", since: new Date(1_469_918_176_385 - 1000).toISOString() });
  assert.deepEqual(before, { field: "created_at", before: new Date(1_469_918_176_385 + 60_000).toISOString() });
  assert.deepEqual(
    [id, `${id.slice(0, -1)}p`].map((user_id) => isMeant?.(new Map([["user_id", user_id]]))),
    [true, false],
  );
  // 26 characters are another product's.
  assert.ok(conditions("usr_01aryz6s410000000000000000").length > 0);
});

test("a user is called by a name, or by a first and a last one", () => {
  const called = (properties, names = []) => nameOf(new Map([["properties", parse(properties)]]), names);
  assert.equal(called('{"name":"Ada Lovelace","first_name":"A"}'), "Ada Lovelace");
  assert.equal(called('{"first_name":"Ada","last_name":"Lovelace"}'), "Ada Lovelace");
  assert.equal(called('{"name":7,"firstName":" Ada "}'), "Ada");
  assert.equal(called('{"name":" ","plan":"pro"}'), undefined);
  assert.equal(called('{"name":"n","vorname":"Ada"}', ["vorname", "nachname"]), "Ada");
  assert.equal(called('{"name":"n"}', ["vorname"]), undefined);
});

test("conditions come back from an address, and what is none is left out", () => {
  const rows = [
    { field: "properties.plan", operator: "eq", value: "pro & co" },
    { field: "email", operator: "exists:true", value: "" },
  ];
  assert.deepEqual(rowsOf(rowsText(rows)), rows);
  for (const text of [null, "", "{", "{}", "7", '[7,["a"],["a","like","b"],["a","eq",1],["a","toString","b"]]'])
    assert.deepEqual(rowsOf(text), [], String(text));
});
