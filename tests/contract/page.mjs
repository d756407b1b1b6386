// Drives the page in headless Chromium, as a reader would, and prints what was seen as JSON.
// Usage: node page.mjs CHROMIUM URL KEY [PICTURE], where PICTURE is a PNG file to write

import { readFile } from "node:fs/promises";
import { open } from "./browser.mjs";

const [chromium, url, key, picture] = process.argv.slice(2);
const { page, until, problems, close } = await open(chromium);

const dark = (value) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
// Not `setViewport`, which loads the page anew for a phone.
const cdp = await page.createCDPSession();
const resize = (width, height = 800) =>
  cdp.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 640 });
/** Clicks as a script does: whatever covers the element, and wherever the page is scrolled to. */
const click = (selector) => page.$eval(selector, (one) => /** @type {HTMLElement} */ (one).click());
const textOf = (selector) => page.$eval(selector, (one) => /** @type {HTMLElement} */ (one).innerText);

/** What axe finds critical in the page as it is. */
async function criticalFaults() {
  await page.evaluate(await readFile("node_modules/axe-core/axe.min.js", "utf8"));
  return page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ["violations"] });
    const critical = violations.filter(({ impact }) => impact === "critical");
    return critical.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id} ${html}`));
  });
}

async function takePicture(path) {
  await cdp.send("Emulation.setScrollbarsHidden", { hidden: true });
  await resize(800);
  const y = await page.$eval(".opblock-tag-section", (section) => section.getBoundingClientRect().y);
  await page.screenshot({ path, clip: { x: 0, y, width: 800, height: 740 }, captureBeyondViewport: true });
  await resize(1280);
}

try {
  await resize(1280);
  await dark("light");
  await page.goto(url);
  await page.waitForSelector(".opblock");
  const operations = await page.$$eval(".opblock", (/** @type {any[]} */ all) =>
    all.map(
      (one) =>
        `${one.querySelector(".opblock-summary-method").innerText} ${one.querySelector("[data-path]").dataset.path}`,
    ),
  );
  const consoleLink = await page.$eval("nav a", (link) => /** @type {any} */ (link).href);
  const icon = await page.$eval("link[rel=icon]", async (link) =>
    (await fetch(/** @type {any} */ (link).href)).headers.get("content-type"),
  );
  if (picture) await takePicture(picture);

  await click("button.authorize");
  await page.waitForSelector(".auth-container input");
  const authorizations = await page.$$eval(".auth-container", (/** @type {any[]} */ forms) =>
    forms.map((form) => form.innerText),
  );
  // As a paste does: wherever the cursor stands.
  await page.keyboard.sendCharacter(key);
  await click(".auth-container button.authorize");
  await click("button.btn-done");
  const operation = "#operations-Users-upsertUser";
  await click(`${operation} .opblock-summary-control`);
  // The example is filled in a moment after the button is there, and nothing is sent without a body.
  await until((field) => document.querySelector(field)?.value.includes("user_123"), `${operation} textarea`);
  await click(`${operation} .execute`);
  await page.waitForSelector(".live-responses-table .response-col_status");
  const status = await textOf(".live-responses-table .response .response-col_status");
  const answer = await textOf(".live-responses-table");

  // With a body, and with parameters.
  await click("#operations-Users-getUser .opblock-summary-control");
  await page.waitForSelector("#operations-Users-getUser .parameters input");
  const violations = await criticalFaults();

  const height = await page.$eval(operation, (one) => one.getBoundingClientRect().height);
  const headers = await page.$eval(`${operation} details:not([open]) table`, (table) => table.textContent);

  await resize(390);
  const widthOnPhone = await page.evaluate(() => document.documentElement.scrollWidth);
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const inLight = await background();
  await dark("dark");
  await until(() => document.documentElement.classList.contains("dark-mode"));
  const backgrounds = [inLight, await background()];
  const seen = {
    operations,
    authorizations,
    status: status.trim(),
    answer,
    height,
    headers,
    widthOnPhone,
    backgrounds,
    violations,
    icon,
    consoleLink,
    problems,
  };
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(problems);
  throw error;
} finally {
  await close();
}
