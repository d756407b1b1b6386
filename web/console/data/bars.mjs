// What was booked in the last window, as bars.

const BARS = 60;

/** The heights of equal parts of the window that ends now, oldest first, and their sum. */
export function bars({ window_seconds, slots }, now_ms) {
  const heights = Array(Math.min(BARS, Math.max(12, window_seconds))).fill(0);
  const part_ms = (window_seconds * 1000) / heights.length;
  for (const { at, booked } of slots) {
    const age_ms = now_ms - Date.parse(at);
    const fromNow = Math.max(0, Math.floor(age_ms / part_ms));
    if (fromNow < heights.length) heights[heights.length - 1 - fromNow] += booked;
  }
  return heights;
}

export const booked = ({ slots }) => slots.reduce((sum, slot) => sum + slot.booked, 0);
