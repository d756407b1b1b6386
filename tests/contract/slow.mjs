// The Worker as it was built, behind bindings that delay every remote call by 100 ms, as an ocean does. For tests only.

import worker, { LimiterObject } from "../../src/edge/entry.js";

export { LimiterObject };

const DELAY_MS = 100;
const REMOTE = { DB: ["all", "first", "run", "raw", "batch"], LIMITER: ["fetch"] };

/** The same object, whose remote methods, and those of all objects that its methods return, take longer. */
function slow(target, remote) {
  return new Proxy(target, {
    get(_, name) {
      const value = target[name];
      if (typeof value !== "function" || name === "constructor") return value;
      if (remote.includes(name)) {
        return async (...args) => {
          await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
          return value.apply(target, args);
        };
      }
      return (...args) => {
        const result = value.apply(target, args);
        return typeof result === "object" && result !== null ? slow(result, remote) : result;
      };
    },
  });
}

export default {
  fetch(request, env, context) {
    const slowed = Object.entries(REMOTE).map(([name, remote]) => [name, slow(env[name], remote)]);
    return worker.fetch(request, { ...env, ...Object.fromEntries(slowed) }, context);
  },
};
