// What every view needs: who is signed in, how to call, how to tell.

import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";

/** @import { Answer, Request } from "../data/api.mjs" */
/** @import { Session } from "../data/session.mjs" */

/**
 * @typedef {{
 *   session: Session,
 *   add: (token: Session) => void,
 *   signOut: () => void,
 *   call: (request: Request, signal?: AbortSignal) => Promise<Answer>,
 *   announce: (text: string) => void,
 * }} Shared
 */

export const Console = createContext(/** @type {Shared} */ (/** @type {unknown} */ (undefined)));
export const useConsole = () => useContext(Console);

/**
 * Whether the key has a scope.
 * @param {Session} session
 * @param {string} scope
 */
export const may = ({ key }, scope) => key?.about.scopes.includes(scope) ?? false;

/**
 * The answer to a request, anew whenever the request changes. There is none while it is awaited.
 * @param {Request} request
 */
export function useAnswer(request) {
  const { call } = useConsole();
  const [round, setRound] = useState(0);
  const [known, setKnown] = useState(/** @type {{ wanted?: string, answer?: Answer }} */ ({}));
  const wanted = `${request.as} ${request.path} ${round}`;
  useEffect(() => {
    const abort = new AbortController();
    call(request, abort.signal).then(
      (answer) => setKnown({ wanted, answer }),
      () => {},
    );
    return () => abort.abort();
  }, [wanted]);
  const reload = useCallback(() => setRound((round) => round + 1), []);
  return { answer: known.wanted === wanted ? known.answer : undefined, reload };
}
