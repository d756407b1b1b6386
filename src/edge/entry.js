// The Worker's entry, and all of it that is not Rust. A panic ends the Rust module, and with it every request that is
// in it; the next call finds a new one. From here the new one is asked to answer for what the old one left behind.

import { DurableObject } from "cloudflare:workers";
import {
  __worker_init_state,
  fetch,
  LimiterObject as Limiter,
  MoverObject as Mover,
  UsersObject as Users,
  WebhookObject as Webhook,
} from "../../build/index.js";

// By request in flight: what to call when the module ends. Of the latest ones alone, since those that their clients
// gave up are never seen to end.
const inFlight = new Map();
const MAX_IN_FLIGHT = 1000;

// Called by the panic hook, with the request that it was about, if it was about one.
globalThis.rosterPanicked = (request, cause) => {
  inFlight.get(request)?.({ ROSTER_PANIC: cause });
  endAll();
};

// A trap without a panic: no memory, or no stack, is left.
const isTrap = (error) => error instanceof WebAssembly.RuntimeError || error instanceof RangeError;

addEventListener("error", ({ error }) => noticed(error));

function endAll() {
  for (const end of inFlight.values()) end({ ROSTER_PANIC_OF_ANOTHER: "another request of this isolate panicked" });
}

/** An error that the module threw; if it has ended by that, so do all requests that are in it. */
function noticed(error) {
  if (isTrap(error)) endAll();
  return error;
}

/**
 * The answer, or an object with the variable that says how the module ended before there was one. A promise of it only where
 * it has to be waited for: a refusal is not.
 */
function outcome(request, respond) {
  let ended;
  inFlight.set(request, (cause) => (ended ??= cause));
  if (inFlight.size > MAX_IN_FLIGHT) inFlight.delete(inFlight.keys().next().value);
  try {
    const answer = respond();
    if (answer instanceof Promise) return waited(request, answer);
    inFlight.delete(request);
    return answer;
  } catch (error) {
    inFlight.delete(request);
    // What the panic hook has said says more.
    return ended ?? { ROSTER_PANIC: String(noticed(error)) };
  }
}

async function waited(request, answer) {
  const ended = new Promise((end) => inFlight.set(request, end));
  try {
    return await Promise.race([answer, ended]);
  } catch (error) {
    return Promise.race([ended, { ROSTER_PANIC: String(noticed(error)) }]);
  } finally {
    inFlight.delete(request);
  }
}

/** The answer of an object, if there is one: else whoever asked asks again. */
function answered(outcome) {
  if (typeof outcome === "string") return outcome;
  throw new Error(Object.values(outcome)[0]);
}

/** A function that returns what `make` makes, made once in each module: what an earlier one made has ended with it. */
function onceEachModule(make) {
  let made, madeIn;
  return () => {
    // This call starts a new module if the last one has ended.
    const { instanceId } = __worker_init_state();
    if (madeIn !== instanceId) [made, madeIn] = [make(), instanceId];
    return made;
  };
}

export class LimiterObject extends DurableObject {
  limiter = onceEachModule(() => new Limiter(this.ctx, this.env));

  async answer(message) {
    return answered(await outcome({}, () => this.limiter().answer(message)));
  }

  alarm() {
    return this.limiter().alarm();
  }
}

export class UsersObject extends DurableObject {
  users = onceEachModule(() => new Users(this.ctx, this.env));

  /** Waits for nothing, so no other call's panic can end it. */
  answer(call) {
    try {
      return this.users().answer(call);
    } catch (error) {
      throw noticed(error);
    }
  }
}

export class MoverObject extends DurableObject {
  mover = onceEachModule(() => new Mover(this.ctx, this.env));

  async answer(message) {
    return answered(await outcome({}, () => this.mover().answer(message)));
  }

  alarm() {
    return this.mover().alarm();
  }
}

export class WebhookObject extends DurableObject {
  webhook = onceEachModule(() => new Webhook(this.ctx, this.env));

  async answer(request) {
    return answered(await outcome({}, () => this.webhook().answer(request)));
  }

  /** If it throws, or never ends, the runtime calls again: Rust has set the next alarm before anything else. */
  async alarm() {
    const ended = await outcome({}, () => this.webhook().alarm());
    if (!(ended instanceof Response)) throw new Error(Object.values(ended)[0]);
  }
}

/** The first answer, or that of a new module to how the first one ended. */
async function responded(answer, respond) {
  const first = await answer;
  const last = first instanceof Response ? first : await respond(first);
  if (last instanceof Response) return last;
  throw new Error(Object.values(last)[0]);
}

export default {
  fetch(request, env, context) {
    const respond = (env) => outcome(request, () => fetch(request, env, context));
    const first = respond(env);
    return first instanceof Response ? first : responded(first, (end) => respond({ ...env, ...end }));
  },
};
