// The Worker as it was built, behind bindings that fail as the variable `FAULTS` says for all requests, and the header
// `X-Fault` for one. For tests only. Each is a JSON array of faults, one for each binding:
//
//   on      DB, LIMITER, USERS, COPIES, UNKNOWN_KEYS, ASSETS; RANDOM (the source of random bytes, without which Rust panics);
//           or TRAP (the module ends as it does without memory)
//   how     before: fails unasked    after: takes effect, and fails    hang: never answers    late: takes effect, and
//           hangs    garbage: answers `with` in place of rows, of two lists of them, of a count, or of a text
//           reset: the limiter's object is reset, and then asked    midway: an object of users is reset while it
//           answers    old: the object does not have the method    slow: takes `ms` longer, 100 by default, as across
//           an ocean
//   error   the error's message; an overloaded object's is marked so
//   skip    remote calls that go well before; none by default
//   times   remote calls that fail then; one by default

import worker, {
  LimiterObject as Limiter,
  MoverObject,
  UsersObject as Users,
  WebhookObject as Webhook,
} from "../../src/edge/entry.js";

const REMOTE = {
  DB: ["all", "batch"],
  LIMITER: ["answer"],
  USERS: ["answer"],
  COPIES: ["getWithMetadata", "put", "delete"],
  UNKNOWN_KEYS: ["limit"],
  ASSETS: ["fetch"],
};

export { MoverObject };

export class LimiterObject extends Limiter {
  reset() {
    this.ctx.abort("reset");
  }
}

export class UsersObject extends Users {
  /** Ends before the runtime has made sure of the write: whether it took effect, nobody knows. */
  async answerAndReset(call) {
    await super.answer(call);
    this.ctx.abort("reset");
  }
}

/** The first alarms of each end as badly as the variable `ALARMS` says, one after the other: a JSON array. */
export class WebhookObject extends Webhook {
  async alarm() {
    const storage = this.ctx.storage.kv;
    const n = storage.get("alarms") ?? 0;
    storage.put("alarms", n + 1);
    const how = JSON.parse(this.env.ALARMS ?? "[]")[n];
    if (how === "throws before") throw new Error("thrown before");
    // Else the next one may end the same way.
    await this.ctx.storage.sync();
    if (how === "is reset") setTimeout(() => this.ctx.abort("reset"), 20);
    if (how === "traps") queueMicrotask(trap);
    await super.alarm();
    if (how === "throws after") throw new Error("thrown after");
  }
}

const DELAY_MS = 100;
const never = () => new Promise(() => {});
const rows = (results) => ({ success: true, meta: {}, results });

async function fail({ how, error, ms = DELAY_MS, with: garbage }, target, name, args) {
  // Not apply of the method: of one called by RPC, `apply` is another remote method.
  const call = () => Reflect.apply(target[name], target, args);
  const thrown = Object.assign(new Error(error), { overloaded: error?.includes("overloaded") });
  switch (how) {
    case "before":
      throw thrown;
    case "after":
      await call();
      throw thrown;
    case "hang":
      console.log("a call hangs");
      return never();
    case "late":
      await call();
      return never();
    case "garbage":
      await call();
      return {
        all: () => rows(garbage),
        batch: () => garbage.map(rows),
        limit: () => garbage,
        answer: () => garbage,
        getWithMetadata: () => garbage,
        fetch: () => new Response(garbage),
      }[name]();
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, ms));
      return call();
    case "old":
      return target.notOfThisVersion();
    case "reset":
      await target.reset().catch(() => {});
      return call();
    case "midway":
      return target.answerAndReset(...args);
  }
}

/** The same object, whose remote methods, and those of all objects that its methods return, have the fault. */
function faulty(target, fault) {
  return new Proxy(target, {
    get(_, name) {
      const value = target[name];
      if (typeof value !== "function" || name === "constructor") return value;
      if (REMOTE[fault.on].includes(name)) {
        return async (...args) => {
          if (fault.skip-- > 0 || fault.times-- <= 0) return Reflect.apply(value, target, args);
          return fail(fault, target, name, args);
        };
      }
      return (...args) => {
        const result = Reflect.apply(value, target, args);
        return typeof result === "object" && result !== null ? faulty(result, fault) : result;
      };
    },
  });
}

let randomCallsToPanic = 0;
const getRandomValues = crypto.getRandomValues.bind(crypto);
crypto.getRandomValues = (bytes) => {
  if (randomCallsToPanic > 0 && --randomCallsToPanic === 0) throw new Error("no random bytes");
  return getRandomValues(bytes);
};

function trap() {
  throw new WebAssembly.RuntimeError("unreachable");
}

export default {
  fetch(request, env, context) {
    const bindings = { ...env };
    for (const told of [env.FAULTS, request.headers.get("X-Fault")].flatMap((faults) => JSON.parse(faults ?? "[]"))) {
      const fault = { skip: 0, times: 1, ...told };
      if (fault.on === "RANDOM") randomCallsToPanic = fault.skip + 1;
      else if (fault.on === "TRAP") queueMicrotask(trap);
      else bindings[fault.on] = faulty(bindings[fault.on], fault);
    }
    return worker.fetch(request, bindings, context);
  },
};
