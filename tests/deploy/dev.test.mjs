// An archive, unpacked where Rust is not: `make dev` serves it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, utimesSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { copyOfRelease } from "./harness.mjs";

/** A port that was free a moment ago, and that the system gives to nobody who asks for any, as wrangler does before. */
async function freePort() {
  const port = 10_000 + (process.pid % 10_000);
  const server = createServer().listen(port, "localhost");
  await once(server, "listening");
  server.close();
  return port;
}

/** A folder of programs that fail: what is built must not ask for them. */
function withoutRust(folder) {
  const programs = join(folder, "without-rust");
  mkdirSync(programs);
  for (const name of ["cargo", "rustup", "rustc"]) symlinkSync("/bin/false", join(programs, name));
  return `${programs}:${process.env.PATH}`;
}

test("make dev serves what is unpacked, without Rust, and prints a line that stores a user", {
  timeout: 180_000,
}, async (t) => {
  const cwd = copyOfRelease("served");
  // So that make sees that what is in node_modules is what is wanted: it is that of this checkout.
  for (const name of ["package.json", "package-lock.json"]) utimesSync(join(cwd, name), 0, 0);
  const port = await freePort();
  const { MAKEFLAGS: _, MAKELEVEL: __, ...outside } = process.env;
  const env = { ...outside, PATH: withoutRust(cwd) };
  const dev = spawn("make", ["dev", `PORT=${port}`], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(dev, "close");
  t.after(async () => {
    if (dev.exitCode === null && dev.pid) process.kill(-dev.pid, "SIGINT");
    await closed;
  });
  let printed = "";
  /** @type {Promise<void>} */
  const isUp = new Promise((resolve) => {
    for (const stream of [dev.stdout, dev.stderr]) {
      stream.on("data", (data) => {
        printed += data;
        if (printed.includes("}'\n\n")) resolve();
      });
    }
    dev.on("exit", () => resolve());
  });
  await isUp;
  const [, curl] = printed.match(/Store a user:\n\n(curl [\s\S]*?)\n\n/) ?? assert.fail(printed);
  const pasted = spawn("bash", ["-c", `${curl} --silent --show-error`], { stdio: ["ignore", "pipe", "inherit"] });
  let answer = "";
  for await (const data of pasted.stdout) answer += data;
  assert.equal(JSON.parse(answer).success, true);
  const page = await fetch(`http://localhost:${port}/console`);
  assert.equal(page.status, 200);
});
