// What all flows of the console's test share: the browser, the API beside it, and what was seen.

import { weakening } from "../../doubles/weakening.mjs";
import { operator } from "../operator.mjs";

/** @typedef {Awaited<ReturnType<typeof begin>>} Visit */

/** An answer of Roster's that refuses. */
export const refusal = (status, code, message, headers) => ({
  status,
  headers,
  body: { success: false, error: "", message, code },
});

/** What is asked of who leaves, and stays. */
export async function leaving({ page }) {
  const asked = new Promise((resolve) => page.once("dialog", resolve));
  await page.$eval("nav a", (people) => void setTimeout(() => people.click()));
  const dialog = await asked;
  await dialog.dismiss();
  return dialog.message();
}

/**
 * Opens the browser before a server, behind an edge that weakens entity tags. `seen` is what the flows write down.
 * @param {{ chromium: string, server: string, adminToken: string, key: string, project: string, shots?: string }} options
 */
export async function begin({ chromium, server, adminToken, key, project, shots }) {
  const { url, close: closeEdge } = await weakening(server);
  const kit = await operator({ chromium, shots });
  const { page, until, see, press, fill } = kit;

  /** @param {string} selector */
  const textOf = (selector) => page.$eval(selector, (one) => /** @type {HTMLElement} */ (one).innerText);
  /** @param {string} selector */
  const isThere = (selector) => until((selector) => document.querySelector(selector), selector);
  /** @param {string} selector */
  const isGone = (selector) => until((selector) => !document.querySelector(selector), selector);
  /** Waits until what this selector finds shows this text. */
  const shows = (selector, text) =>
    until((selector, text) => document.querySelector(selector)?.innerText.includes(text), selector, text);
  /** Not by its place, which may move. */
  const tick = async (label) => {
    await isThere(`[aria-label="${label}"]`);
    await page.$eval(`[aria-label="${label}"]`, (box) => /** @type {HTMLElement} */ (box).click());
  };
  const type = (key) => page.keyboard.press(key);

  /**
   * @param {string} method
   * @param {string} path
   * @param {string | object} [body] what is no text is sent as JSON
   */
  async function api(method, path, body, token = key) {
    const answer = await fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      body: typeof body === "object" ? JSON.stringify(body) : body,
    });
    return { status: answer.status, text: await answer.text() };
  }

  async function signIn(label, token) {
    await fill(label, token);
    await press("Sign in");
  }

  async function elsewhere() {
    await press("Export");
    await see("All people of this project, in one file.");
  }

  async function end() {
    await kit.end();
    closeEdge();
  }

  /** @type {Record<string, any>} */
  const seen = {};
  const about = { url, adminToken, key, project, shots, seen };
  return { ...kit, ...about, textOf, isThere, isGone, shows, tick, type, api, signIn, elsewhere, end };
}
