// Sends two identifies of one user through an SDK, each of a visit by another campaign: first what is older, and what is
// newer once that was answered.
// Usage: node node.mjs SDK HOST KEY TIME, which is that of the second

import { setTimeout } from "node:timers/promises";

const [sdk, host, key, later] = process.argv.slice(2);

/** Each SDK as an app makes it, with the host and the key changed, and what ends it. */
const SDKS = {
  "segment-node-3": () => segment("@segment/analytics-node"),
  "segment-node-2": () => segment("analytics-node-2"),
  "customerio-node": () => segment("@customerio/cdp-analytics-node"),
  "rudder-node": async () => {
    const { default: Analytics } = await import("@rudderstack/rudder-sdk-node");
    const analytics = new Analytics(key, { dataPlaneUrl: host, flushAt: 1 });
    return [analytics, () => analytics.flush()];
  },
};

async function segment(name) {
  const { Analytics } = await import(name);
  const analytics = new Analytics({ writeKey: key, host, flushAt: 1 });
  analytics.on("error", (error) => console.error(error));
  return [analytics, () => analytics.closeAndFlush()];
}

const answered = async () => (await (await fetch(`${host}/seen`)).json()).length;

const [analytics, end] = await SDKS[sdk]();
const identify = (plan, campaign, timestamp) =>
  analytics.identify({
    userId: "u",
    traits: { email: "u@example.com", plan },
    context: { campaign },
    timestamp: new Date(timestamp),
  });
identify("old", { name: "spring", source: "newsletter" }, "2026-01-01T12:00:00.000Z");
while ((await answered()) < 1) await setTimeout(20);
identify("new", { name: "autumn", medium: "search" }, later);
await end();
