// JSON that loses nothing, and merge patches of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Digits, equal, NotJson, parse, stringify } from "../../web/console/data/lossless.mjs";
import { apply, changes, diff } from "../../web/console/data/merge_patch.mjs";

test("digits, order, and names that objects of JavaScript treat apart come back as they were", () => {
  for (const text of [
    '{"big":12345678901234567890123,"price":1.10,"tiny":-1e-400,"list":[1.0,10E5,0]}',
    '{"b":1,"10":2,"2":3,"__proto__":{"a":null},"constructor":true}',
    '"\\u0000 \\\\ \\" é 😀"',
    "[]",
    "{}",
    "null",
    '""',
  ])
    assert.equal(stringify(parse(text)), text);
});

test("what is JSON is decided as JSON.parse decides it", () => {
  const texts = [
    "",
    " ",
    "{",
    "[1,]",
    '{"a":1,}',
    "{a:1}",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "NaN",
    "tru",
    "1 2",
    '"\n"',
    '"\\x"',
    "'a'",
    '{"a" 1}',
    "[1 2]",
    ' [ 1 , { "a" : "b" } ] ',
    "-0",
    "1E+2",
    "nulll",
    "{}{}",
    "\u00a01",
  ];
  for (const text of texts) {
    const oracle = (() => {
      try {
        return JSON.stringify(JSON.parse(text));
      } catch {
        return undefined;
      }
    })();
    if (oracle === undefined) assert.throws(() => parse(text), NotJson, text);
    else assert.equal(JSON.stringify(JSON.parse(stringify(parse(text)))), oracle, text);
  }
});

test("a fault says where it is, and a name that stands twice is one", () => {
  assert.throws(() => parse('{"a": 1,\n  "a": 2}'), /"a" stands twice at line 2, column 6/);
  assert.throws(() => parse('{"a": '), /ends early at line 1, column 7/);
  assert.throws(() => parse("[".repeat(10_000)), /too deeply/);
  assert.equal(parse(`"${"a".repeat(3_000_000)}"`).length, 3_000_000);
});

test("an indent makes lines that a person can read", () => {
  assert.equal(
    stringify(parse('{"a":[1,{}],"b":{"c":"d"}}'), "  "),
    '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": {\n    "c": "d"\n  }\n}',
  );
});

test("equality minds digits and not the order of members", () => {
  assert(equal(parse('{"a":1,"b":[1.10]}'), parse('{"b":[1.10],"a":1}')));
  assert(!equal(new Digits("1.10"), new Digits("1.1")));
  assert(!equal(parse("[1,2]"), parse("[2,1]")));
  assert(!equal(parse("{}"), parse("[]")));
});

// RFC 7396, appendix A, but for targets that are no objects.
const EXAMPLES = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

test("a patch does what RFC 7396 says", () => {
  for (const [target, patch, result] of EXAMPLES) assert.equal(stringify(apply(parse(target), parse(patch))), result);
});

test("the patch of two states makes the one of the other, and is as small as it can be", () => {
  const states = [
    '{"a":"b"}',
    "{}",
    '{"a":{"b":1.10,"c":{"d":[]}}}',
    '{"a":{"b":1.1}}',
    '{"a":[1,{"b":2}],"z":true}',
    '{"a":{}}',
  ].map(parse);
  for (const before of states)
    for (const after of states) {
      const patch = diff(before, after);
      assert(equal(apply(before, patch), after), `${stringify(before)} ${stringify(patch)}`);
      assert.equal(patch.size === 0, equal(before, after));
    }
  assert.equal(stringify(diff(parse('{"a":{"b":1,"c":2}}'), parse('{"a":{"b":1,"c":3}}'))), '{"a":{"c":3}}');
  assert.equal(stringify(diff(parse('{"a":1,"b":2}'), parse('{"a":null,"b":2}'))), '{"a":null}');
});

test("a preview names each member that differs", () => {
  const seen = changes(parse('{"a":1,"p":{"x":1.1,"y":2,"z":[1]}}'), parse('{"p":{"x":1.10,"z":[1],"n":{}}}'));
  assert.deepEqual(
    seen.map(({ path, before, after }) => [
      path.join("."),
      `${before}`,
      after === undefined ? "gone" : stringify(after),
    ]),
    [
      ["a", "1", "gone"],
      ["p.x", "1.1", "1.10"],
      ["p.y", "2", "gone"],
      ["p.n", "undefined", "{}"],
    ],
  );
});
