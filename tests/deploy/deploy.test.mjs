// The deploy itself, against a fake of Cloudflare: what it makes of an account, and what it refuses.

import assert from "node:assert/strict";
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { accountBeforeNewObjects, deployedAccount, olderAccount } from "./accounts.mjs";
import { ACCOUNT_ID, emptyAccount } from "./cloudflare.mjs";
import { ADMIN_TOKEN, copyOfRelease, endState, run } from "./harness.mjs";

const MIGRATIONS = readdirSync("migrations")
  .filter((file) => file.endsWith(".sql"))
  .sort();

const serving = (account) => account.workers.roster.deployments[0].versions;
const hadTraffic = (account, id) =>
  account.workers.roster.deployments.some(({ versions }) =>
    versions.some(({ version_id, percentage }) => version_id === id && percentage > 0),
  );

async function succeeds(account, options) {
  const done = await run(account, options);
  assert.equal(done.code, 0, done.printed);
  return done;
}

async function fails(account, words, options) {
  const done = await run(account, options);
  assert.equal(done.code, 1, done.printed);
  assert.match(done.printed, words);
  return done;
}

/** It is refused with these words, and nothing has changed. */
async function refuses(account, words, options) {
  const before = structuredClone(account);
  const done = await fails(account, words, options);
  assert.deepEqual(account, before);
  assert.doesNotMatch(done.printed, /^\$ .*npx wrangler (d1 create|d1 migrations|deploy --secrets|versions|triggers)/m);
  return done;
}

function split(account) {
  const [{ version_id }] = serving(account);
  return {
    versions: [
      { version_id, percentage: 60 },
      { version_id: account.workers.roster.versions[0].id, percentage: 40 },
    ],
  };
}

suite("a deploy", { concurrency: 3 }, () => {
  test("an empty account gets a database where it belongs, its tables, and a Worker with its admin token", async () => {
    const account = emptyAccount();
    await succeeds(account);
    const { databases, workers } = endState(account);
    assert.equal(databases.length, 1);
    assert.equal(databases[0].location, "weur");
    assert.deepEqual(
      databases[0].applied.map(([name]) => name),
      MIGRATIONS,
    );
    assert.deepEqual(workers[0].subdomain, { enabled: true, previews_enabled: false });
    assert.deepEqual(workers[0].settings.observability.traces, { enabled: false });
    const [secret] = workers[0].serving[0].bindings;
    assert.deepEqual([secret.name, secret.type, secret.text], ["ADMIN_TOKEN", "secret_text", ADMIN_TOKEN]);
  });

  test("an upgrade migrates, tries the new version without traffic, and then gives it all", async () => {
    const account = await olderAccount();
    const [{ version_id: old }] = serving(account);
    const { printed, calls } = await succeeds(account);
    const { deployments, versions } = account.workers.roster;
    const next = versions.at(-1).id;
    assert.deepEqual(
      deployments.map(({ versions }) => versions.map(({ version_id, percentage }) => [version_id, percentage])),
      [
        [[next, 100]],
        [
          [next, 0],
          [old, 100],
        ],
        [[old, 100]],
      ],
    );
    assert.equal(endState(account).databases[0].applied.length, MIGRATIONS.length);
    assert.match(printed, new RegExp(`bookmark bookmark-${MIGRATIONS.length}\\b`));
    assert.match(printed, new RegExp(`make rollback VERSION=${old}`));
    assert.ok(
      calls.findIndex(({ path }) => path.endsWith("/query")) <
        calls.findIndex(({ path }) => path.endsWith("/versions")),
    );
  });

  test("a second deploy keeps the admin token that the Worker has", async () => {
    const account = await deployedAccount();
    await succeeds(account, { env: { ADMIN_TOKEN: "another-admin-token" } });
    assert.equal(endState(account).workers[0].serving[0].bindings[0].text, ADMIN_TOKEN);
  });

  test("a Worker without an admin token gets one", async () => {
    const account = await deployedAccount();
    account.workers.roster.versions[0].bindings = account.workers.roster.versions[0].bindings.filter(
      ({ name }) => name !== "ADMIN_TOKEN",
    );
    await refuses(account, /Set ADMIN_TOKEN/, { env: { ADMIN_TOKEN: "" } });
    await succeeds(account);
    assert.equal(endState(account).workers[0].serving[0].bindings[0].text, ADMIN_TOKEN);
  });

  test("a version that does not work gets no traffic, and the old one serves on", async () => {
    const account = await olderAccount();
    const [{ version_id: old }] = serving(account);
    account.nextUploads = "broken";
    await fails(account, /health is answered 500, not 200/);
    assert.deepEqual(serving(account), [{ version_id: old, percentage: 100 }]);
    assert.ok(!hadTraffic(account, account.workers.roster.versions.at(-1).id));
  });

  test("a version that fails under traffic gives it back to the old one", async () => {
    const account = await olderAccount();
    const [{ version_id: old }] = serving(account);
    account.nextUploads = "under traffic";
    await fails(account, new RegExp(`${old} serves again`));
    assert.deepEqual(serving(account), [{ version_id: old, percentage: 100 }]);
    assert.ok(hadTraffic(account, account.workers.roster.versions.at(-1).id));
  });

  test("a version that a deploy left without traffic when it was cut off is not taken for the old one", async () => {
    const account = await olderAccount();
    const [{ version_id: old }] = serving(account);
    account.nextUploads = "broken";
    const { calls } = await fails(structuredClone(account), /serves again/);
    const firstTry = calls.findIndex(({ isApi }) => !isApi) + 1;
    await run(account, { at: firstTry, fault: "kill" });
    assert.equal(serving(account).length, 2);
    await fails(account, new RegExp(`${old} serves again`));
    assert.deepEqual(serving(account), [{ version_id: old, percentage: 100 }]);
  });

  test("an override that does not apply is not mistaken for a new version that works", async () => {
    const account = await olderAccount();
    const [{ version_id: old }] = serving(account);
    account.ignoresOverrides = true;
    await fails(account, new RegExp(`by version ${old}, not by`));
    assert.deepEqual(serving(account), [{ version_id: old, percentage: 100 }]);
  });

  test("a first deploy that fails has no version to go back to, and says so; a repaired one ends well", async () => {
    const account = emptyAccount();
    account.nextUploads = "broken";
    await fails(account, /first deploy: there is no version to go back to/);
    delete account.nextUploads;
    await succeeds(account);
    assert.deepEqual(endState(account), endState(await deployedAccount()));
  });

  test("a change of object classes is deployed whole, without versions", async () => {
    const account = await accountBeforeNewObjects();
    const { calls, printed } = await succeeds(account);
    assert.equal(account.workers.roster.tag, "v4");
    assert.ok(calls.every(({ method, path }) => method !== "POST" || !path.endsWith("/versions")));
    assert.match(printed, /no earlier version can serve after this/);
  });

  test("staging is a Worker of its own, with a database of its own", async () => {
    const account = await deployedAccount();
    const { roster } = structuredClone(account.workers);
    await succeeds(account, { args: ["staging"], worker: "roster-staging" });
    assert.deepEqual(account.workers.roster, roster);
    const { databases, workers } = endState(account);
    assert.deepEqual(
      databases.map(({ name }) => name),
      ["roster", "roster-staging"],
    );
    const database = workers[1].serving[0].bindings.find(({ name }) => name === "DB").database;
    assert.deepEqual([workers[1].name, database], ["roster-staging", "roster-staging"]);
  });

  test("a dry run prints the commands and changes nothing", async () => {
    for (const [account, command] of [
      [emptyAccount(), "npx wrangler d1 create roster --location weur --env ''"],
      [await olderAccount(), "npx wrangler versions deploy $NEW@100 --yes --env ''"],
    ]) {
      const before = structuredClone(account);
      const { printed } = await succeeds(account, { env: { DRY_RUN: "1" } });
      assert.deepEqual(account, before);
      assert.ok(printed.includes(`$ ${command}`), printed);
    }
  });

  test("a dry run without a login prints the steps of a first deploy, and calls nobody", async () => {
    const nothing = Object.fromEntries(
      ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "SMOKE_URL", "LOCATION", "ADMIN_TOKEN"].map((name) => [
        name,
        "",
      ]),
    );
    const { printed, calls } = await succeeds(emptyAccount(), { env: { ...nothing, DRY_RUN: "1" } });
    assert.deepEqual(calls, []);
    assert.deepEqual(printed.match(/^\$ .*$/gm), [
      "$ npx wrangler deploy --dry-run --env ''",
      "$ npx wrangler d1 create roster --location $LOCATION --env ''",
      "$ npx wrangler d1 migrations apply roster --remote --env ''",
      `$ echo "ADMIN_TOKEN=$ADMIN_TOKEN" | npx wrangler deploy --secrets-file /dev/stdin --env ''`,
    ]);
    assert.match(printed, /No one is logged in/);
  });

  test("a rollback gives an earlier version all traffic, and leaves D1 alone", async () => {
    const account = await olderAccount();
    const [{ version_id: old }] = serving(account);
    await succeeds(account);
    const { databases } = structuredClone(account);
    await succeeds(account, { script: "rollback", args: [old] });
    assert.deepEqual(serving(account), [{ version_id: old, percentage: 100 }]);
    assert.deepEqual(account.databases, databases);
  });

  test("a rollback to no version, or to one that is not there, lists those that served", async () => {
    const account = await deployedAccount();
    const listed = new RegExp(`${serving(account)[0].version_id}  since 2026`);
    for (const version of ["", "latest", "00000000-0000-4000-8000-000000000099"]) {
      await refuses(account, listed, { script: "rollback", args: [version] });
    }
  });

  test("an account that a deploy can't end well in is refused while nothing has changed", async () => {
    /** @type {[change: (account: any) => unknown, words: RegExp, options?: object][]} */
    const refusals = [
      [(account) => (account.tokenLacks = "/d1/"), /The token may not use D1: .*\n.*d1%22/s],
      [(account) => (account.tokenLacks = "/workers/"), /The token may not read Workers: .*\n.*workers_scripts%22/s],
      [(account) => delete account.databases.roster, /its D1 roster is gone/],
      [(account) => account.workers.roster.deployments.unshift(split(account)), /Several versions serve: /],
      [(account) => (account.workers.roster.tag = "v9"), /those of v9, which this checkout does not know/],
      [(account) => delete account.subdomain, /no subdomain of workers\.dev yet/, { env: { SMOKE_URL: "" } }],
      [
        (account) => (account.otherAccounts = [{ id: "b".repeat(32), name: "Other" }]),
        /CLOUDFLARE_ACCOUNT_ID .*Other/s,
        { env: { CLOUDFLARE_ACCOUNT_ID: "" } },
      ],
      [() => {}, /not bound to the jurisdiction eu/, { env: { JURISDICTION: "eu" } }],
      [() => {}, /No one is logged in .*CLOUDFLARE_API_TOKEN/s, { env: { CLOUDFLARE_API_TOKEN: "" } }],
      [() => {}, /wrangler\.toml has no \[env\.stagging\]\. It has: staging/, { args: ["stagging"] }],
    ];
    for (const [change, words, options] of refusals) {
      const account = await deployedAccount();
      change(account);
      await refuses(account, words, options);
    }
  });

  test("a first deploy without an answer to what it asks is refused while nothing has changed", async () => {
    for (const [env, words] of [
      [{ ADMIN_TOKEN: "" }, /Set ADMIN_TOKEN/],
      [{ ADMIN_TOKEN: "too short" }, /at least 16/],
      [{ ADMIN_TOKEN: 'sixteen characters, "$HOME"' }, /letters and digits/],
      [{ LOCATION: "" }, /Say where D1 is to live/],
      [{ LOCATION: "europe" }, /Say where D1 is to live/],
      [{ LOCATION: "", JURISDICTION: "weur; true" }, /Say where D1 is to live/],
    ]) {
      await refuses(emptyAccount(), words, { env });
    }
  });

  test("a jurisdiction is passed on, and refuses copies in KV before anything changes", async () => {
    const account = emptyAccount();
    const env = { JURISDICTION: "eu" };
    const cwd = copyOfRelease("with-copies");
    appendFileSync(join(cwd, "wrangler.toml"), '\n[[kv_namespaces]]\nbinding = "COPIES"\n');
    await refuses(account, /KV keeps copies everywhere/, { env, cwd });
    await succeeds(account, { env });
    assert.equal(endState(account).databases[0].jurisdiction, "eu");
    await refuses(account, /KV keeps copies everywhere/, { cwd });
  });

  test("a migration that takes something away is refused before any call", async () => {
    const cwd = copyOfRelease("with-a-contraction");
    writeFileSync(join(cwd, "migrations/9999_less.sql"), "alter table projects drop column buckets;");
    const { calls } = await refuses(
      await deployedAccount(),
      /9999_less\.sql drops or renames the column projects\.buckets/,
      { cwd },
    );
    assert.deepEqual(calls, []);
  });

  test("the account is found by its token alone", async () => {
    const account = emptyAccount();
    const { calls } = await succeeds(account, { env: { CLOUDFLARE_ACCOUNT_ID: "" } });
    assert.ok(calls.every(({ path, isApi }) => !isApi || path === "/accounts" || path.includes(ACCOUNT_ID)));
  });
});
