// Accounts that a deploy may find.

import assert from "node:assert/strict";
import { emptyAccount } from "./cloudflare.mjs";
import { run } from "./harness.mjs";

const deployed = (async () => {
  const account = emptyAccount();
  const { code, printed } = await run(account);
  assert.equal(code, 0, printed);
  return account;
})();

/** As a first deploy leaves it. */
export const deployedAccount = async () => structuredClone(await deployed);

/** As an earlier release left it: one migration less, another Worker's code. */
export async function olderAccount() {
  const account = await deployedAccount();
  account.databases.roster.written.pop();
  account.workers.roster.versions[0].modules = ["entry.js of an earlier release"];
  return account;
}

/** As a release with fewer object classes left it. */
export async function accountBeforeNewObjects() {
  const account = await deployedAccount();
  account.workers.roster.tag = "v1";
  return account;
}
