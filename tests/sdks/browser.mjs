// Sends two identifies of one user through analytics.js in headless Chromium: first what is older, and what is newer
// once that was answered.
// Usage: node browser.mjs CHROMIUM STRATEGY HOST KEY, where STRATEGY is standard or batching

import { open } from "../contract/chromium.mjs";

const [chromium, strategy, host, key] = process.argv.slice(2);
const { send, evaluate, until, problems, close } = await open(chromium);

try {
  await send("Page.navigate", { url: `${host}/page.html` });
  await until("window.AnalyticsNext");
  const delivery = { strategy, config: { size: 1 } };
  const settings = JSON.stringify({ writeKey: key, cdnURL: host });
  const options = JSON.stringify({ integrations: { "Segment.io": { deliveryStrategy: delivery } } });
  await evaluate(`window.analytics = AnalyticsNext.AnalyticsBrowser.load(${settings}, ${options}); 0`);
  const identify = (plan, timestamp) => {
    const traits = JSON.stringify({ email: "u@example.com", plan });
    return evaluate(`analytics.identify("u", ${traits}, { timestamp: new Date("${timestamp}") }); 0`);
  };
  const seen = (count) => until(`(await (await fetch("/seen")).json()).length >= ${count}`);
  const stored = (count) =>
    until(`(await (await fetch("/seen")).json()).reduce((sum, [, , stored]) => sum + stored, 0) >= ${count}`);
  await identify("old", "2026-01-01T12:00:00.000Z");
  await seen(1);
  await identify("new", "2026-01-01T12:00:00.001Z");
  await stored(2);
} catch (error) {
  console.error(strategy, problems, await evaluate(`(async () => (await fetch("/seen")).text())()`));
  throw error;
} finally {
  await close();
}
