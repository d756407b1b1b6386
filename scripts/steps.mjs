// How a script takes a step: it prints the command, as one could type it here, then runs it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the operator can mend: it is told without a stack trace. */
export class Mistake extends Error {}

export const isDryRun = Boolean(process.env.DRY_RUN);

// With CI, wrangler asks nothing and writes nothing into wrangler.toml.
const SETTINGS = {
  CI: "true",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** Runs a command of wrangler, or only prints it under DRY_RUN. Returns what wrangler itself reports: its last event of a type. */
export async function wrangler(command, { before = "", secrets = {} } = {}) {
  console.log(`\n$ ${before}npx wrangler ${command}`);
  if (isDryRun) return {};
  const folder = await mkdtemp(join(tmpdir(), "roster-"));
  const events = join(folder, "events.ndjson");
  try {
    const env = { ...process.env, ...SETTINGS, ...secrets, WRANGLER_OUTPUT_FILE_PATH: events };
    const process_ = spawn("bash", ["-c", `set -o pipefail; ${before}wrangler ${command}`], {
      env,
      stdio: ["ignore", "inherit", "inherit"],
    });
    const [code] = await once(process_, "exit");
    if (code !== 0) throw new Mistake(`wrangler ${command.split(" --")[0]} failed, as it says above.`);
    const lines = (await readFile(events, "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line)).findLast(({ version_id }) => version_id) ?? {};
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs a script's `main`. */
export async function start(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Mistake ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
