// Asks a deployed Worker whether it works. It only reads, and needs no key.

import { setTimeout as sleep } from "node:timers/promises";
import { Mistake } from "./steps.mjs";

/** Where a Worker is reached: on workers.dev, or where the operator says. */
export async function addressOf(account, { worker, isOnWorkersDev }) {
  const { SMOKE_URL } = process.env;
  if (SMOKE_URL) return SMOKE_URL.replace(/\/$/, "");
  if (!isOnWorkersDev) throw new Mistake("Roster is not on workers.dev: set SMOKE_URL to where it is.");
  return `https://${worker}.${await account.subdomain()}.workers.dev`;
}

const CHECKS = [
  ["/health", 200, (text) => JSON.parse(text).status === "ok"],
  ["/health/ready", 200, () => true],
  ["/openapi.yaml", 200, (text) => text.startsWith("openapi:")],
  ["/v1/users", 401, () => true],
];
// A new version, or a new name, takes some seconds to be known everywhere.
const PATIENCE_MS = 1000 * Number(process.env.SMOKE_SECONDS ?? 120);
const PAUSE_MS = 500;
const MAX_WRONG = 3;

/**
 * Waits until this version answers, and returns nothing if it answers rightly, else what is wrong. With `override` it
 * asks for the version by name, as it must while that has no traffic; an override may silently not apply, so each
 * answer must name its version.
 */
export async function smoke({ url, worker, version, override = false }) {
  const headers = override ? { "Cloudflare-Workers-Version-Overrides": `${worker}="${version}"` } : {};
  const flag = override ? ` -H 'Cloudflare-Workers-Version-Overrides: ${worker}="${version}"'` : "";
  const until = Date.now() + PATIENCE_MS;
  let complaint;
  for (const [path, status, isRight] of CHECKS) {
    console.log(`$ curl -i${flag} ${url}${path}`);
    for (let wrong = 0; ; await sleep(PAUSE_MS)) {
      const answer = await ask(url + path, headers);
      complaint = complaintOf(answer, { path, status, isRight, version });
      if (!complaint) break;
      if (answer.version === version && ++wrong === MAX_WRONG) return complaint;
      if (Date.now() > until) return complaint;
    }
  }
}

async function ask(url, headers) {
  try {
    const answer = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, version: answer.headers.get("X-Roster-Version"), text: await answer.text() };
  } catch ({ cause, message }) {
    return { failure: cause?.message ?? message };
  }
}

function complaintOf(answer, { path, status, isRight, version }) {
  if (answer.failure) return `${path} can't be reached: ${answer.failure}`;
  if (answer.version !== version)
    return `${path} is answered ${answer.status} by version ${answer.version}, not by ${version}`;
  if (answer.status !== status) return `${path} is answered ${answer.status}, not ${status}`;
  if (!isRight(answer.text)) return `${path} is answered with a wrong text`;
}
