// Files in and out: CSV, NDJSON, columns, batches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetOf, pause } from "../../web/console/data/budget.mjs";
import { cellValue, valueCell } from "../../web/console/data/cell_types.mjs";
import { plan, problem } from "../../web/console/data/columns.mjs";
import { rows, writeRow } from "../../web/console/data/csv.mjs";
import { eraseAll } from "../../web/console/data/erasing.mjs";
import { csvParts, exported, readAll, selection, selectionProblem } from "../../web/console/data/exporting.mjs";
import { ImportFile } from "../../web/console/data/import_file.mjs";
import { batchBody, batches, patiently, sendAll } from "../../web/console/data/importing.mjs";
import { equal, parse, stringify } from "../../web/console/data/lossless.mjs";
import { withinHours } from "../../web/console/data/text.mjs";

const cells = (text) => Array.from(rows(text, ","), ({ cells }) => cells);

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

test("rows longer than what is read at once, and rows across its ends, are whole", () => {
  const long = "x".repeat(3_000_000);
  const text = `a,b\n"${long}\n",1\n${Array.from({ length: 200_000 }, (_, i) => `${i},"y ""${i}"""\r\n`).join("")}`;
  const all = [...rows(text, ",")];
  assert.equal(all.length, 200_002);
  assert.deepEqual([all[1].cells[0].length, all[2].line, all.at(-1)?.line], [3_000_001, 4, 200_003]);
  assert.deepEqual(all.at(-1)?.cells, ["199999", 'y "199999"']);
  assert.ok(all.every(({ misquoted }) => misquoted === undefined));
});

const placesOf = (names) => plan(names).columns.map(({ places }) => places);

test("columns find their places by name", () => {
  assert.deepEqual(
    placesOf(["ID", "E-Mail", "Phone number", "Plan", "properties.a.b", "origin.channel", "", "user-id"]),
    [
      [{ part: "user_id" }],
      [{ part: "email" }],
      [{ part: "phone" }],
      [{ part: "properties", key: "Plan" }],
      [{ part: "properties", key: "a.b" }],
      [{ part: "origin", key: "channel" }],
      [],
      [{ part: "properties", key: "user-id" }],
    ],
  );
  assert.deepEqual(placesOf(["id", "user_id"]), [[{ part: "properties", key: "id" }], [{ part: "user_id" }]]);
  assert.deepEqual(placesOf(["Mail", "Name"])[0], [{ part: "user_id" }, { part: "email" }]);
});

test("a mapping that can't be sent says why", () => {
  const column = (...places) => ({ name: "x", places, isOwn: false });
  const id = { part: "user_id" };
  assert.match(problem([column({ part: "email" })]) ?? "", /user id/);
  assert.match(problem([column(id, { part: "properties", key: "" })]) ?? "", /needs a name/);
  const origin = { part: "origin", key: "a" };
  assert.match(problem([column(id, origin), column(origin)]) ?? "", /origin\.a/);
  assert.equal(problem([column(id), column(), column()]), undefined);
});

test("a cell is JSON if it can be, digit for digit, and text otherwise", () => {
  for (const json of ['""', '"a"', '"1"', '"null"', "1.10", "null", "[]", '"\\"q\\""', '" 1"', '"007"', '"TRUE"']) {
    const value = parse(json);
    assert(equal(value, cellValue(valueCell(value))), json);
  }
});

/** A file that was opened and surveyed. */
async function surveyed(name, text, choices = {}, change = (columns) => columns) {
  const file = new ImportFile();
  const { columns } = file.open(name, new TextEncoder().encode(text));
  const survey = await file.survey({ columns: columns && change(columns), choices }, async () => false);
  return { file, survey: /** @type {import("../../web/console/data/import_file.mjs").Survey} */ (survey) };
}

test("a preview counts what will be sent, what is refused, and what a choice decides", async () => {
  const text = "user_id,email,phone,plan\nu1,a@b.c,0049 151 23456789,1\nu2,x,+49151,2\n'u3,,,3\nu4\nu5,,call me,4\n";
  const { survey } = await surveyed("users.csv", text);
  assert.deepEqual([survey.total, survey.refused, survey.isDone], [5, 5, true]);
  assert.deepEqual(survey.phones, { others: 2, tidied: 1 });
  assert.deepEqual(survey.doubts, { apostrophe: 1 });
  assert.deepEqual(
    survey.faults.map(({ line, reason }) => `${line} ${reason}`),
    [
      "2 phone: Must begin with + and the country code; try +49 151…",
      "3 email: Must be a valid e-mail address of at most 254 bytes",
      "4 The user_id begins with an apostrophe, which some exports write before a text: strip apostrophes, or allow them",
      "5 The row has 1 cells and the header 4",
      "6 phone: Must be + and 2 to 15 digits, the first not 0 (E.164)",
    ],
  );
  assert.deepEqual(
    survey.columns?.map(({ type }) => type),
    ["json", "json", "json", "number"],
  );
  const kept = await surveyed("users.csv", text, { phones: "keep", apostrophes: "strip" });
  assert.deepEqual([kept.survey.refused, kept.survey.phones.others], [2, 2]);
});

test("a survey that nobody waits for any more ends", async () => {
  const file = new ImportFile();
  const { columns } = file.open("a.csv", new TextEncoder().encode(`user_id\n${"u\n".repeat(10_000)}`));
  assert.equal(await file.survey({ columns, choices: {} }, async () => true), undefined);
});

test("a file is sent in batches, and what was refused comes back to be corrected", async () => {
  const { file } = await surveyed("users.csv", "user_id;email\nu1;a@b.c\nu2;x\nu3;c@d.e\n");
  file.start();
  const parcel = file.next();
  assert.equal(parcel?.body, '{"users":[{"user_id":"u1","email":"a@b.c"},{"user_id":"u3","email":"c@d.e"}]}');
  assert.deepEqual([parcel?.count, parcel?.refused], [3, 1]);
  file.settle([[1, '{"code":"INVALID_VALUE","message":"m","details":{"issue":"i","limit_bytes":10}}']]);
  assert.equal(file.next(), undefined);
  const { file: refused, extension, first } = file.refused();
  assert.equal(extension, "csv");
  assert.deepEqual(
    first.map(({ line }) => line),
    [3, 4],
  );
  assert.equal(
    await refused.text(),
    "refused_line;refused_reason;user_id;email\n" +
      '3;"INVALID_VALUE: email: Must be a valid e-mail address of at most 254 bytes";u2;x\n' +
      '4;"INVALID_VALUE: m: i";u3;c@d.e\n',
  );
});

test("a refused user of another product's JSON comes back as it came", async () => {
  const line = '{"id":"u1","mail":"x","n":1.10}';
  const { file } = await surveyed("users.json", `[${line}]`);
  file.start();
  assert.deepEqual(file.next(), { body: undefined, count: 1, refused: 1 });
  file.settle([]);
  assert.match(
    await file.refused().file.text(),
    new RegExp(`^\\{"line":1,"record":${line.replace(/[{}.]/g, "\\$&")},"error":`),
  );
});

test("batches hold what a body has room for, in order", () => {
  const record = (id) => ({ line: id, user: new Map([["user_id", `${id}é`]]) });
  const records = Array.from({ length: 7 }, (_, i) => record(i));
  const size = new TextEncoder().encode(
    batchBody(records.slice(0, 3).map(({ user }) => ({ json: stringify(user) }))),
  ).length;
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
      packed.flatMap((batch) => batch.records.map(({ line }) => line)),
      records.map(({ line }) => line),
    );
  }
  const [batch] = batches([{ ...record(1), user: new Map([["user_id", "a".repeat(60)]]) }, record(2)], 10, 80);
  assert.equal(batch.refused[0].error?.get("code"), "PAYLOAD_TOO_LARGE");
  assert.equal(batch.records.length, 1);
});

test("an import waits as long as it must, settles each batch, and stops at what won't get better", async () => {
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
  /** @type {any[]} */
  const settled = [];
  /** @type {any[]} */
  let parcels = [
    { body: "{}", count: 3, refused: 1 },
    { count: 2, refused: 2 },
  ];
  const port = {
    next: async () => parcels.shift(),
    settle: async (errors) => settled.push(errors),
    send: async () => answers.shift(),
    wait: async (seconds) => waited.push(seconds),
    onProgress: (sum) => sums.push(sum),
  };
  assert.equal(await sendAll(port), undefined);
  assert.deepEqual(waited, [7]);
  assert.deepEqual(settled, [[[1, '{"code":"MISSING_FIELD","message":"m"}']], []]);
  assert.deepEqual(sums, [
    { stored: 1, refused: 2, done: 3 },
    { stored: 1, refused: 4, done: 5 },
  ]);
  parcels = [{ body: "{}", count: 1, refused: 0 }];
  answers.push({ status: 401 });
  assert.equal((await sendAll(port))?.status, 401);
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
    '{"limit":1000}': page(user("a"), '"c/1"'),
    '{"limit":1000,"cursor":"c/1"}': page(user("b", '{"n":1.10,"s":"1"}'), null),
  };
  const port = {
    read: async (request) => ({ status: 200, tree: parse(pages[request.body]) }),
    wait: async () => {},
    onProgress: () => {},
  };
  const { users } = /** @type {{ users: Map<string, any>[] }} */ (await readAll(port));
  assert.equal(stringify(users[1]), '{"user_id":"b","phone":"+123","properties":{"n":1.10,"s":"1"},"origin":{}}');
  assert.equal(
    csvParts(users).join(""),
    'user_id,email,phone,properties.n,properties.s\na,,+123,,\nb,,+123,1.10,"""1"""\n',
  );
  assert.equal(exported(parse(user("a")), selection({ withAsOf: true })).get("as_of"), "t");
  assert.equal(selectionProblem(["user_id", "properties.a", "origin", "created_at"]), undefined);
  assert.equal(selectionProblem(["zip"]), 'There is no "zip".');
  for (const name of ["set_once", "set_once.origin.a"])
    assert.equal(selectionProblem([name]), `There is no "${name}".`);
  assert.equal(selectionProblem(["email", "email"]), '"email" stands twice.');
  assert.equal((await readAll({ ...port, read: async () => ({ status: 403 }) })).failed?.status, 403);
});

test("an erasure goes batch by batch, counts whom nobody had, and names who is refused", async () => {
  const ids = Array.from({ length: 1200 }, (_, i) => `u"${i}`);
  /** @type {any[]} */
  const answers = [
    ["false", 503],
    ["true", 200],
    ["false", 207],
    ["true", 200],
  ];
  const bodies = [];
  const sums = [];
  const waits = [];
  const send = async (body) => {
    bodies.push(body);
    const [deleted, status] = answers.shift();
    const { users } = JSON.parse(body);
    const result = (_, i) => (i === 7 && status === 207 ? '{"error":{"message":"No"}}' : `{"deleted":${deleted}}`);
    const tree = status === 503 ? undefined : parse(`{"results":[${users.map(result).join()}]}`);
    return /** @type {any} */ ({ status, retryAfter: 3, tree });
  };
  const onProgress = (sum) => sums.push(sum);
  const wait = async (seconds) => waits.push(seconds);
  assert.equal(await eraseAll({ ids, send, wait, onProgress }), undefined);
  assert.deepEqual(waits, [3]);
  assert.deepEqual(
    bodies.map((body) => JSON.parse(body).users.length),
    [500, 500, 500, 200],
  );
  assert.deepEqual(JSON.parse(bodies[1]).users[1], { user_id: 'u"1', delete: true });
  const refused = [{ id: 'u"507', reason: "No" }];
  assert.deepEqual(sums.at(-1), { erased: 700, absent: 499, refused, done: 1200 });
  const failed = { status: 401 };
  assert.equal(await eraseAll({ ids, send: async () => /** @type {any} */ (failed), wait, onProgress }), failed);
});
