// A page in headless Chromium.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import puppeteer from "puppeteer-core";

/** Milliseconds after which what was waited for is given up. */
export const PATIENCE_MS = 20_000;

const OPTIONS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** @param {string} program a name in PATH */
const pathOf = (program) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));

/**
 * Starts the browser with one empty page. `until` waits until a function of the page, or an expression, is true, and
 * returns a handle of what it was; `problems` are the errors that the page reported.
 * @param {string} chromium
 */
export async function open(chromium) {
  const browser = await puppeteer.launch({
    executablePath: pathOf(chromium),
    args: OPTIONS,
    defaultViewport: null,
    pipe: true,
  });
  const [page] = await browser.pages();
  /** @type {string[]} */
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  // Not by frames: a test may hold those of the page.
  const options = { polling: 20, timeout: PATIENCE_MS };
  /**
   * @param {string | ((...values: any[]) => unknown)} isTrue
   * @param {unknown[]} values
   */
  const until = async (isTrue, ...values) => {
    try {
      return await page.waitForFunction(isTrue, options, ...values);
    } catch (cause) {
      throw new Error(`never true: ${isTrue} ${JSON.stringify(values)}`, { cause });
    }
  };
  return { page, problems, until, close: () => browser.close() };
}
