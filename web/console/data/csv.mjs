// CSV (RFC 4180): line feeds with or without carriage return, quotes doubled inside quotes.

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

/**
 * The rows of a text. Empty lines are none.
 * @param {string} text
 * @returns {Generator<Row, undefined>}
 */
export function* rows(text) {
  let [at, line] = [text.startsWith("\uFEFF") ? 1 : 0, 1];

  function quoted() {
    let cell = "";
    for (;;) {
      const end = text.indexOf('"', at);
      if (end < 0) return undefined;
      cell += text.slice(at, end);
      at = end + 1;
      if (text[at] !== '"') return cell;
      cell += '"';
      at += 1;
    }
  }

  const cellEnd = /,|\r?\n|$/y;
  function isBeforeCellEnd() {
    cellEnd.lastIndex = at;
    return cellEnd.test(text);
  }

  const bare = /[^,\n]*/y;
  function rest() {
    bare.lastIndex = at;
    const found = bare.exec(text)?.[0] ?? "";
    at += found.length;
    return at >= text.length || text[at] === "\n" ? found.replace(/\r$/, "") : found;
  }

  while (at < text.length) {
    const start = at;
    /** @type {string[]} */
    const cells = [];
    let misquoted;
    for (;;) {
      let cell = "";
      if (text[at] === '"') {
        const lineOfQuote = () => line + text.slice(start, opened).split("\n").length - 1;
        const opened = at;
        at += 1;
        const inQuotes = quoted();
        if (inQuotes === undefined) throw new UnclosedQuote(lineOfQuote());
        if (!isBeforeCellEnd()) misquoted ??= lineOfQuote();
        cell = inQuotes;
      }
      cells.push(cell + rest());
      if (text[at] !== ",") break;
      at += 1;
    }
    at += 1;
    const written = text.slice(start, at);
    if (written.trim() !== "") yield { line, cells, text: written.replace(/\r?\n$/, ""), misquoted };
    line += written.split("\n").length - 1;
  }
}

/**
 * What stands behind the first cells of a row.
 * @param {string} row
 * @param {number} count
 */
export function behindCells(row, count) {
  const cell = /(?:"(?:[^"]|"")*"[^,]*|[^,]*),/y;
  for (let i = 0; i < count; i += 1) if (!cell.test(row)) return row;
  return row.slice(cell.lastIndex);
}

/** One row, with its line's end. */
export function writeRow(cells) {
  const isAlone = cells.length === 1;
  const written = cells.map((cell) =>
    /[",\r\n]/.test(cell) || (isAlone && cell.trim() === "") ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${written.join()}\n`;
}
