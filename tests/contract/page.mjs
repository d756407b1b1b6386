// Drives the page in headless Chromium by the DevTools protocol, as a reader would, and prints what was seen as JSON.
// Usage: node page.mjs CHROMIUM URL KEY [PICTURE], where PICTURE is a PNG file to write

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [chromium, url, key, picture] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), "chromium-"));
const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
const browser = spawn(chromium, [...options, ...quiet, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });

async function devtoolsPort() {
  for await (const line of createInterface({ input: browser.stderr })) {
    const found = line.match(/DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/);
    if (found) return found[1];
  }
  throw new Error("Chromium did not start");
}

/** A DevTools session of the one page: `send(method, params)`, and the problems that it told. */
async function session() {
  const targets = await (await fetch(`http://127.0.0.1:${await devtoolsPort()}/json`)).json();
  const socket = new WebSocket(targets.find((target) => target.type === "page").webSocketDebuggerUrl);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const waiting = new Map();
  const problems = [];
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(data);
    if (id) waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
    if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.text);
    if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(params.entry.text);
  });
  let last = 0;
  const send = (method, params = {}) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  return { send, problems };
}

try {
  const { send, problems } = await session();
  const evaluate = async (expression) => (await send("Runtime.evaluate", { expression, returnByValue: true })).result.value;
  const until = async (expression) => {
    const deadline = Date.now() + 20_000;
    while (!(await evaluate(`Boolean(${expression})`))) {
      if (Date.now() > deadline) throw new Error(`never true: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const click = (selector) => evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  const dark = (value) => send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });

  const width = (width) =>
    send("Emulation.setDeviceMetricsOverride", { width, height: 800, deviceScaleFactor: 1, mobile: width < 640 });

  await width(1280);
  await dark("light");
  await send("Page.navigate", { url });
  await until(`document.querySelectorAll(".opblock").length > 0`);
  const operations = await evaluate(
    `[...document.querySelectorAll(".opblock")].map((o) => o.querySelector(".opblock-summary-method").innerText + " "
      + o.querySelector("[data-path]").dataset.path)`,
  );
  if (picture) {
    await send("Emulation.setScrollbarsHidden", { hidden: true });
    await width(800);
    const clip = { x: 0, y: await evaluate(`document.querySelector(".opblock-tag-section").getBoundingClientRect().y`), width: 800, height: 740, scale: 1 };
    const { data } = await send("Page.captureScreenshot", { clip, captureBeyondViewport: true });
    await writeFile(picture, data, "base64");
    await width(1280);
  }

  await click("button.authorize");
  await until(`document.querySelector(".auth-container input")`);
  const authorizations = await evaluate(`[...document.querySelectorAll(".auth-container")].map((form) => form.innerText)`);
  // As a paste does: wherever the cursor stands.
  await send("Input.insertText", { text: key });
  await click(".auth-container button.authorize");
  await click("button.btn-done");
  await click("#operations-Users-upsertUser .opblock-summary-control");
  // The example is filled in a moment after the button is there, and nothing is sent without a body.
  await until(`document.querySelector("#operations-Users-upsertUser textarea")?.value.includes("user_123")`);
  await click("#operations-Users-upsertUser .execute");
  await until(`document.querySelector(".live-responses-table .response-col_status")`);
  const status = await evaluate(`document.querySelector(".live-responses-table .response .response-col_status").innerText`);
  const answer = await evaluate(`document.querySelector(".live-responses-table").innerText`);

  const operation = `document.querySelector("#operations-Users-upsertUser")`;
  const height = await evaluate(`${operation}.getBoundingClientRect().height`);
  const folded = `${operation}.querySelector("details:not([open])")`;
  const headers = await evaluate(`${folded}.querySelector("table").textContent`);

  await width(390);
  const widthOnPhone = await evaluate("document.documentElement.scrollWidth");
  const background = () => evaluate(`getComputedStyle(document.documentElement).backgroundColor`);
  const inLight = await background();
  await dark("dark");
  await until(`document.documentElement.classList.contains("dark-mode")`);
  const backgrounds = [inLight, await background()];
  const seen = { operations, authorizations, status: status.trim(), answer, height, headers, widthOnPhone, backgrounds, problems };
  console.log(JSON.stringify(seen));
} finally {
  const gone = new Promise((resolve) => browser.on("exit", resolve));
  browser.kill();
  await gone;
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
