// Drives the page in headless Chromium, as a reader would, and prints what was seen as JSON.
// Usage: node page.mjs CHROMIUM URL KEY [PICTURE], where PICTURE is a PNG file to write

import { writeFile } from "node:fs/promises";
import { open } from "./chromium.mjs";

const [chromium, url, key, picture] = process.argv.slice(2);
const { send, evaluate, until, problems, close } = await open(chromium);

try {
  const click = (selector) => evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
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
    const clip = {
      x: 0,
      y: await evaluate(`document.querySelector(".opblock-tag-section").getBoundingClientRect().y`),
      width: 800,
      height: 740,
      scale: 1,
    };
    const { data } = await send("Page.captureScreenshot", { clip, captureBeyondViewport: true });
    await writeFile(picture, data, "base64");
    await width(1280);
  }

  await click("button.authorize");
  await until(`document.querySelector(".auth-container input")`);
  const authorizations = await evaluate(
    `[...document.querySelectorAll(".auth-container")].map((form) => form.innerText)`,
  );
  // As a paste does: wherever the cursor stands.
  await send("Input.insertText", { text: key });
  await click(".auth-container button.authorize");
  await click("button.btn-done");
  await click("#operations-Users-upsertUser .opblock-summary-control");
  // The example is filled in a moment after the button is there, and nothing is sent without a body.
  await until(`document.querySelector("#operations-Users-upsertUser textarea")?.value.includes("user_123")`);
  await click("#operations-Users-upsertUser .execute");
  await until(`document.querySelector(".live-responses-table .response-col_status")`);
  const status = await evaluate(
    `document.querySelector(".live-responses-table .response .response-col_status").innerText`,
  );
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
  const seen = {
    operations,
    authorizations,
    status: status.trim(),
    answer,
    height,
    headers,
    widthOnPhone,
    backgrounds,
    problems,
  };
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(problems);
  throw error;
} finally {
  await close();
}
