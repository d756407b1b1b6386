// Two versions of Roster at once, as after a deploy: their Workers share D1 and objects that are all of one version,
// first today's, then the earlier one's. Usage: make mixed VERSION=<tag or commit>, which builds the earlier version.

import assert from "node:assert/strict";
import { ADMIN_TOKEN, addressOf, migrate, ROOT, roster, serve } from "../bench/lib/worker.mjs";

const TODAY = { name: "today", root: ROOT };
const EARLIER = { name: "earlier", root: `${ROOT}${process.argv[2]}/` };

const WINDOW_SECONDS = 10;
const PUSH_SECONDS = 32;
const PUSHERS = 4;
/** What clients that push reach of the limit of whole windows, at least: leases err on the strict side. */
const SHARE_REACHED = 0.8;

/** Both versions' Workers on objects of `objectsOf`. Their D1 has the earlier version's tables, until `migrate`. */
async function serveBoth(objectsOf) {
  const deciders = {};
  const causes = [];
  const worker = (version) => roster({ ...version, objectsOf, variables: { RATE_LIMIT: `20/${WINDOW_SECONDS}` } });
  const others = objectsOf === TODAY ? [EARLIER, TODAY] : [TODAY, EARLIER];
  const miniflare = await serve(others.map(worker), {
    handleStructuredLogs({ message }) {
      const [, decider] = message.match(/"limiter":"(\w+)"/) ?? [];
      if (decider) deciders[decider] = (deciders[decider] ?? 0) + 1;
      if (/"cause"|^limiter: /.test(message)) causes.push(message);
    },
  });
  const applied = new Set();
  await migrate(miniflare, EARLIER.root, applied);
  return {
    today: client(await addressOf(miniflare, TODAY.name)),
    earlier: client(await addressOf(miniflare, EARLIER.name)),
    deciders,
    causes,
    migrate: () => migrate(miniflare, ROOT, applied),
    end: () => miniflare.dispose(),
  };
}

/** A client of one Worker: a call's status, headers and JSON. */
function client(url) {
  const call = async (method, path, token, body) => {
    const headers = { Authorization: `Bearer ${token}` };
    const sent = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fetch(url + path, { method, headers, body: sent });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) };
  };
  /** The JSON of a call that must be answered with this status. */
  const expect = async (status, method, path, token, body) => {
    const answer = await call(method, path, token, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.json;
  };
  const makeKey = (project) => expect(201, "POST", "/v1/keys", ADMIN_TOKEN, { name: "mixed", project });
  return { call, expect, makeKey };
}

const HIGH_LIMIT = { rate_limits: { users: { limit: 100_000, window_seconds: 60 } } };
const PLAIN = {
  user_id: "plain",
  email: "plain@example.com",
  phone: "+15550001",
  properties: { plan: "free", tags: ["a"] },
};
const WRITTEN = {
  user_id: "größe/😀",
  properties: { name: "Ünï ☃ \u2028", nested: { deep: { er: true } } },
  origin: { channel: "web" },
};
/** As text, since JavaScript can't hold these numbers. */
const NUMBERS = '{"user_id":"numbers","properties":{"price":1.10,"large":12345678901234567890123,"small":1e-9}}';

/** What one Worker writes the other reads, lists, merges and deletes, whichever of them made project and key. */
async function checkUsers(maker, other, project, report) {
  const { key, key_id } = await maker.makeKey(project);
  await setLimit([other, maker], project, HIGH_LIMIT, report);
  const path = (id) => `/v1/users/${encodeURIComponent(id)}`;
  for (const [i, body] of [PLAIN, WRITTEN, NUMBERS].entries()) {
    const [writer, reader] = i % 2 ? [maker, other] : [other, maker];
    await writer.expect(200, "POST", "/v1/users", key, body);
    const id = (typeof body === "string" ? JSON.parse(body) : body).user_id;
    const [written, read] = await Promise.all([writer, reader].map((worker) => worker.call("GET", path(id), key)));
    if (body === NUMBERS) assert.match(written.text, /1\.10.*12345678901234567890123.*1e-9/);
    assert.equal(read.text, written.text);
    assert.equal(read.headers.get("ETag"), written.headers.get("ETag"));
    await reader.expect(200, "POST", "/v1/users", key, body);
    const again = await writer.call("GET", path(id), key);
    assert.equal(again.text, written.text, "the same body by the other version changed the user");
    report.users++;
  }
  await checkMerges(maker, other, key, report);
  const lists = await Promise.all([maker, other].map((worker) => worker.call("GET", "/v1/users?limit=100", key)));
  assert.equal(lists[0].text, lists[1].text);
  assert.equal(lists[0].json.users.length, 4 + 2 * 20);
  for (const [deleter, reader, id] of [
    [maker, other, "plain"],
    [other, maker, "numbers"],
  ]) {
    await deleter.expect(200, "DELETE", path(id), key);
    await reader.expect(404, "GET", path(id), key);
  }
  for (const worker of [maker, other]) {
    const found = await worker.expect(200, "GET", "/v1/users?email=plain%40example.com", key);
    assert.deepEqual(found.users, []);
  }
  await other.expect(200, "DELETE", `/v1/keys/${key_id}`, ADMIN_TOKEN);
  for (const worker of [maker, other]) await worker.expect(401, "POST", "/v1/users", key, PLAIN);
  report.keys++;
}

/** An object that does not know a message refuses it: 503, to be sent again. Then the other version does it. */
async function setLimit(workers, project, body, report) {
  for (const worker of workers) {
    const answer = await worker.call("PUT", `/v1/projects/${project}`, ADMIN_TOKEN, body);
    if (answer.status === 200) return;
    assert.equal(answer.status, 503, answer.text);
    assert.ok(answer.headers.has("Retry-After"));
    report.refused++;
  }
  assert.fail("neither version can set a limit");
}

/** Upserts of one user and batches, from both Workers at once: nothing is lost. */
async function checkMerges(maker, other, key, report) {
  const workers = [maker, other];
  const shared = (i) => ({ user_id: "shared", properties: { [`by_${i}`]: i } });
  const upsert = (i) => workers[i % 2].expect(200, "POST", "/v1/users", key, shared(i));
  const batch = (worker, name) => {
    const user = (_, i) => ({ user_id: `${name}-${i}`, email: `${name}-${i}@example.com` });
    const users = Array.from({ length: 20 }, user);
    return worker.expect(200, "POST", "/v1/users/batch", key, { users });
  };
  await Promise.all([...Array(64).keys()].map(upsert).concat(batch(maker, "maker"), batch(other, "other")));
  const { properties } = (await maker.expect(200, "GET", "/v1/users/shared", key)).user;
  assert.deepEqual(Object.keys(properties).length, 64);
  report.merges += 64;
}

/** Both Workers push against one limit, and are sent on at once when they are refused. */
async function checkLimit({ today, earlier }, project, limit) {
  const { key } = await today.makeKey(project);
  if (limit !== 20) {
    const rate_limits = { users: { limit, window_seconds: WINDOW_SECONDS } };
    await earlier.expect(200, "PUT", `/v1/projects/${project}`, ADMIN_TOKEN, { rate_limits });
  }
  const admitted = [];
  const until = performance.now() + PUSH_SECONDS * 1000;
  const push = async (name, worker, pusher) => {
    for (let i = 0; performance.now() < until; i++) {
      const sent = performance.now();
      const answer = await worker.call("POST", "/v1/users", key, { user_id: `${name}-${pusher}`, properties: { i } });
      assert.ok([200, 429].includes(answer.status), answer.text);
      assert.equal(answer.headers.get("X-RateLimit-Limit"), String(limit), `${name} does not know the project's limit`);
      if (answer.status === 200) admitted.push({ name, sent, answered: performance.now() });
      else await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const pushers = Array.from({ length: PUSHERS }, (_, i) => [push("today", today, i), push("earlier", earlier, i)]);
  await Promise.all(pushers.flat());
  const most = mostInAWindow(admitted);
  const usable = limit * Math.floor(PUSH_SECONDS / WINDOW_SECONDS);
  const by = (name) => admitted.filter((call) => call.name === name).length;
  const figures = `${admitted.length} admitted in ${PUSH_SECONDS} s (today ${by("today")}, earlier ${by("earlier")})`;
  console.log(`  limit ${limit}/${WINDOW_SECONDS}: ${figures}, at most ${most} in a window`);
  assert.ok(most <= limit, `${most} of ${limit} were admitted in one window`);
  assert.ok(admitted.length >= SHARE_REACHED * usable, `only ${admitted.length} of ${usable} were admitted`);
  assert.ok(by("today") > 0 && by("earlier") > 0, "one version was never admitted");
}

/** Calls of which it is certain that they were admitted within one window: sent in it, and answered in it. */
function mostInAWindow(calls) {
  const within = (start) =>
    calls.filter(({ sent, answered }) => sent >= start && answered <= start + WINDOW_SECONDS * 1000).length;
  return Math.max(...calls.map(({ sent }) => within(sent)));
}

/** The earlier Worker goes on through today's migrations: what it stored is there, and what it makes is complete. */
async function checkMigrations(workers, report) {
  const { today, earlier } = workers;
  const { key } = await earlier.makeKey("before");
  await earlier.expect(200, "POST", "/v1/users", key, PLAIN);
  await workers.migrate();
  await checkUsers(earlier, today, "by-earlier", report);
  await checkUsers(today, earlier, "by-today", report);
  for (const worker of [earlier, today]) {
    await worker.expect(200, "POST", "/v1/users", key, WRITTEN);
    assert.equal((await worker.expect(200, "GET", "/v1/users/plain", key)).user.email, PLAIN.email);
    assert.equal((await worker.expect(200, "GET", "/v1/users", key)).users.length, 2);
  }
  const { projects } = await today.expect(200, "GET", "/v1/projects", ADMIN_TOKEN);
  const listed = projects.map(({ name, storage }) => `${name}:${storage.kind}`).toSorted();
  assert.deepEqual(listed, ["before:d1", "by-earlier:d1", "by-today:d1"]);
}

/** A project in objects, made by either version. */
async function checkObjects({ today, earlier }, report) {
  for (const [maker, other, project] of [
    [today, earlier, "objects-today"],
    [earlier, today, "objects-earlier"],
  ]) {
    const storage = { kind: "objects", buckets: 4 };
    await maker.expect(200, "PUT", `/v1/projects/${project}`, ADMIN_TOKEN, { storage });
    await checkUsers(maker, other, project, report);
  }
}

for (const objectsOf of [TODAY, EARLIER]) {
  console.log(`Both Workers on the objects of the ${objectsOf === TODAY ? "version of today" : "earlier version"}:`);
  const workers = await serveBoth(objectsOf);
  const report = { users: 0, merges: 0, keys: 0, refused: 0 };
  try {
    await checkMigrations(workers, report);
    await checkObjects(workers, report);
    const { users, merges, keys, refused } = report;
    console.log(`  ${users} users written by one version, read and sent again by the other; ${merges} merges at once`);
    console.log(`  ${keys} keys made by one and revoked by the other; ${refused} messages that objects refused (503)`);
    await Promise.all([checkLimit(workers, "small", 20), checkLimit(workers, "large", 100)]);
    const decided = Object.entries(workers.deciders).map(([decider, n]) => `${n} by ${decider}`);
    console.log(`  decided: ${decided.join(", ")}`);
    assert.equal(workers.deciders.fallback, undefined, "a Worker counted by itself");
    assert.equal(workers.causes.length, report.refused, workers.causes.join("\n"));
  } catch (error) {
    console.log(workers.causes.join("\n"));
    throw error;
  } finally {
    await workers.end();
  }
}
console.log("Both versions kept every promise that was tried.");
