// Sends two identifies of one user through analytics.js in headless Chromium: first what is older, and what is newer
// once that was answered.
// Usage: node browser.mjs CHROMIUM STRATEGY HOST KEY, where STRATEGY is standard or batching

import { open } from "../contract/browser.mjs";

const [chromium, strategy, host, key] = process.argv.slice(2);
const { page, until, problems, close } = await open(chromium);

const identify = (plan, timestamp) =>
  page.evaluate(
    (plan, timestamp) => {
      window.analytics.identify("u", { email: "u@example.com", plan }, { timestamp: new Date(timestamp) });
    },
    plan,
    timestamp,
  );

/** Waits until the gate has seen this many requests. */
const seen = (count) => until(async (count) => (await (await fetch("/seen")).json()).length >= count, count);
/** Waits until Roster has stored this many. */
const stored = (count) =>
  until(async (count) => {
    const all = await (await fetch("/seen")).json();
    return all.reduce((sum, [, , stored]) => sum + stored, 0) >= count;
  }, count);

try {
  await page.goto(`${host}/page.html`);
  await until(() => window.AnalyticsNext);
  await page.evaluate(
    (writeKey, cdnURL, strategy) => {
      const deliveryStrategy = { strategy, config: { size: 1 } };
      window.analytics = window.AnalyticsNext.AnalyticsBrowser.load(
        { writeKey, cdnURL },
        { integrations: { "Segment.io": { deliveryStrategy } } },
      );
    },
    key,
    host,
    strategy,
  );
  await identify("old", "2026-01-01T12:00:00.000Z");
  await seen(1);
  await identify("new", "2026-01-01T12:00:00.001Z");
  await stored(2);
} catch (error) {
  console.error(strategy, problems, await page.evaluate(async () => (await fetch("/seen")).text()));
  throw error;
} finally {
  await close();
}
