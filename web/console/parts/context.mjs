// What every view needs: who is signed in, how to call, how to tell.

import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";

/** `{session, add(token), signOut(), call(request, signal), announce(text)}` */
export const Console = createContext();
export const useConsole = () => useContext(Console);

/** Whether the key has a scope. */
export const may = ({ key }, scope) => key.about.scopes.includes(scope);

/** The answer to a request, anew whenever the request changes: `{answer, reload}`, without an answer while it is awaited. */
export function useAnswer(request) {
  const { call } = useConsole();
  const [round, setRound] = useState(0);
  const [known, setKnown] = useState({});
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
