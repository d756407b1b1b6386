// An answer that is asked for again and again while the page is seen.

import { useCallback, useEffect, useState } from "preact/hooks";
import { useConsole } from "./context.mjs";

/** @import { Answer, Request } from "../data/api.mjs" */

/** Until a page that nobody sees is looked at again. */
const HIDDEN_REST_MS = 3000;

/**
 * The latest answer to a request; `reload` asks at once.
 * @param {Request} request
 * @param {(answer: Answer) => number | undefined} restOf milliseconds until the next time; undefined: that was the last
 */
export function useLive(request, restOf) {
  const { call } = useConsole();
  const [answer, setAnswer] = useState(/** @type {Answer | undefined} */ (undefined));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    /** @type {number | undefined} */
    let rest_ms = HIDDEN_REST_MS;
    const look = async () => {
      if (document.visibilityState === "visible") {
        const seen = await call(request, abort.signal).catch(() => undefined);
        if (!seen) return;
        setAnswer(seen);
        // What isn't there won't come; what is busy gets time.
        const wished_ms = [401, 403, 404].includes(seen.status) ? undefined : restOf(seen);
        rest_ms = wished_ms && Math.max(wished_ms, (seen.retryAfter ?? 0) * 1000);
      }
      if (rest_ms !== undefined) timer = setTimeout(look, rest_ms);
    };
    look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [request.as, request.path, round]);
  const reload = useCallback(() => setRound((round) => round + 1), []);
  return { answer, reload };
}
