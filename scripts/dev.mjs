// Serves Roster with wrangler, makes a development key if there is none, and prints where all is and a curl line that works.
// Usage: node scripts/dev.mjs PORT

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnv } from "node:util";

const KEY_FILE = ".dev.key";
const port = process.argv[2];
const url = `http://localhost:${port}`;

/** What the developer can repair: it is shown without a stack trace. */
class Mistake extends Error {}

async function checkPortIsFree() {
  const socket = connect({ port: Number(port), host: "localhost" });
  const isTaken = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (isTaken) throw new Mistake(`Port ${port} is taken. For another one: PORT=8080 make dev`);
}

let wrangler;
/** The last cause of an error in the Worker's log. */
let loggedCause;

function startWrangler() {
  const options = ["--config", "wrangler.local.toml", "--port", port, "--show-interactive-dev-session=false"];
  const colour = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const env = { ...process.env, ...colour };
  wrangler = spawn("wrangler", ["dev", ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
  wrangler.on("exit", (code) => process.exit(process.exitCode ?? code ?? 1));
  for (const stream of ["stdout", "stderr"]) {
    createInterface({ input: wrangler[stream] }).on("line", (line) => {
      process[stream].write(`${line}\n`);
      const [, cause] = line.match(/"cause":("(?:[^"\\]|\\.)*")/) ?? [];
      if (cause) loggedCause = JSON.parse(cause);
    });
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => wrangler.kill());
}

async function checkHealth() {
  let answer;
  while (!answer) answer = await fetch(`${url}/health`).catch(() => sleep(100));
  const text = await answer.text();
  if (answer.status === 200 && text === '{"status":"ok"}') return;
  // The line comes after the answer.
  for (let i = 0; i < 20 && !loggedCause; i++) await sleep(100);
  throw new Mistake(`Roster is not well: ${loggedCause ?? `GET /health is answered ${answer.status}: ${text}`}`);
}

function post(path, token, body) {
  const headers = { Authorization: `Bearer ${token}` };
  return fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The remembered key if it still works (an empty user is a 400, a dead key a 401), else a new one. */
async function developmentKey(adminToken) {
  const known = await readFile(KEY_FILE, "utf8").catch(() => "");
  if (known && (await post("/v1/users", known, {})).status !== 401) return known;
  const answer = await post("/v1/keys", adminToken, { name: "development" });
  if (answer.status === 401)
    throw new Mistake("No key can be made: set ADMIN_TOKEN in .dev.vars, at least 16 characters");
  const { key, message } = await answer.json();
  if (!key) throw new Mistake(`No key can be made: ${loggedCause ?? message}`);
  await writeFile(KEY_FILE, key, { mode: 0o600 });
  return key;
}

try {
  await checkPortIsFree();
  startWrangler();
  await checkHealth();
  const { ADMIN_TOKEN } = parseEnv(await readFile(".dev.vars", "utf8"));
  const key = await developmentKey(ADMIN_TOKEN);
  console.log(`
Roster is at ${url}

  page         ${url}/
  console      ${url}/console
  key          ${key}
  admin token  ${ADMIN_TOKEN ?? "none: set ADMIN_TOKEN in .dev.vars"}

Store a user:

curl -X POST ${url}/v1/users \\
  -H "Authorization: Bearer ${key}" \\
  -d '{"user_id": "user_123", "email": "user@example.com", "properties": {"plan": "premium"}}'
`);
} catch (error) {
  console.error(error instanceof Mistake ? `\n${error.message}` : error);
  process.exitCode = 1;
  wrangler?.kill();
}
