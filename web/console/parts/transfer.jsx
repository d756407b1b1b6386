// What import and export share: waiting, cancelling, files to save.

import { useEffect, useRef, useState } from "preact/hooks";

/** What is asked of who leaves an export that runs. */
export const EXPORT_QUESTION = "The export is not done. Leave it? No file is saved.";

/**
 * A run that can be cancelled: `start(work)` calls the work with `{signal, wait}`, and `waiting` is how many seconds it
 * still waits.
 */
export function useRun() {
  const [waiting, setWaiting] = useState(0);
  const abort = useRef(/** @type {AbortController | undefined} */ (undefined));
  useEffect(() => () => abort.current?.abort(), []);
  function start(work) {
    abort.current = new AbortController();
    const { signal } = abort.current;
    return work({ signal, wait: (seconds) => wait(seconds, signal, setWaiting) });
  }
  return { start, cancel: () => abort.current?.abort(), waiting };
}

async function wait(seconds, signal, tell) {
  try {
    for (let left = seconds; left > 0; left -= 1) {
      tell(Math.ceil(left));
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, 1) * 1000));
      signal.throwIfAborted();
    }
  } finally {
    tell(0);
  }
}

/** Saves a file that consists of these parts. */
export function save(name, type, parts) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function Waiting({ seconds }) {
  return seconds > 0 && <p class="note">It waits for the limit, which your app shares, and goes on in {seconds} s.</p>;
}
