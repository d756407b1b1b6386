// What a deploy must know once: taken from the environment, or asked on a terminal.

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { isDryRun, Mistake } from "./steps.mjs";

const LOCATIONS = ["wnam", "enam", "weur", "eeur", "apac", "oc"];
const JURISDICTIONS = ["eu", "us", "fedramp"];
const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !isDryRun;
const { LOCATION, JURISDICTION, ADMIN_TOKEN } = process.env;

/** Where D1 lives: a new one must be placed; what exists stays where it is. */
export async function place(database) {
  if (database) {
    if (JURISDICTION && JURISDICTION !== database.jurisdiction) {
      throw new Mistake(
        `D1 exists and is not bound to the jurisdiction ${JURISDICTION}. ` +
          "That can't be changed: only a new database can be.",
      );
    }
    return { jurisdiction: database.jurisdiction };
  }
  const [places, laws] = [LOCATIONS.join(", "), JURISDICTIONS.join(", ")];
  const chosen =
    JURISDICTION ||
    LOCATION ||
    (await ask(`\nWhere is D1 to live, for good? A place (${places}) or, by law, a jurisdiction (${laws}): `));
  if (JURISDICTIONS.includes(chosen) && chosen !== LOCATION) {
    return { jurisdiction: chosen, flags: ["--jurisdiction", chosen] };
  }
  if (LOCATIONS.includes(chosen)) return { flags: ["--location", chosen] };
  if (isDryRun && !chosen) return { flags: ["--location", "$LOCATION"] };
  throw new Mistake(`Say where D1 is to live, for good: LOCATION= one of ${places}, or JURISDICTION= one of ${laws}.`);
}

/** The admin token of a Worker that has none. */
export async function adminToken(worker) {
  if (worker?.hasAdminToken) return { flags: [] };
  let token = ADMIN_TOKEN;
  if (!token && isTerminal) {
    token =
      (await ask("\nThe admin token, which makes API keys (empty: a new one): ")) ||
      randomBytes(32).toString("base64url");
    console.log(`\nKeep it now, even if the deploy should fail; it is not shown again:\n\n  ADMIN_TOKEN=${token}\n`);
  }
  if (!/^[\w.~+/=-]{16,}$/.test(token ?? "") && !isDryRun) {
    throw new Mistake("Set ADMIN_TOKEN to at least 16 letters and digits, for example from: openssl rand -hex 32");
  }
  return { flags: ["--secrets-file", "/dev/stdin"], secrets: { ADMIN_TOKEN: token } };
}

async function ask(question) {
  if (!isTerminal) return "";
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(question);
  terminal.close();
  return answer.trim();
}
