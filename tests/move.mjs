// Moves N users with the tool, as an operator would: D1 to a project of 16 objects, and on to another project in D1.
// Each export must be the one before it, byte for byte. Usage: node bench/move.mjs [N], 100,000 by default, after cargo
// build --release --package roster-cli

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { ADMIN_TOKEN, ROOT, start } from "../bench/lib/worker.mjs";

const USERS = Number(process.argv[2] ?? 100_000);
/** Calls a second of an export. Without it, the export would leave a fifth of the limit to others. */
const EXPORT_RATE = 1000;
const TOOL = `${ROOT}target/release/roster`;

/** Line `i` of the file that is moved. As text, since JavaScript can't hold these numbers. */
function line(i) {
  const id = i % 10 === 0 ? `größe/${i} 😀` : `user_${i}`;
  const numbers = `"price":1.10,"large":12345678901234567890123,"small":${i}e-9,"n":${i}`;
  const plan = i % 3 ? "free" : "premium";
  const texts = `"name":"Ünï ☃ ${i}","plan":"${plan}","active":${i % 2 === 0},"tags":["a","ß",[]]`;
  const origin = i % 4 ? `,"origin":{"channel":"web","deep":{"er":{"n":-0.50}}}` : "";
  const phone = i % 5 ? "" : `,"phone":"+1555${String(i).padStart(7, "0")}"`;
  return `{"user_id":"${id}","email":"user${i}@example.com"${phone},"properties":{${numbers},${texts}}${origin}}\n`;
}

async function write(path) {
  const file = createWriteStream(path);
  for (let i = 0; i < USERS; i++) if (!file.write(line(i))) await once(file, "drain");
  file.end();
  await once(file, "close");
}

async function sha256(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

async function project(name, storage) {
  if (storage) await call("PUT", `/v1/projects/${name}`, { storage });
  return (await call("POST", "/v1/keys", { name: "move", project: name })).key;
}

async function run(what, key, ...args) {
  const begun = performance.now();
  await promisify(execFile)(TOOL, args, { env: { ...process.env, ROSTER_URL: url, ROSTER_KEY: key }, maxBuffer: 1e8 });
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `${what.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s  ${(USERS / seconds).toFixed(0).padStart(7)} users/s`,
  );
}

const directory = mkdtempSync(`${tmpdir()}/roster-move-`);
const file = (name) => `${directory}/${name}.ndjson`;
const { miniflare, url } = await start();
try {
  await write(file("given"));
  const from = await project("from");
  const objects = await project("objects", { kind: "objects", buckets: 16 });
  const back = await project("back");
  await run("import into D1", from, "import", file("given"));
  await run("export from D1", from, "export", "--rate", String(EXPORT_RATE), "--output", file("first"));
  await run("import into 16 objects", objects, "import", file("first"));
  await run("export from 16 objects", objects, "export", "--rate", String(EXPORT_RATE), "--output", file("second"));
  await run("import into D1 again", back, "import", file("second"));
  await run("export from D1 again", back, "export", "--rate", String(EXPORT_RATE), "--output", file("third"));
  const [first, second, third] = await Promise.all(["first", "second", "third"].map((name) => sha256(file(name))));
  assert.equal(await countLines(file("first")), USERS);
  assert.equal(second, first, "what the objects hold is not what D1 held");
  assert.equal(third, first, "what came back is not what D1 held");
  // Digits as they were given, in whatever order.
  assert.equal(await countLines(file("third"), /"price":1\.10,.*12345678901234567890123.*e-9/), USERS);
  console.log(`${USERS} users are the same byte for byte: sha256 ${first}`);
} finally {
  await miniflare.dispose();
  rmSync(directory, { recursive: true });
}

async function countLines(path, matching = /./) {
  let count = 0;
  let rest = "";
  for await (const chunk of createReadStream(path, "utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    count += lines.filter((line) => matching.test(line)).length;
  }
  return count;
}
