// Files in and out: CSV, NDJSON, columns, batches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetOf, pause } from "../../web/console/data/budget.mjs";
import { cellValue, guessAll, problem, rowJson, valueCell } from "../../web/console/data/columns.mjs";
import { rows, writeRow } from "../../web/console/data/csv.mjs";
import { csvParts, importable, readAll } from "../../web/console/data/exporting.mjs";
import { batchBody, batches, patiently, refusedParts, sendAll } from "../../web/console/data/importing.mjs";
import { equal, parse, stringify } from "../../web/console/data/lossless.mjs";
import { csvRecords, isNdjson, ndjsonRecords } from "../../web/console/data/records.mjs";
import { withinHours } from "../../web/console/data/text.mjs";

const cells = (text) => Array.from(rows(text), ({ cells }) => cells);

test("CSV is read as RFC 4180 has it", () => {
  /** @type {[text: string, expected: string[][]][]} */
  const cases = [
    [
      "a,b\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,b\r\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      '"a,b","c""d"\n"e\nf",\n',
      [
        ["a,b", 'c"d'],
        ["e\nf", ""],
      ],
    ],
    ["\uFEFFa\n\n\nb\n", [["a"], ["b"]]],
    [",\n", [["", ""]]],
    ["a,", [["a", ""]]],
    ['a "b" c,d', [['a "b" c', "d"]]],
    ["a\rb,c\n", [["a\rb", "c"]]],
    ["", []],
  ];
  for (const [text, expected] of cases) assert.deepEqual(cells(text), expected, text);
  assert.deepEqual(
    Array.from(rows('a\n"b\nc"\n\nd\n'), ({ line }) => line),
    [1, 2, 5],
  );
});

test("a row that was written is read back", () => {
  for (const row of [["a", "b"], [""], ["", ""], ['"', ",", "\n", "\r\n"], ["é", "=1+1"]])
    assert.deepEqual(cells(writeRow(row)), [row]);
});

test("columns find their places by name", () => {
  assert.deepEqual(
    guessAll(["ID", "E-Mail", "Phone number", "Plan", "properties.a.b", "origin.channel", "", "user-id"]),
    [
      { part: "user_id" },
      { part: "email" },
      { part: "phone" },
      { part: "properties", key: "Plan" },
      { part: "properties", key: "a.b" },
      { part: "origin", key: "channel" },
      { part: "skip" },
      { part: "properties", key: "user-id" },
    ],
  );
  assert.deepEqual(guessAll(["id", "user_id"]), [{ part: "properties", key: "id" }, { part: "user_id" }]);
});

test("a mapping that can't be sent says why", () => {
  assert.match(problem([{ part: "email" }]), /user id/);
  assert.match(problem([{ part: "user_id" }, { part: "properties", key: "" }]), /needs a name/);
  assert.match(problem([{ part: "user_id" }, { part: "origin", key: "a" }, { part: "origin", key: "a" }]), /origin\.a/);
  assert.equal(problem([{ part: "user_id" }, { part: "skip" }, { part: "skip" }]), undefined);
});

test("a cell is JSON if it can be, digit for digit, and text otherwise", () => {
  const targets = guessAll(["user_id", "email", "properties.n", "properties.s", "origin.o", "phone"]);
  assert.equal(
    rowJson(targets, ["007", "null", "1.10", '"007"', '{"a":12345678901234567890123}', ""]),
    '{"user_id":"007","email":null,"properties":{"n":1.10,"s":"007"},"origin":{"o":{"a":12345678901234567890123}}}',
  );
  for (const json of ['""', '"a"', '"1"', '"null"', "1.10", "null", "[]", '"\\"q\\""', '" 1"']) {
    const value = parse(json);
    assert(equal(value, cellValue(valueCell(value))), json);
  }
});

test("records know their lines, and what is no user is named", () => {
  const targets = guessAll(["user_id", "plan"]);
  const [good, bad] = csvRecords("user_id,plan\nu1,pro\nu2\n", targets);
  assert.deepEqual(good, { line: 2, json: '{"user_id":"u1","properties":{"plan":"pro"}}', row: "u1,pro" });
  assert.equal(bad.error?.get("message"), "The row has 1 cells and the header 2");
  const [twice] = csvRecords('user_id,plan\nu1,"{""a"":1,""a"":2}"\n', targets);
  assert.match(twice.error?.get("message"), /"a" stands twice/);
  const lines = [
    ...ndjsonRecords('{"user_id":"a","n":1.10}\n\n[1]\n{"a"\n{"line":7,"record":{"user_id":"b"},"error":{}}\n'),
  ];
  assert.deepEqual(
    lines.map(({ line, json, error }) => [line, json ?? error?.get("code")]),
    [
      [1, '{"user_id":"a","n":1.10}'],
      [3, "INVALID_TYPE"],
      [4, "INVALID_REQUEST"],
      [5, '{"user_id":"b"}'],
    ],
  );
  assert(
    isNdjson("a.jsonl", "") && isNdjson("a.txt", ' {"a":1}') && !isNdjson("a.csv", "{") && !isNdjson("a.txt", "a,b"),
  );
});

test("batches hold what a body has room for, in order", () => {
  const record = (id) => ({ line: id, json: `{"user_id":"${id}é"}` });
  const records = Array.from({ length: 7 }, (_, i) => record(i));
  const size = new TextEncoder().encode(batchBody(records.slice(0, 3))).length;
  /** @type {[maxUsers: number, maxBytes: number, lengths: number[]][]} */
  const bounds = [
    [3, 9999, [3, 3, 1]],
    [100, size, [3, 3, 1]],
    [100, size - 1, [2, 2, 2, 1]],
    [7, 9999, [7]],
  ];
  for (const [maxUsers, maxBytes, lengths] of bounds) {
    const packed = [...batches(records, maxUsers, maxBytes)];
    assert.deepEqual(
      packed.map((batch) => batch.records.length),
      lengths,
    );
    for (const batch of packed) assert(new TextEncoder().encode(batchBody(batch.records)).length <= maxBytes);
    assert.deepEqual(
      packed.flatMap((batch) => batch.records),
      records,
    );
  }
  const [batch] = batches([{ line: 1, json: `"${"a".repeat(60)}"` }, record(2)], 10, 40);
  assert.equal(batch.refused[0].error?.get("code"), "PAYLOAD_TOO_LARGE");
  assert.equal(batch.records.length, 1);
});

test("an import waits as long as it must, collects what is refused, and stops at what won't get better", async () => {
  const records = [
    { line: 1, json: '{"user_id":"a"}' },
    { line: 2, json: "{}" },
    { line: 3, text: "x", error: new Map([["code", "INVALID_REQUEST"]]) },
  ];
  /** @type {any[]} */
  const answers = [
    { status: 429, retryAfter: 7 },
    {
      status: 207,
      tree: parse('{"results":[{"index":0},{"index":1,"error":{"code":"MISSING_FIELD","message":"m"}}]}'),
    },
  ];
  /** @type {number[]} */
  const waited = [];
  /** @type {any[]} */
  const sums = [];
  const port = {
    send: async () => answers.shift(),
    wait: async (seconds) => waited.push(seconds),
    onProgress: (sum) => sums.push(sum),
  };
  assert.equal(await sendAll(batches(records), port), undefined);
  assert.deepEqual(waited, [7]);
  assert.deepEqual([sums[0].stored, sums[0].done, sums[0].refused.map(({ line }) => line)], [1, 3, [2, 3]]);
  assert.deepEqual(refusedParts({ text: "" }, sums[0].refused.slice(0, 1)), [
    '{"line":2,"record":{},"error":{"code":"MISSING_FIELD","message":"m"}}\n',
  ]);
  answers.push({ status: 401 });
  assert.equal((await sendAll(batches(records), port))?.status, 401);
  await assert.rejects(
    patiently(
      async () => ({ status: 503 }),
      async () => {
        throw new Error("cancelled");
      },
    ),
    /cancelled/,
  );
});

test("a call that fails again and again is given up, whatever its ninth answer is", async () => {
  const call = (statuses) => async () => ({ status: statuses.shift() ?? 503, retryAfter: 1 });
  const wait = async () => {};
  for (const statuses of [[], Array(8).fill(503).concat(429), [429, 503, 429]])
    assert.equal((await patiently(call(statuses), wait)).status, 503);
  assert.equal((await patiently(call([...Array(30).fill(429), 200]), wait)).status, 200);
});

test("an export leaves a fifth of the limit to the app", async () => {
  const headers = (limit, remaining, window, full) =>
    new Headers({
      "X-RateLimit-Limit": `${limit}`,
      "X-RateLimit-Remaining": `${remaining}`,
      "RateLimit-Policy": `"users";q=${limit};w=${window}`,
      RateLimit: `"users";r=${remaining};t=${full}`,
    });
  /** @type {[number, number, number, number, seconds: number][]} */
  const cases = [
    [500, 100, 60, 42, 0],
    [500, 99, 60, 42, 2.4],
    [1, 1, 1, 0, 0],
    [500, 0, 60, 1, 1],
    [10, 1, 60, 58, 58],
  ];
  for (const [limit, remaining, window, full, seconds] of cases)
    assert.equal(pause(budgetOf(headers(limit, remaining, window, full))), seconds);
  assert.equal(pause(budgetOf(new Headers())), 0);

  const pages = ["c", "d", null].map((cursor) => ({
    status: 200,
    tree: parse(`{"users":[],"pagination":{"next_cursor":${JSON.stringify(cursor)}}}`),
    budget: budgetOf(headers(500, cursor === "c" ? 100 : 99, 60, 42)),
  }));
  const waited = [];
  await readAll({
    read: async () => /** @type {any} */ (pages.shift()),
    wait: async (seconds) => waited.push(seconds),
    onProgress: () => {},
  });
  assert.deepEqual(waited, [2.4]);
});

test("a time that is known to the hour is said to the hour", () => {
  const hour = 3_600_000;
  /** @type {[hours: number, said: string][]} */
  const cases = [
    [-0.1, "within the hour"],
    [0, "within the hour"],
    [1, "within the hour"],
    [1.1, "within 2 hours"],
    [48, "within 48 hours"],
    [48.1, "within 3 days"],
  ];
  for (const [hours, said] of cases) assert.equal(withinHours(0, hours * hour), said);
});

test("an export walks all pages and writes what an import takes", async () => {
  const user = (id, properties = "{}") =>
    `{"user_id":"usr_1","external_id":"${id}","email":null,"phone":"+123","properties":${properties},"origin":{},` +
    `"created_at":"c","updated_at":"t"}`;
  const page = (user, cursor) => `{"users":[${user}],"pagination":{"next_cursor":${cursor}}}`;
  const pages = {
    "/v1/users?limit=100": page(user("a"), '"c/1"'),
    "/v1/users?limit=100&cursor=c%2F1": page(user("b", '{"n":1.10,"s":"1"}'), null),
  };
  const port = {
    read: async (path) => ({ status: 200, tree: parse(pages[path]) }),
    wait: async () => {},
    onProgress: () => {},
  };
  const { users } = /** @type {{ users: Map<string, any>[] }} */ (await readAll(port));
  assert.equal(stringify(users[1]), '{"user_id":"b","phone":"+123","properties":{"n":1.10,"s":"1"},"origin":{}}');
  assert.equal(
    csvParts(users).join(""),
    'user_id,email,phone,properties.n,properties.s\na,,+123,,\nb,,+123,1.10,"""1"""\n',
  );
  assert.equal(importable(parse(user("a")), true).get("as_of"), "t");
  assert.equal((await readAll({ ...port, read: async () => ({ status: 403 }) })).failed?.status, 403);
});
