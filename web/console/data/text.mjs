// Numbers as people read them.

/** @param {number} value */
export const number = (value) => value.toLocaleString("en");

/**
 * @param {number} value
 * @param {string} thing
 */
export const count = (value, thing) => `${number(value)} ${thing}${value === 1 ? "" : "s"}`;

/**
 * How long ago something was that may have been up to an hour later.
 * @param {number} then_ms
 * @param {number} now_ms
 */
export function withinHours(then_ms, now_ms) {
  const hours = Math.ceil((now_ms - then_ms) / 3_600_000);
  if (hours <= 1) return "within the hour";
  return hours <= 48 ? `within ${hours} hours` : `within ${Math.ceil(hours / 24)} days`;
}

/** Seconds as people say them. @param {number} seconds */
export function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 86_400)} days`;
}
