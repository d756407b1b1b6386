// Deploys Roster: database, tables, Worker, in an order that survives being cut off anywhere. The same command goes on
// from there. Usage: node scripts/deploy.mjs [ENVIRONMENT], or make deploy [ENV=…]

import { Account, EMPTY_ACCOUNT, isLoggedIn } from "./cloudflare.mjs";
import { readConfig } from "./config.mjs";
import { checkMigrations } from "./migrations.mjs";
import { adminToken, place } from "./questions.mjs";
import { addressOf, smoke } from "./smoke.mjs";
import { commandLine, isDryRun, Mistake, start, wrangler } from "./steps.mjs";

const NEW = "$NEW";

start(async () => {
  const config = readConfig(process.argv[2]);
  checkMigrations(config.migrationsFolder);
  const plan = await preflight(config);
  await wrangler(["deploy", "--dry-run", ...config.flags]);
  await prepareDatabase(config, plan);
  await (plan.replaces ? replaceVersion(config, plan) : deployWhole(config, plan));
  console.log(isDryRun ? "\nA dry run: nothing was changed." : `\nRoster is at ${plan.url}.`);
});

/** Reads what there is, and asks what is missing. Whatever is refused here, nothing has changed yet. */
async function preflight(config) {
  const account = await accountFor(config);
  const url = await addressOf(account, config);
  const database = await account.database(config.database);
  const worker = await account.worker(config.worker);
  if (worker && !database) {
    throw new Mistake(
      `The Worker ${config.worker} is deployed, but its D1 ${config.database} is gone: a new one would be empty. ` +
        "Was it renamed, or is this another account? " +
        `To begin anew all the same: ${commandLine(["d1", "create", config.database, ...config.flags])}`,
    );
  }
  const where = await place(database);
  if (config.bindsCopies && where.jurisdiction) {
    throw new Mistake(
      `D1 is bound to the jurisdiction ${where.jurisdiction}, and KV keeps copies everywhere: ` +
        "take COPIES out of wrangler.toml.",
    );
  }
  if (worker?.objectsTag && !config.objectsTags.includes(worker.objectsTag)) {
    throw new Mistake(
      `The Worker's object classes are those of ${worker.objectsTag}, which this checkout does not know: ` +
        "it is too old.",
    );
  }
  const replaces = worker && worker.objectsTag === config.objectsTag ? servingVersion(worker, config) : undefined;
  return { account, url, database, worker, where, replaces, adminToken: await adminToken(worker) };
}

/** A dry run needs no login: it takes the account to be empty. */
async function accountFor({ accountId }) {
  if (!isDryRun || isLoggedIn()) return Account.open(accountId);
  console.log(
    "No one is logged in to Cloudflare, so these are the steps of a first deploy. After a login a dry run reads\n" +
      "what the account has, and prints the steps that are left.",
  );
  return EMPTY_ACCOUNT;
}

/** The one version that has traffic, if there is one. */
function servingVersion({ deployments: [deployment] }, { flags }) {
  if (!deployment) return undefined;
  const [one, ...others] = deployment.versions.filter(({ percentage }) => percentage > 0);
  if (others.length === 0) return one.version_id;
  const shares = deployment.versions.map(({ version_id, percentage }) => `${version_id}@${percentage}`).join(" ");
  const choice = commandLine(["versions", "deploy", "ID@100", ...flags]);
  throw new Mistake(`Several versions serve: ${shares}. Choose one first: ${choice}`);
}

async function prepareDatabase(config, { account, database, where }) {
  if (database) console.log(`\nD1 as it is now: bookmark ${await account.bookmark(database)}`);
  else await wrangler(["d1", "create", config.database, ...where.flags, ...config.flags]);
  await wrangler(["d1", "migrations", "apply", config.database, "--remote", ...config.flags]);
}

/** The first deploy, and a change of object classes, which knows no versions. */
async function deployWhole(config, { url, worker, adminToken }) {
  if (worker) console.log("\nThe object classes change: no earlier version can serve after this.");
  const { version_id: version } = await wrangler(["deploy", ...adminToken.flags, ...config.flags], adminToken);
  const complaint = isDryRun ? undefined : await smoke({ ...config, url, version });
  if (!complaint) return;
  const why = worker
    ? "No version before a change of object classes can serve again"
    : "It is the first deploy: there is no version to go back to";
  throw new Mistake(
    `Version ${version} serves and fails: ${complaint}. ${why}. Repair it and run the same command again.`,
  );
}

/** Uploads a version, tries it without traffic, then gives it all traffic, or gives the old one all of it back. */
async function replaceVersion(config, { url, replaces: old, adminToken }) {
  const { version_id: version = NEW } = await wrangler(
    ["versions", "upload", ...adminToken.flags, ...config.flags],
    adminToken,
  );
  // Routes too: a first deploy that was cut off has none.
  await wrangler(["triggers", "deploy", ...config.flags]);
  const share = (...shares) => wrangler(["versions", "deploy", ...shares, "--yes", ...config.flags]);
  try {
    await share(`${version}@0`, `${old}@100`);
    await mustWork({ ...config, url, version, override: true });
    await share(`${version}@100`);
    await mustWork({ ...config, url, version });
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    console.error(`\n${error.message}\nBack to version ${old}:`);
    await share(`${old}@100`);
    throw new Mistake(`Version ${version} failed, and ${old} serves again. ${error.message}`);
  }
  console.log(`\nTo go back: make rollback VERSION=${old}`);
}

async function mustWork(what) {
  const complaint = isDryRun ? undefined : await smoke(what);
  if (complaint) throw new Mistake(`The new version does not work: ${complaint}.`);
}
