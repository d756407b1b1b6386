// Serves Roster with wrangler, makes a development key if there is none, and prints a curl line that works.
// Usage: node scripts/dev.mjs PORT

import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { parseEnv } from "node:util";

const KEY_FILE = ".dev.key";
const port = process.argv[2];
const url = `http://localhost:${port}`;

const options = ["--port", port, "--show-interactive-dev-session=false"];
const wrangler = spawn("wrangler", ["dev", ...options], { stdio: "inherit" });
wrangler.on("exit", (code) => process.exit(code ?? 1));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => wrangler.kill(signal));

async function ready() {
  while (true) {
    try {
      return await fetch(`${url}/health`);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function post(path, token, body) {
  const headers = { Authorization: `Bearer ${token}` };
  return fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The remembered key if it still works (an empty user is a 400, a dead key a 401), else a new one. */
async function developmentKey() {
  const known = await readFile(KEY_FILE, "utf8").catch(() => "");
  if (known && (await post("/v1/users", known, {})).status !== 401) return known;
  const { ADMIN_TOKEN } = parseEnv(await readFile(".dev.vars", "utf8"));
  const answer = await post("/v1/keys", ADMIN_TOKEN, { name: "development" });
  const { key, message } = await answer.json();
  if (!key) throw new Error(`no development key: ${message}`);
  await writeFile(KEY_FILE, key, { mode: 0o600 });
  return key;
}

await ready();
const key = await developmentKey();
console.log(`
Roster is at ${url}. Store a user:

curl -X POST ${url}/v1/users \\
  -H "Authorization: Bearer ${key}" \\
  -d '{"user_id": "user_123", "email": "user@example.com", "properties": {"plan": "premium"}}'
`);
