// What the runtime has used of the processor, and of memory. Linux alone tells.

import { readdirSync, readFileSync } from "node:fs";

const isLinux = process.platform === "linux";

/** The process of the runtime that this one started last; none where the system does not tell. */
export function runtime() {
  if (!isLinux) return undefined;
  const isIt = (pid) => {
    try {
      const [, command, , parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
      return command === "(workerd)" && Number(parent) === process.pid;
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && isIt(pid))
    .at(-1);
}

/**
 * Milliseconds of a processor that all threads of a process have used, to the microsecond. NaN without a process.
 * @param {string | undefined} pid
 */
export function cpuMs(pid) {
  if (pid === undefined) return NaN;
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, of) => sum + of, 0) / 1e6;
}
