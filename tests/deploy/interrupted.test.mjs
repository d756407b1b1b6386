// A deploy that is cut off at any of its calls, and run again, ends where a clean run ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { accountBeforeNewObjects, olderAccount } from "./accounts.mjs";
import { emptyAccount } from "./cloudflare.mjs";
import { endState, run } from "./harness.mjs";

const AT_ONCE = 3;

/** Deploys to a copy of this account, and keeps what the account was before each call. */
async function cleanRun(start, options) {
  const account = structuredClone(start);
  const states = [];
  const watch = ({ number }) => (states[number - 1] ??= structuredClone(account));
  const { code, printed, calls } = await run(account, { ...options, watch, isReplayed: false });
  assert.equal(code, 0, printed);
  return { account, calls, states };
}

async function inParallel(items, task) {
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) await task(item, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const isChange = ({ method, isApi }) => isApi && method !== "GET";

/** Runs the deploy on every state that it is given, each once, and expects it to end there. */
function runsAgain(end) {
  const seen = new Map();
  return (account, situation) => {
    const state = JSON.stringify(account);
    if (!seen.has(state)) seen.set(state, runAgain(structuredClone(account), end, situation));
    return seen.get(state);
  };
}

async function runAgain(account, end, situation) {
  const { code, printed } = await run(account);
  assert.equal(code, 0, `${situation}\n--- again ---\n${printed}`);
  assert.deepEqual(endState(account), end, `${situation}\n--- again ---\n${printed}`);
}

/** @type {[name: string, start: () => Promise<any>][]} */
const STARTS = [
  ["an empty account", async () => emptyAccount()],
  ["an upgrade", olderAccount],
  ["a change of object classes", accountBeforeNewObjects],
];
for (const [name, start] of STARTS) {
  const once = start().then(async (before) => ({ before, clean: await cleanRun(before) }));
  test(`${name}: whichever call fails, or loses its answer, the next run ends where a clean run ends`, async () => {
    const { before, clean } = await once;
    const again = runsAgain(endState(clean.account));
    const faults = clean.calls.flatMap((call, index) =>
      (isChange(call) ? ["500", "lost"] : ["500"]).map((fault) => ({ call, at: index + 1, fault })),
    );
    await inParallel(faults, async ({ call, at, fault }) => {
      const account = structuredClone(before);
      const { printed } = await run(account, { at, fault });
      await again(account, `${fault} at call ${at}, ${call.method} ${call.path}\n${printed}`);
    });
  });

  // Nothing of a deploy outlives its process but the account. So what `kill -9` leaves at a call is what the account
  // was then, which a clean run shows for every call; it is done in earnest for a few.
  test(`${name}: wherever the deploy is killed, the next run ends where a clean run ends`, async () => {
    const { before, clean } = await once;
    const again = runsAgain(endState(clean.account));
    await inParallel(clean.states, (state, index) => again(state, `killed at call ${index + 1}`));
    const changes = [...clean.calls.keys()].filter((index) => isChange(clean.calls[index]));
    await inParallel(
      changes.filter((_, index) => index % 4 === 0),
      async (index) => {
        const account = structuredClone(before);
        const { code } = await run(account, { at: index + 1, fault: "kill" });
        assert.equal(code, null);
        assert.deepEqual(account, clean.states[index]);
      },
    );
  });
}
