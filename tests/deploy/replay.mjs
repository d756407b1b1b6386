// Wrangler takes most of a second to start, and what it does follows from its arguments, the account and the folder. So
// what it once did without a fault is remembered and done again at once, in all runs of this process: its calls, what
// they made of the account, its report and its exit. In the step in which a fault is to happen it always runs itself.

import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const remembered = new Map();

// Commands that make these calls alone see, and change, only a part of an account: they are remembered by that.
const subdomains = ({ subdomain, workers }) => [
  subdomain,
  Object.entries(workers).map(([name, worker]) => [name, worker.subdomain]),
];
const VIEWS = [
  { calls: /^$/, part: () => "nothing", restore: () => {} },
  {
    calls: /\/d1\//,
    part: ({ databases }) => databases,
    restore: (account, { databases }) => Object.assign(account, { databases }),
  },
  {
    calls: /\/workers\/workers\/[^/]+$|\/subdomain$/,
    part: subdomains,
    restore: (account, { workers }) => {
      for (const [name, { subdomain }] of Object.entries(workers)) account.workers[name].subdomain = subdomain;
    },
  },
  {
    calls: /./,
    part: (account) => account,
    restore: (account, after) => {
      for (const name of Object.keys(account)) delete account[name];
      Object.assign(account, after);
    },
  },
];

/** Stands for wrangler in PATH. */
const STAND_IN = `#!/usr/bin/env node
const { spawnSync } = require("node:child_process");
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { request } = require("node:http");
const args = process.argv.slice(2);
const { REPLAY_URL, REAL_WRANGLER, WRANGLER_OUTPUT_FILE_PATH: report = "/dev/null" } = process.env;
const tell = (path, body) => new Promise((resolve) => {
  // A connection of its own: one that waits for wrangler may be closed by then.
  const asked = request(REPLAY_URL + path, { method: "POST", agent: false }, async (answer) =>
    resolve(JSON.parse(Buffer.concat(await answer.toArray()))));
  asked.end(JSON.stringify(body));
});
(async () => {
  const known = await tell("/begin", { args });
  if (known) {
    if (args.includes("/dev/stdin")) readFileSync(0);
    writeFileSync(report, known.events);
    process.exit(known.code);
  }
  const { status } = spawnSync(REAL_WRANGLER, args, { stdio: "inherit" });
  const events = report !== "/dev/null" && existsSync(report) ? readFileSync(report, "utf8") : "";
  await tell("/end", { code: status, events });
  process.exit(status);
})();
`;

export function writeStandIn(folder) {
  mkdirSync(folder);
  writeFileSync(join(folder, "wrangler"), STAND_IN);
  chmodSync(join(folder, "wrangler"), 0o755);
}

/** Serves the stand-in of one run, whose fault happens at this call, if at any. */
export async function replay(account, calls, { at = 0, key, isReplayed }) {
  const keyOf = (args, index) => JSON.stringify([key, args, index, VIEWS[index].part(account)]);
  const find = (args) =>
    VIEWS.map((view, index) => ({ view, step: remembered.get(keyOf(args, index)) })).find(({ step }) => step);
  let running;
  const begin = async ({ args }) => {
    const { view, step } = (isReplayed && find(args)) || {};
    const isFaulty = step && at > calls.length && at <= calls.length + step.calls.length;
    if (step && !isFaulty) {
      calls.push(...step.calls);
      view.restore(account, structuredClone(step.after));
      return { code: step.code, events: step.events };
    }
    running = { from: calls.length, keys: VIEWS.map((_, index) => keyOf(args, index)), lastId: account.lastId };
    return null;
  };
  const end = ({ code, events }) => {
    const made = calls.slice(running.from);
    const wasFaulty = at > running.from && at <= calls.length;
    const fits = ({ calls }, index) =>
      index === VIEWS.length - 1 || (account.lastId === running.lastId && made.every(({ path }) => calls.test(path)));
    if (!wasFaulty)
      remembered.set(running.keys[VIEWS.findIndex(fits)], {
        calls: made,
        after: structuredClone(account),
        code,
        events,
      });
    return true;
  };
  const server = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    response.end(JSON.stringify(request.url === "/begin" ? await begin(body) : end(body)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`, close };
}
