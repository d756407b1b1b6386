// The Worker's entry, and all of it that is not Rust. A panic ends the Rust module, and with it every request that is in
// it; the next call finds a new one. From here the new one is asked to answer for what the old one left behind.

import Roster, { LimiterObject } from "../../build/index.js";

export { LimiterObject };

// What ends a request in flight, given the variable that says how it ended. Of the latest ones alone, since those that
// their clients gave up are never seen to end.
const inFlight = new Map();
const MAX_IN_FLIGHT = 1000;

// Called by the panic hook, with the request that it was about, if it was about one.
globalThis.rosterPanicked = (request, cause) => {
  inFlight.get(request)?.({ PANICKED: cause });
  endAll();
};

// A trap without a panic: no memory, or no stack, is left.
addEventListener("error", ({ error }) => error instanceof WebAssembly.RuntimeError && endAll());

function endAll() {
  for (const end of inFlight.values()) end({ BEREFT: "another request of this isolate panicked" });
}

export default {
  async fetch(request, env, context) {
    const ended = new Promise((end) => inFlight.set(request, end));
    if (inFlight.size > MAX_IN_FLIGHT) inFlight.delete(inFlight.keys().next().value);
    const answer = (env) => new Roster(context, env).fetch(request);
    try {
      const thrown = (error) => ({ PANICKED: String(error) });
      const first = await Promise.race([answer(env).catch(thrown), ended]);
      return first instanceof Response ? first : await answer({ ...env, ...first });
    } finally {
      inFlight.delete(request);
    }
  },
};
