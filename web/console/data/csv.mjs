// CSV (RFC 4180), read by Papa Parse: line feeds with or without carriage return, quotes doubled inside quotes.

import Papa from "papaparse";

/** What stands behind a quote that is never closed may be many rows. */
export class UnclosedQuote extends Error {
  /** @param {number} line where the quote opens */
  constructor(line) {
    super(`The quote that opens in line ${line} is never closed: correct that line first.`);
  }
}

/**
 * A row: `text` is how it is written, `misquoted` the line where a quote opens that closes before its cell ends.
 * @typedef {{ line: number, cells: string[], text: string, misquoted?: number }} Row
 */

/** What separates cells, the most usual first. */
const DELIMITERS = [",", ";", "\t", "|"];
/** Characters of a text that are read at once. */
const CHUNK = 1 << 20;

/** The delimiter that stands most often in the first line, outside of quotes. */
export function delimiterOf(text) {
  const line = /[^\n]*\S[^\n]*/.exec(text.slice(0, 65_536))?.[0] ?? "";
  const bare = line.replace(/"[^"]*"?/g, "");
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

const lineFeeds = (text) => text.split("\n").length - 1;

/**
 * The rows of a text. Empty lines are none.
 * @param {string} text
 * @returns {Generator<Row, undefined>}
 */
export function* rows(text, delimiter = delimiterOf(text)) {
  let [at, line, size] = [text.startsWith("\uFEFF") ? 1 : 0, 1, CHUNK];
  while (at < text.length) {
    const base = at;
    const { found, unclosed } = chunk(text.slice(base, base + size), delimiter, base + size >= text.length);
    for (const { cells, end } of found) {
      const written = text.slice(at, base + end);
      yield* rowOf(written, cells, line, delimiter);
      line += lineFeeds(written);
      at = base + end;
    }
    if (unclosed !== undefined) throw new UnclosedQuote(line + lineFeeds(text.slice(at, base + unclosed)));
    // Nothing is found of a row that is longer than a chunk.
    size = found.length > 0 ? CHUNK : size * 2;
  }
}

/** The whole rows of a part of the text, and where a quote opens that is never closed. */
function chunk(part, delimiter, isLast) {
  /** @type {{ cells: string[], end: number }[]} */
  const found = [];
  let unclosed;
  Papa.parse(part, {
    delimiter,
    newline: "\n",
    fastMode: false,
    step({ data, errors, meta }) {
      if (meta.cursor === part.length && !isLast) return;
      const open = errors.find(({ code }) => code === "MissingQuotes");
      if (open) unclosed = open.index;
      else found.push({ cells: data, end: meta.cursor });
    },
  });
  return { found, unclosed };
}

function* rowOf(written, cells, line, delimiter) {
  const text = written.replace(/\r?\n$/, "");
  if (text.trim() === "") return;
  const last = cells.at(-1);
  // Papa Parse leaves the carriage return that ends a line to a bare cell.
  if (text.length < written.length - 1 && last.endsWith("\r") && !text.endsWith('\r"'))
    cells[cells.length - 1] = last.slice(0, -1);
  const misquoted = text.includes('"') ? misquotedAt(text, cells, delimiter) : undefined;
  yield {
    line,
    cells,
    text,
    misquoted: misquoted === undefined ? undefined : line + lineFeeds(text.slice(0, misquoted)),
  };
}

/** A cell as it stands in a row that is well written. */
const writtenAt = (row, at, cell) => (row[at] === '"' ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Where a cell opens with a quote and is not written as its text would be. */
function misquotedAt(row, cells, delimiter) {
  let at = 0;
  for (const cell of cells) {
    const written = writtenAt(row, at, cell);
    const end = at + written.length;
    if (!row.startsWith(written, at) || (end < row.length && row[end] !== delimiter)) return at;
    at = end + 1;
  }
  return undefined;
}

/**
 * What stands behind the first cells of a row, if they are well written.
 * @param {{ text: string, cells: string[] }} row
 * @param {number} count
 */
export function behindCells({ text, cells }, count) {
  let at = 0;
  for (const cell of cells.slice(0, count)) at += writtenAt(text, at, cell).length + 1;
  return text.slice(at);
}

/** One row, with its line's end. */
export function writeRow(cells) {
  const isAlone = cells.length === 1;
  const written = cells.map((cell) =>
    /[",\r\n]/.test(cell) || (isAlone && cell.trim() === "") ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${written.join()}\n`;
}
