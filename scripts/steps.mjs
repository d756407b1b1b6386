// How a script takes a step: it prints the command, as one could type it here, then runs it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the operator can mend: it is shown without a stack trace. */
export class Mistake extends Error {}

export const isDryRun = Boolean(process.env.DRY_RUN);

// With CI, wrangler asks nothing and writes nothing into wrangler.toml.
const SETTINGS = {
  CI: "true",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** @param {string} word a word, or a placeholder that begins with a dollar sign */
const quoted = (word) => (/^[\w$@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/**
 * A command of wrangler as one types it.
 * @param {string[]} words
 */
export const commandLine = (words) => ["npx", "wrangler", ...words].map(quoted).join(" ");

/**
 * Runs a command of wrangler, or only prints it under DRY_RUN. Wrangler reads the secrets from its standard input.
 * Returns what wrangler itself reports: its last event of a type.
 * @param {string[]} words
 * @param {{ secrets?: Record<string, string | undefined> }} [input]
 */
export async function wrangler(words, { secrets = {} } = {}) {
  const echo = Object.keys(secrets).map((name) => `echo "${name}=$${name}" | `);
  console.log(`\n$ ${echo.join("")}${commandLine(words)}`);
  if (isDryRun) return {};
  const folder = await mkdtemp(join(tmpdir(), "roster-"));
  const events = join(folder, "events.ndjson");
  const input = openNameless(
    join(folder, "secrets"),
    Object.entries(secrets)
      .map((pair) => pair.join("="))
      .join("\n"),
  );
  try {
    const env = { ...process.env, ...SETTINGS, WRANGLER_OUTPUT_FILE_PATH: events };
    const child = spawn("wrangler", words, { env, stdio: [input, "inherit", "inherit"] });
    const [code] = await once(child, "exit");
    const options = words.findIndex((word) => word.startsWith("--"));
    if (code !== 0) throw new Mistake(`wrangler ${words.slice(0, options).join(" ")} failed, as it says above.`);
    const lines = (await readFile(events, "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line)).findLast(({ version_id }) => version_id) ?? {};
  } finally {
    closeSync(input);
    await rm(folder, { recursive: true });
  }
}

/**
 * A file that holds this text and has no name any more, open to read: what Node.js calls a pipe is a socket, which
 * /dev/stdin can't be opened as.
 * @param {string} path
 * @param {string} text
 */
function openNameless(path, text) {
  const file = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  writeSync(file, text, 0);
  return file;
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
