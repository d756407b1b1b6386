// A page in headless Chromium, driven by the DevTools protocol.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

async function devtoolsPort(browser) {
  for await (const line of createInterface({ input: browser.stderr })) {
    const found = line.match(/DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/);
    if (found) return found[1];
  }
  throw new Error("Chromium did not start");
}

/** A DevTools session of the one page: `send(method, params)`, `on(event, handle)`, and the problems that it told. */
async function session(port) {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  const socket = new WebSocket(targets.find((target) => target.type === "page").webSocketDebuggerUrl);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const waiting = new Map();
  const problems = [];
  const handlers = new Map();
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(data);
    if (id) waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
    if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.text);
    if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(params.entry.text);
    handlers.get(method)?.(params);
  });
  let last = 0;
  const send = (method, params = {}) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  const on = (method, handle) => handlers.set(method, handle);
  return { send, on, problems };
}

/** Starts the browser: `evaluate` and `until` take an expression of the page, `close` ends it all. */
export async function open(chromium) {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const options = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
  ];
  const browser = spawn(chromium, [...options, ...QUIET, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  const close = async () => {
    const gone = new Promise((resolve) => browser.on("exit", resolve));
    browser.kill();
    await gone;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const { send, on, problems } = await session(await devtoolsPort(browser));
    const evaluate = async (expression) =>
      (await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true })).result.value;
    const until = async (expression) => {
      const deadline = Date.now() + 20_000;
      while (!(await evaluate(`(async () => Boolean(${expression}))()`))) {
        if (Date.now() > deadline) throw new Error(`never true: ${expression}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    return { send, on, evaluate, until, problems, close };
  } catch (error) {
    await close();
    throw error;
  }
}
