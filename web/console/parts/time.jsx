// A moment, as people say it.

import { withinHours } from "../data/text.mjs";

/** @type {[unit: Intl.RelativeTimeFormatUnit, seconds: number][]} */
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

function ago(ms) {
  const seconds = (ms - Date.now()) / 1000;
  const found = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (found) return RELATIVE.format(Math.round(seconds / found[1]), found[0]);
  return seconds > 0 ? "in a moment" : "just now";
}

/** A moment that is known to the hour: it may be up to an hour later. @param {{ value: string }} props */
export function TimeToTheHour({ value }) {
  return (
    <time dateTime={value} title={`${value}, or up to an hour later`}>
      {withinHours(Date.parse(value), Date.now())}
    </time>
  );
}

/** @param {{ value: string, exact?: boolean }} props */
export function Time({ value, exact = false }) {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return <span class="none">–</span>;
  return (
    <time dateTime={value} title={value}>
      {exact ? `${EXACT.format(ms)} (${ago(ms)})` : ago(ms)}
    </time>
  );
}
