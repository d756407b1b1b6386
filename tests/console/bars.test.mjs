// The picture of the last window.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, booked } from "../../web/console/data/bars.mjs";

const NOW_MS = Date.parse("2026-11-23T12:00:00Z");
const slot = (ago_ms, booked) => ({ at: new Date(NOW_MS - ago_ms).toISOString(), booked });

test("a slot adds to the bar of its time, the newest last, and what is older than the window to none", () => {
  const usage = {
    window_seconds: 60,
    slots: [slot(60_001, 9), slot(59_999, 1), slot(1_500, 2), slot(1_250, 3), slot(999, 4)],
  };
  const heights = bars(usage, NOW_MS);
  assert.equal(heights.length, 60);
  assert.deepEqual([heights[0], heights[58], heights[59]], [1, 5, 4]);
  assert.equal(booked(usage), 19);
});

test("a lease whose slot lies ahead counts as of now", () => {
  assert.equal(bars({ window_seconds: 60, slots: [slot(-1_250, 7)] }, NOW_MS).at(-1), 7);
});

test("short and long windows have bars that differ", () => {
  for (const [window_seconds, count] of [
    [1, 12],
    [30, 30],
    [86_400, 60],
  ])
    assert.equal(bars({ window_seconds, slots: [] }, NOW_MS).length, count);
});
