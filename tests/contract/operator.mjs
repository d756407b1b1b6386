// What an operator does in the console: presses what has a name, types, chooses and drops files, reads.

import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, PATIENCE_MS } from "./browser.mjs";

/** In the page: finds things as a person does. */
function install() {
  /** @type {(selector: string, root?: ParentNode) => any[]} */
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const nameOf = (one) => one.getAttribute("aria-label") ?? one.innerText.trim().replace(/\s+/g, " ");
  window.operator = {
    /** What one would click by its words, or its accessible name. */
    control(name) {
      const roots = [...all("dialog[open]"), document];
      return roots
        .flatMap((root) => all("button, a, summary, label.choice, label.check", root))
        .find((one) => nameOf(one) === name && !one.disabled && one.checkVisibility());
    },
    field(label) {
      const labels = all("dialog[open] label, label");
      const labelled = labels.find((one) => one.innerText.trim() === label)?.control;
      return labelled ?? document.querySelector(`[aria-label=${JSON.stringify(label)}]`);
    },
  };
}

/**
 * Opens a browser for an operator. `shots` is a folder for a picture of each view, if pictures are wanted.
 * @param {{ chromium: string, shots?: string }} options
 */
export async function operator({ chromium, shots }) {
  const { page, until, problems, close } = await open(chromium);
  const folder = await mkdtemp(join(tmpdir(), "console-"));
  if (shots) await mkdir(shots, { recursive: true });
  const cdp = await page.createCDPSession();
  await cdp.send("Emulation.setFocusEmulationEnabled", { enabled: true });
  await page.evaluateOnNewDocument(install);

  /** @param {string} text */
  const see = (text) => until((text) => document.body.innerText.includes(text), text);

  /** @param {string} name */
  const press = (name) =>
    until((name) => {
      const one = window.operator.control(name);
      one?.focus();
      one?.click();
      return one !== undefined;
    }, name);

  /** Types into a field, over what stands there. */
  async function fill(label, text) {
    await until((label) => {
      const one = window.operator.field(label);
      one?.focus();
      one?.select();
      return Boolean(one);
    }, label);
    await page.keyboard.sendCharacter(text);
  }

  const choose = (label, value) =>
    until(
      (label, value) => {
        const one = window.operator.field(label);
        if (one) one.value = value;
        return one?.dispatchEvent(new Event("change", { bubbles: true }));
      },
      label,
      value,
    );

  // Not `setViewport`, which loads the page anew for a phone.
  const resize = (width, height) =>
    cdp.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 640 });

  async function look(width, scheme, height = width < 640 ? 844 : 900) {
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    await resize(width, height);
  }

  const picture = (path) => page.screenshot({ path, captureBeyondViewport: false });

  const kit = { page, cdp, until, problems, see, press, fill, choose, look, picture };
  const files = await fileKit({ page, cdp, until, folder });
  const end = async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...kit, ...files, ...viewKit({ ...kit, shots }), forge: forgery(page), end };
}

/** Files that the page is handed, and files that it saves. */
async function fileKit({ page, cdp, until, folder }) {
  const saved = new Map();
  const saving = new EventEmitter();
  cdp.on("Browser.downloadWillBegin", ({ guid, suggestedFilename }) => saved.set(guid, suggestedFilename));
  cdp.on("Browser.downloadProgress", ({ guid, state }) => {
    if (state !== "completed") return;
    const name = saved.get(guid);
    saved.set(name, true);
    saving.emit(name);
  });
  await cdp.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder, eventsEnabled: true });

  async function write(name, text) {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  return {
    /** The text of a file that the page saves. */
    async downloaded(name) {
      if (!saved.has(name)) await once(saving, name, { signal: AbortSignal.timeout(PATIENCE_MS) });
      return readFile(join(folder, name), "utf8");
    },
    async chooseFile(name, text) {
      const path = await write(name, text);
      await until(() => document.querySelector("input[type=file]"));
      await (await page.$("input[type=file]")).uploadFile(path);
    },
    async dropFile(name, text) {
      const data = { items: [], files: [await write(name, text)], dragOperationsMask: 1 };
      const [x, y] = await page.$eval(".drop", (place) => {
        const { x, y } = place.getBoundingClientRect();
        return [x + 60, y + 60];
      });
      for (const type of ["dragEnter", "dragOver", "drop"])
        await cdp.send("Input.dispatchDragEvent", { type, x, y, data });
    },
  };
}

/** Holds views against axe and the width of a phone, in light and dark, and takes their pictures. */
function viewKit({ page, look, picture, shots }) {
  /** @type {{ violations: string[], widths: Record<string, number> }} */
  const audit = { violations: [], widths: {} };
  const looks = shots
    ? [
        [390, "light"],
        [390, "dark"],
        [1280, "dark"],
        [1280, "light"],
        [1920, "light"],
      ]
    : [
        [390, "dark"],
        [1280, "light"],
      ];

  async function view(name) {
    for (const [width, scheme] of looks) {
      await look(width, scheme);
      const where = `${name} ${width} ${scheme}`;
      audit.violations.push(...(await violations(page)).map((violation) => `${where}: ${violation}`));
      if (width === 390) audit.widths[name] = await page.evaluate(() => document.documentElement.scrollWidth);
      if (shots) await picture(join(shots, `${name}-${width}-${scheme}.png`));
    }
    await look(1280, "light");
  }
  return { view, audit };
}

const AXE = await readFile("node_modules/axe-core/axe.min.js", "utf8");

async function violations(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  if (await page.evaluate(() => typeof window.axe === "undefined")) await page.evaluate(`${AXE}; 0`);
  return page.evaluate(async () => {
    const about = ({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`;
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(about).join(" | ")}`);
  });
}

/**
 * Answers each call of the API with what a function of the request says, if that is something: `{fails}`, `{after_ms}`
 * or `{status, headers, body}`. Without a function the server answers again.
 */
function forgery(page) {
  let forged;
  page.on("request", async (request) => {
    if (!request.isInterceptResolutionHandled()) await respond(request).catch(() => {});
  });
  async function respond(request) {
    const found = request.url().includes("/v1/") ? forged?.(request) : undefined;
    if (!found) return request.continue();
    if (found.fails) return request.abort("connectionrefused");
    if (found.after_ms) return void setTimeout(() => request.continue().catch(() => {}), found.after_ms).unref();
    const { status, headers, body } = found;
    return request.respond({ status, headers, contentType: "application/json", body: JSON.stringify(body) });
  }
  return async function forge(answer) {
    forged = answer;
    await page.setRequestInterception(Boolean(answer));
  };
}
