// What a client gets of its limit that sends all the time, on the real Worker. Writes its table into
// bench/README.md, and fails if more than the limit was admitted in a stretch of the window's length. Usage:
// node bench/limits.mjs, or make bench

import { setTimeout } from "node:timers/promises";
import { keyOf, send } from "./lib/client.mjs";
import { publish, table } from "./lib/document.mjs";
import { start } from "./lib/worker.mjs";

const AT_ONCE = [4, 24, 64];
/**
 * Each for so many whole windows. Those of the long limit run beside each other, to be done in two minutes; a client of
 * them rests after a 429, so that they don't hold up each other.
 */
const LIMITS = [
  { limit: 100, window_seconds: 3, windows: 5 },
  { limit: 300, window_seconds: 10, windows: 3 },
  { limit: 500, window_seconds: 60, windows: 2, together: true, restMs: 100 },
];
const STRETCHES = 1000;

/**
 * Sends until the time is over. Returns how many calls were sent, and when each that was admitted was sent and
 * answered.
 */
async function push(target, atOnce, milliseconds, restMs) {
  const admitted = [];
  let calls = 0;
  const begun = performance.now();
  const client = async (_, client) => {
    for (;;) {
      const sent = performance.now() - begun;
      if (sent >= milliseconds) return;
      calls++;
      const { status, text } = await send(target, {
        method: "POST",
        path: "/v1/users",
        body: { user_id: `u${client}` },
      });
      const answered = performance.now() - begun;
      if (status === 200) admitted.push({ sent, answered });
      else if (status !== 429) throw new Error(`${status}: ${text}`);
      else if (restMs > 0) await setTimeout(restMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return { calls, admitted };
}

/**
 * The most that was admitted in a stretch of the window's length, wherever it begins. A call is admitted at some moment
 * between sending and answer, so that only one for which both lie in the stretch is known to belong to it.
 */
function fullest(admitted, windowMs) {
  const within = (begin) =>
    admitted.filter(({ sent, answered }) => sent >= begin && answered <= begin + windowMs).length;
  return Math.max(...admitted.map(({ sent }) => within(sent)));
}

/** How many were answered in a stretch of the window's length, on average over all stretches of the run. */
function average(admitted, windowMs, milliseconds) {
  const begins = Array.from({ length: STRETCHES }, (_, i) => ((milliseconds - windowMs) * i) / (STRETCHES - 1));
  const within = (begin) => admitted.filter(({ answered }) => answered > begin && answered <= begin + windowMs).length;
  return begins.reduce((sum, begin) => sum + within(begin), 0) / STRETCHES;
}

const { miniflare, url } = await start();

async function measure({ limit, window_seconds, windows, restMs = 0 }, atOnce) {
  const settings = { rate_limits: { users: { limit, window_seconds } } };
  const key = await keyOf(url, `limit-${limit}-${atOnce}`, settings);
  const [windowMs, milliseconds] = [window_seconds * 1000, window_seconds * 1000 * windows];
  const { calls, admitted } = await push({ url, key }, atOnce, milliseconds, restMs);
  const whole = admitted.filter(({ answered }) => answered <= milliseconds).length;
  const [all, mean] = [whole / (limit * windows), average(admitted, windowMs, milliseconds) / limit];
  const most = fullest(admitted, windowMs);
  if (most > limit) process.exitCode = 1;
  const percent = (share) => `${(share * 100).toFixed(1)} %`;
  return [`${limit} in ${window_seconds} s`, atOnce, restMs, windows, calls, whole, percent(all), percent(mean), most];
}

const rows = [];
for (const limit of LIMITS) {
  if (limit.together) rows.push(...(await Promise.all(AT_ONCE.map((atOnce) => measure(limit, atOnce)))));
  else for (const atOnce of AT_ONCE) rows.push(await measure(limit, atOnce));
}
await miniflare.dispose();
publish(
  "limits",
  table(["limit", "at once", "rest, ms", "windows", "calls", "admitted", "of all", "of a window", "most in one"], rows),
);
