// CSV (RFC 4180): line feeds with or without carriage return, quotes doubled inside quotes.

/**
 * The rows of a text. Empty lines are none.
 * @param {string} text
 * @returns {Generator<{ line: number, cells: string[] }, undefined>}
 */
export function* rows(text) {
  let [at, line] = [text.startsWith("\uFEFF") ? 1 : 0, 1];

  function quoted() {
    let cell = "";
    for (;;) {
      const end = text.indexOf('"', at);
      cell += text.slice(at, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
      if (text[at] !== '"') return cell;
      cell += '"';
      at += 1;
    }
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
    for (;;) {
      let cell = "";
      if (text[at] === '"') {
        at += 1;
        cell = quoted();
      }
      cells.push(cell + rest());
      if (text[at] !== ",") break;
      at += 1;
    }
    at += 1;
    const written = text.slice(start, at);
    if (written.trim() !== "") yield { line, cells };
    line += written.split("\n").length - 1;
  }
}

/** One row, with its line's end. */
export function writeRow(cells) {
  const isAlone = cells.length === 1;
  const written = cells.map((cell) =>
    /[",\r\n]/.test(cell) || (isAlone && cell.trim() === "") ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${written.join()}\n`;
}
