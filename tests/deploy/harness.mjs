// Runs the scripts of a release against the fake, in processes of their own.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ACCOUNT_ID, open, serve, TOKEN, UNKNOWN_ROUTE } from "./cloudflare.mjs";
import { replay, writeStandIn } from "./replay.mjs";

const folder = mkdtempSync(join(tmpdir(), "roster-deploy-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** What `make release` packed, unpacked. */
export const RELEASE = unpack();

function unpack() {
  const [archive] = readdirSync("dist").filter((name) => name.endsWith(".tar.gz"));
  execFileSync("tar", ["-xzf", resolve("dist", archive), "-C", folder]);
  const release = join(folder, archive.replace(".tar.gz", ""));
  symlinkSync(resolve("node_modules"), join(release, "node_modules"));
  return release;
}

const STAND_IN = join(folder, "stand-in");
writeStandIn(STAND_IN);

/** A copy of the release in which something can be changed. */
export function copyOfRelease(name) {
  const copy = join(folder, name);
  cpSync(RELEASE, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

export const ADMIN_TOKEN = "test-only-admin-token";
const ANSWERS = { ADMIN_TOKEN, LOCATION: "weur", SMOKE_SECONDS: "2" };

/**
 * Runs a script on this account. `at` is the number of the call at which the fault happens: "500" refuses that call,
 * "lost" loses the answer after its effect, "kill" ends the script and all that it started, with no chance to do
 * anything.
 * @param {any} account
 * @param {{
 *   script?: string,
 *   args?: string[],
 *   env?: Record<string, string>,
 *   worker?: string,
 *   cwd?: string,
 *   at?: number,
 *   fault?: string,
 *   watch?: (call: any) => void,
 *   isReplayed?: boolean,
 * }} [options]
 */
export async function run(account, options = {}) {
  const { script = "deploy", args = [], env = {}, worker = "roster", cwd = RELEASE, isReplayed = true } = options;
  const { at, fault, watch } = options;
  let child;
  const fake = await serve(account, worker, (call) => {
    watch?.(call);
    if (call.number !== at || call.done) return undefined;
    if (fault !== "kill") return fault;
    process.kill(-child.pid, "SIGKILL");
    return "silent";
  });
  const steps = await replay(account, fake.calls, { at, key: [cwd, env], isReplayed });
  const settings = {
    REPLAY_URL: steps.url,
    REAL_WRANGLER: join(RELEASE, "node_modules/.bin/wrangler"),
    CLOUDFLARE_API_BASE_URL: fake.api,
    CLOUDFLARE_API_TOKEN: TOKEN,
    CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID,
    SMOKE_URL: fake.origin,
    NODE_COMPILE_CACHE: join(tmpdir(), "roster-compile-cache"),
    XDG_CONFIG_HOME: folder,
    HOME: folder,
    PATH: `${STAND_IN}:${join(RELEASE, "node_modules/.bin")}:${process.env.PATH}`,
  };
  const environment = { ...settings, ...ANSWERS, ...env };
  if (!environment.CLOUDFLARE_API_BASE_URL.startsWith("http://127.0.0.1:")) throw new Error("not on loopback");
  child = spawn("node", ["--no-warnings", `scripts/${script}.mjs`, ...args], {
    cwd,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += data));
  const [code] = await once(child, "close");
  steps.close();
  fake.close();
  for (const { method, path, refused } of fake.calls) {
    assert.notEqual(refused, UNKNOWN_ROUTE, `the fake does not know ${method} ${path}`);
    assert.doesNotMatch(path, /restore/, "a script never restores D1");
  }
  return { code, printed, calls: fake.calls };
}

/** What matters of an account, without ids and dates: where a deploy ends. */
export function endState(account) {
  const databases = Object.values(account.databases).map(({ name, location, jurisdiction, ...database }) => {
    const sqlite = open(database);
    const rows = (sql) =>
      sqlite
        .prepare(sql)
        .all()
        .map((row) => Object.values(row));
    const applied = database.written.length ? rows("select name from d1_migrations") : [];
    return { name, location, jurisdiction, schema: rows("select sql from sqlite_schema"), applied };
  });
  const nameOf = (id) => Object.values(account.databases).find(({ uuid }) => uuid === id)?.name ?? id;
  const workers = Object.entries(account.workers).map(([name, { versions, deployments, subdomain, settings, tag }]) => {
    const serving = deployments[0].versions.map(({ version_id, percentage }) => {
      const { id, bindings, metadata, ...version } = versions.find(({ id }) => id === version_id);
      const named = bindings.map(({ database_id, id, ...binding }) => ({
        ...binding,
        database: nameOf(database_id ?? id),
      }));
      return {
        ...version,
        percentage,
        bindings: named.sort((a, b) => a.name.localeCompare(b.name)),
        compatibility: metadata.compatibility_date,
      };
    });
    return { name, serving, subdomain, settings, tag };
  });
  return { databases, workers, assets: account.assets };
}
