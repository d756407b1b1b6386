// The worker thread that holds the file of an import: what is asked of it, and what it answers.

/** What could not be done there. */
export class Failed extends Error {
  /** @param {{ message: string, needsEncoding: boolean }} failed */
  constructor({ message, needsEncoding }) {
    super(message);
    this.needsEncoding = needsEncoding;
  }
}

/** Starts a thread. `ask` resolves to what a task has done, and `news` hears what it says on its way; `end` stops it. */
export function importThread() {
  const worker = new Worker("console/import_worker.js");
  /** @type {Map<number, { resolve: (done: any) => void, reject: (error: Failed) => void, news?: (news: any) => void }>} */
  const open = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, news, done, failed } }) => {
    if (news) return open.get(id)?.news?.(news);
    const asked = open.get(id);
    open.delete(id);
    return failed ? asked?.reject(new Failed(failed)) : asked?.resolve(done);
  };
  /**
   * @param {string} task
   * @param {object} [with_]
   * @param {(news: any) => void} [news]
   * @returns {Promise<any>}
   */
  function ask(task, with_, news) {
    last += 1;
    const id = last;
    worker.postMessage({ id, task, with: with_ });
    return new Promise((resolve, reject) => open.set(id, { resolve, reject, news }));
  }
  return { ask, end: () => worker.terminate() };
}
