// Sends two identifies of one user through an SDK in headless Chromium: first what is older, and what is newer once that
// was answered. A second visit on another day comes by another campaign, by the URL of the page.
// Usage: node browser.mjs CHROMIUM SDK HOST KEY TIME, which is that of the second

import { open } from "../contract/browser.mjs";

const [chromium, sdk, host, key, later] = process.argv.slice(2);
const { page, until, problems, close } = await open(chromium);

/** Each SDK as an app makes it, with the host and the key changed: its page, and what runs there. */
const SDKS = {
  "segment-standard": { folder: "segment", load: () => loadSegment("standard") },
  "segment-batching": { folder: "segment", load: () => loadSegment("batching") },
  rudder: { folder: "rudder", load: loadRudder },
};

async function loadSegment(strategy) {
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
}

async function loadRudder() {
  await page.evaluate(
    (key, host) => {
      window.analytics = new window.rudderanalytics.RudderAnalytics();
      const source = { id: "roster", config: {}, destinations: [] };
      window.analytics.load(key, host, { getSourceConfig: () => ({ source }) });
    },
    key,
    host,
  );
}

/** The option is `timestamp` for Segment's, `originalTimestamp` for RudderStack's. */
const identify = (plan, timestamp) =>
  page.evaluate(
    (plan, timestamp) => {
      const options = { timestamp: new Date(timestamp), originalTimestamp: timestamp };
      window.analytics.identify("u", { email: "u@example.com", plan }, options);
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

async function visit(query) {
  await page.goto(`${host}/${SDKS[sdk].folder}/page.html?${query}`);
  await SDKS[sdk].load();
}

const FIRST = "2026-01-01T12:00:00.000Z";

try {
  await visit("utm_campaign=spring&utm_source=newsletter");
  await identify("old", FIRST);
  await seen(1);
  if (later.slice(0, 10) !== FIRST.slice(0, 10)) {
    await stored(1);
    await visit("utm_campaign=autumn&utm_medium=search");
  }
  await identify("new", later);
  await stored(2);
} catch (error) {
  console.error(sdk, problems, await page.evaluate(async () => (await fetch("/seen")).text()));
  throw error;
} finally {
  await close();
}
