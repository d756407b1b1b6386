// Where the reader is: the path behind `#`. It may hold a user's id, and never a key.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

const current = () => location.hash.replace(/^#\/?/, "").split("/").map(decoded);

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const href = (...parts) => `#/${parts.map((part) => encodeURIComponent(part.toWellFormed())).join("/")}`;

export function go(...parts) {
  location.hash = href(...parts);
}

/** What is asked of who leaves, and where it is asked. @type {{ question: string, at: string } | undefined} */
let held;

/** Whether nothing keeps the reader here, or they want to leave all the same. */
export const mayLeave = () => !held || confirm(held.question);

/**
 * Asks before the reader leaves this view, or the page.
 * @param {string | undefined} question none if nothing would be lost
 */
export function useLeaveQuestion(question) {
  useEffect(() => {
    if (!question) return undefined;
    held = { question, at: location.hash };
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => {
      held = undefined;
      removeEventListener("beforeunload", ask);
    };
  }, [question]);
}

/** The parts of the path. */
export function useRoute() {
  const [route, setRoute] = useState(current);
  useLayoutEffect(() => {
    const follow = () => {
      if (held && location.hash === held.at) return;
      if (mayLeave()) setRoute(current());
      else history.pushState(null, "", held?.at);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
