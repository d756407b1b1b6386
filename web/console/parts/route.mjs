// Where the reader is: the path behind `#`. It may hold a user's id, and never a key.

import { useLayoutEffect, useState } from "preact/hooks";

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

/** The parts of the path. */
export function useRoute() {
  const [route, setRoute] = useState(current);
  useLayoutEffect(() => {
    const follow = () => setRoute(current());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
