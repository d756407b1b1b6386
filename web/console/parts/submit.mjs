// Sending what a form asks for.

import { useState } from "preact/hooks";
import { useConsole } from "./context.mjs";

/** @import { Answer } from "../data/api.mjs" */

/**
 * `submit(request)` sends a request and resolves to its answer. Meanwhile `isBusy`; afterwards `refused` is the answer,
 * if it has an error. `send` does it in another way than the console's `call`.
 * @param {(request: any) => Promise<any>} [send]
 */
export function useSubmit(send) {
  const { call } = useConsole();
  const [state, setState] = useState(/** @type {{ isBusy: boolean, refused?: Answer }} */ ({ isBusy: false }));
  async function submit(request) {
    setState({ isBusy: true, refused: undefined });
    const answer = await (send ?? call)(request);
    setState({ isBusy: false, refused: answer.error ? answer : undefined });
    return answer;
  }
  return { ...state, submit };
}
