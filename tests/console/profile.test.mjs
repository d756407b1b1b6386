// Editing a person in place: values by their types, and members at a path.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "../../web/console/data/lossless.mjs";
import { typedText, valueOfText, valueType, withValue } from "../../web/console/data/profile.mjs";

test("a value has the type that it is edited as, and comes back as it was", () => {
  const types = {
    '"pro"': "text",
    "1.10": "number",
    true: "boolean",
    '["a","b"]': "tags",
    "[]": "tags",
    '["a",1]': "json",
  };
  for (const [json, type] of Object.entries(types)) {
    const value = parse(json);
    assert.equal(valueType(value), type, json);
    assert.equal(stringify(valueOfText(valueType(value), typedText(value))), json);
  }
});

test("what is typed is of the chosen type, or is refused", () => {
  assert.equal(valueOfText("text", "12"), "12");
  assert.equal(stringify(valueOfText("number", "12345678901234567890123")), "12345678901234567890123");
  assert.deepEqual(valueOfText("tags", "early, math ,"), ["early", "math"]);
  assert.equal(stringify(valueOfText("json", '{"a":1.10}')), '{"a":1.10}');
  for (const [type, text] of [
    ["number", "1,10"],
    ["number", "true"],
    ["number", ""],
    ["json", "{"],
    ["json", "null"],
    ["tags", "[1"],
  ])
    assert.throws(() => valueOfText(/** @type {any} */ (type), text), `${type}: ${text}`);
});

test("a member is set or taken away at a path, and what was there stays as it was", () => {
  const before = parse('{"properties":{"a":{"b":1},"c":2}}');
  const cases = [
    [["properties", "a", "b"], "x", '{"properties":{"a":{"b":"x"},"c":2}}'],
    [["properties", "c"], undefined, '{"properties":{"a":{"b":1}}}'],
    [["origin", "channel"], "ios", '{"properties":{"a":{"b":1},"c":2},"origin":{"channel":"ios"}}'],
    [["properties", "__proto__"], "x", '{"properties":{"a":{"b":1},"c":2,"__proto__":"x"}}'],
  ];
  for (const [path, value, after] of cases)
    assert.equal(stringify(withValue(before, /** @type {string[]} */ (path), value)), after);
  assert.equal(stringify(before), '{"properties":{"a":{"b":1},"c":2}}');
});
