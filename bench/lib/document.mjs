// The tables of bench/README.md: each stands between two comments that name who writes it.

import { readFileSync, writeFileSync } from "node:fs";
import { ROOT } from "./worker.mjs";

const PATH = `${ROOT}bench/README.md`;

const placeOf = (name) =>
  new RegExp(`(?<=<!-- Written by node bench/${name}.mjs. -->\n)[^]*(?=<!-- The end of what ${name} writes. -->)`);

/** What `bench/{name}.mjs` wrote last. */
export function measuredBy(name) {
  const place = placeOf(name).exec(readFileSync(PATH, "utf8"));
  if (!place) throw new Error(`bench/README.md has no place for what bench/${name}.mjs writes`);
  return place[0];
}

/** Prints what `bench/{name}.mjs` measured, and puts it in the place of what it wrote before. */
export function publish(name, text) {
  console.log(text);
  measuredBy(name);
  const document = readFileSync(PATH, "utf8");
  writeFileSync(
    PATH,
    document.replace(placeOf(name), () => `\n${text.trimEnd()}\n\n`),
  );
}

/** A table of Markdown. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** Middle, least and most of some numbers. */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], least: sorted[0], most: sorted.at(-1) };
}

/** A spread of ratios, as the tables show it. */
export const times = ({ median, least, most }) => `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
