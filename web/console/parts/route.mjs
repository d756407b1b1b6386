// Where the reader is: the path behind `#`, and behind its `?` what is chosen there. It may hold a user's id or e-mail, and
// never a key.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

/** @typedef {{ path: string[], query: URLSearchParams }} Route */

/** @returns {Route} */
function current() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { path: path.split("/").map(decoded), query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The address of a view: its path, and what is chosen there. What is empty is not chosen.
 * @param {string[]} path
 * @param {Record<string, string | undefined>} [chosen]
 */
export function href(path, chosen = {}) {
  const query = new URLSearchParams(Object.entries(chosen).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  const search = query.size > 0 ? `?${query}` : "";
  return `#/${path.map((part) => encodeURIComponent(part.toWellFormed())).join("/")}${search}`;
}

/**
 * @param {string} address as `href` makes it
 * @param {unknown} [state] what the browser keeps with it: it outlives a reload, and no new tab has it
 */
export function go(address, state = null) {
  history.pushState(state, "", address);
  dispatchEvent(new Event("hashchange"));
}

/** Beside an address: the box to find somebody takes the focus. */
export const FIND = "find";

/** Brings the reader to the box, wherever they are. */
export function goToFind() {
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-find]"));
  if (!box) return go(href(["people"]), FIND);
  box.focus();
  return box.select();
}

/** The latest address of the list of people, to come back to. It may hold an e-mail, and so goes with the session. */
let list = href(["people"]);
export const keepList = () => {
  list = location.hash || list;
};
export const forgetList = () => {
  list = href(["people"]);
};
export const latestList = () => list;

/** What is asked of who leaves, and where it is asked. @type {{ question: string, at: string } | undefined} */
let held;

/** Whether nothing keeps the reader here, or they want to leave all the same. */
export const mayLeave = () => !held || confirm(held.question);

/** Nothing would be lost any more. */
export const letGo = () => {
  held = undefined;
};

/**
 * Asks before the reader leaves this view, or the page.
 * @param {string | undefined} question none if nothing would be lost
 */
export function useLeaveQuestion(question) {
  useEffect(() => {
    if (!question) return undefined;
    held = { question, at: location.hash };
    const ask = (event) => held && event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => {
      held = undefined;
      removeEventListener("beforeunload", ask);
    };
  }, [question]);
}

/** @returns {Route} */
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
