// What the deploy jobs of GitHub's workflow run, run as GitHub does, against the fake.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { ACCOUNT_ID, emptyAccount, serve, TOKEN } from "./cloudflare.mjs";

const WORKFLOW = readFileSync(".github/workflows/deploy.yml", "utf8");

const jobNamed = (name) =>
  WORKFLOW.match(new RegExp(`^ {2}${name}:\n((?: {4}.*\n|\n)+)`, "m"))?.[1] ?? assert.fail(`no job ${name}`);

/** The steps of a job that run something, each with its variables. It reads no more of YAML than that file has. */
function stepsOf(job) {
  const steps = jobNamed(job)
    .split(/^ {6}- /m)
    .slice(1)
    .filter((step) => !step.startsWith("uses: "));
  return steps.map((step) => {
    const [, run] = step.match(/^run: (\S.*)\n/) ?? [];
    return { run, variables: [...step.matchAll(/^ {10}(\w+): \$\{\{ (.+) \}\}$/gm)] };
  });
}

/**
 * Runs a job in a folder with the archive in it, as after its download. Returns the exit code, and what was printed.
 */
async function runJob(job, worker, account) {
  const folder = mkdtempSync(join(tmpdir(), "roster-workflow-"));
  const fake = await serve(account, worker);
  const known = {
    "secrets.ADMIN_TOKEN": "test-only-admin-token",
    "secrets.CLOUDFLARE_API_TOKEN": TOKEN,
    "vars.CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
    "vars.JURISDICTION": "", // So GitHub passes what is not set.
    "vars.LOCATION": "weur",
    "vars.SMOKE_URL": fake.origin,
  };
  const own = {
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    CLOUDFLARE_API_BASE_URL: fake.api,
    SMOKE_SECONDS: "2",
    PATH: process.env.PATH,
  };
  let [code, printed] = [0, ""];
  try {
    for (const archive of readdirSync("dist").filter((name) => name.endsWith(".tar.gz")))
      copyFileSync(join("dist", archive), join(folder, archive));
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    for (const { run, variables } of stepsOf(job)) {
      const env = Object.fromEntries(
        variables.map(([, name, value]) => [name, known[value] ?? assert.fail(`what is ${value}?`)]),
      );
      const step = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", run], {
        cwd: folder,
        env: { ...own, ...env },
      });
      for (const stream of [step.stdout, step.stderr]) stream.on("data", (data) => (printed += data));
      [code] = await once(step, "close");
      if (code !== 0) break;
      // So that make sees that what is in node_modules is what is wanted: it is that of this checkout.
      for (const name of ["package.json", "package-lock.json"]) utimesSync(join(folder, name), 0, 0);
    }
  } finally {
    fake.close();
    rmSync(folder, { recursive: true });
  }
  return { code, printed };
}

test("what staging served goes to production", async () => {
  const account = emptyAccount();
  const staging = await runJob("staging", "roster-staging", account);
  assert.equal(staging.code, 0, staging.printed);
  assert.deepEqual(Object.keys(account.workers), ["roster-staging"]);

  assert.match(jobNamed("production"), /^ {4}needs: staging$/m);
  const production = await runJob("production", "roster", account);
  assert.equal(production.code, 0, production.printed);
  const modules = ["roster-staging", "roster"].map((worker) => account.workers[worker].versions.at(-1).modules);
  assert.ok(modules[0].length > 0);
  assert.deepEqual(modules[0], modules[1]);
});

test("a staging that does not work fails its job, so that production is not reached", async () => {
  const { code, printed } = await runJob("staging", "roster-staging", { ...emptyAccount(), nextUploads: "broken" });
  assert.notEqual(code, 0);
  assert.match(printed, /serves and fails/);
});
