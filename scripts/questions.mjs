// What a deploy must be told once: taken from the environment, or asked on a terminal.

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { isDryRun, Mistake } from "./steps.mjs";

const LOCATIONS = ["wnam", "enam", "weur", "eeur", "apac", "oc"];
const JURISDICTIONS = ["eu", "us", "fedramp"];
const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !isDryRun;
const { LOCATION, JURISDICTION, ADMIN_TOKEN } = process.env;

/** Where D1 lives: a new one is told; what exists stays where it is. */
export async function place(database) {
  if (database) {
    if (JURISDICTION && JURISDICTION !== database.jurisdiction) {
      throw new Mistake(
        `D1 exists and is not bound to the jurisdiction ${JURISDICTION}. That can't be changed: only a new database can be.`,
      );
    }
    return { jurisdiction: database.jurisdiction };
  }
  const asked =
    JURISDICTION ||
    LOCATION ||
    (await ask(
      `\nWhere is D1 to live, for good? A place (${LOCATIONS.join(", ")}) or, by law, a jurisdiction (${JURISDICTIONS.join(", ")}): `,
    ));
  if (JURISDICTIONS.includes(asked) && asked !== LOCATION)
    return { jurisdiction: asked, flag: `--jurisdiction ${asked} ` };
  if (LOCATIONS.includes(asked)) return { flag: `--location ${asked} ` };
  throw new Mistake(
    `Say where D1 is to live, for good: LOCATION= one of ${LOCATIONS.join(", ")}, or JURISDICTION= one of ${JURISDICTIONS.join(", ")}.`,
  );
}

/** The admin token of a Worker that has none. */
export async function adminToken(worker) {
  if (worker?.hasAdminToken) return { flag: "", input: {} };
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
  return {
    flag: "--secrets-file /dev/stdin ",
    input: { before: 'echo "ADMIN_TOKEN=$ADMIN_TOKEN" | ', secrets: { ADMIN_TOKEN: token } },
  };
}

async function ask(question) {
  if (!isTerminal) return "";
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(question);
  terminal.close();
  return answer.trim();
}
