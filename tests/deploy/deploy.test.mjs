// The deploy itself, against a fake of Cloudflare: cut off at every call and run again, it ends where a clean run ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyAccount } from "./cloudflare.mjs";
import { endState, run } from "./harness.mjs";

const AT_ONCE = 3;

/** Deploys to a copy of this account, and keeps what the account was after each call. */
async function cleanRun(start, options) {
  const account = structuredClone(start);
  const states = [structuredClone(account)];
  const watch = ({ number }) => (states[number - 1] ??= structuredClone(account));
  const { code, printed, calls } = await run(account, { ...options, watch });
  assert.equal(code, 0, printed);
  return { account, calls, states };
}

const deployed = cleanRun(emptyAccount());

/** An account with what an earlier release left: one migration less, another Worker's code. */
async function olderAccount() {
  const account = structuredClone((await deployed).account);
  account.databases.roster.written.pop();
  account.workers.roster.versions[0].modules = ["entry.js of an earlier release"];
  return account;
}

async function accountBeforeNewObjects() {
  const account = await olderAccount();
  account.workers.roster.tag = "v1";
  return account;
}

async function inParallel(items, task) {
  const queue = items.entries();
  const worker = async () => {
    for (const [, item] of queue) await task(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const isChange = ({ method, isApi }) => isApi && method !== "GET";

for (const [name, start] of [
  ["an empty account", async () => emptyAccount()],
  ["an upgrade", olderAccount],
  ["a change of object classes", accountBeforeNewObjects],
]) {
  test(`${name}: whatever call fails, the next run ends where a clean run ends`, async () => {
    const before = await start();
    const clean = await cleanRun(before);
    const cases = clean.calls.flatMap((call, index) => {
      const faults = isChange(call) ? ["500", "lost", "kill"] : ["500"];
      return faults.map((fault) => ({ call, at: index + 1, fault }));
    });
    await inParallel(cases, async ({ call, at, fault }) => {
      const account = structuredClone(before);
      const first = await run(account, { at, fault });
      const again = await run(account);
      const told = `${fault} at call ${at}, ${call.method} ${call.path}\n${first.printed}\n--- again ---\n${again.printed}`;
      assert.equal(again.code, 0, told);
      assert.deepEqual(endState(account), endState(clean.account), told);
    });
  });
}
