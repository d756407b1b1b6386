// Gives a version of the Worker all traffic again. Code only: D1 stays as it is.
// Usage: node scripts/rollback.mjs VERSION [ENVIRONMENT], or make rollback VERSION=… [ENV=…]

import { Account } from "./cloudflare.mjs";
import { readConfig } from "./config.mjs";
import { addressOf, smoke } from "./smoke.mjs";
import { isDryRun, Mistake, start, wrangler } from "./steps.mjs";

start(async () => {
  const [version, environment] = process.argv.slice(2);
  const config = readConfig(environment);
  const account = await Account.open(config.accountId);
  const url = await addressOf(account, config);
  const worker = await account.worker(config.worker);
  if (!worker) throw new Mistake(`There is no Worker ${config.worker}.`);
  if (!/^[0-9a-f-]{36}$/.test(version) || !(await account.version(config.worker, version))) {
    throw new Mistake(`VERSION is to be the id of a version. Those that served, the latest first:\n${listed(worker)}`);
  }
  await wrangler(["versions", "deploy", `${version}@100`, "--yes", ...config.flags]);
  const complaint = isDryRun ? undefined : await smoke({ ...config, url, version });
  if (complaint) throw new Mistake(`Version ${version} serves and fails: ${complaint}.`);
  console.log(isDryRun ? "\nA dry run: nothing was changed." : `\nVersion ${version} serves.`);
});

function listed({ deployments }) {
  const full = deployments.filter(({ versions }) => versions.length === 1);
  return full
    .slice(0, 10)
    .map(({ versions, created_on }) => `  ${versions[0].version_id}  since ${created_on}`)
    .join("\n");
}
