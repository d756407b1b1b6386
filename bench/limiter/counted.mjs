// The Worker as it was built, whose limiter's objects count how often they are asked; `GET /asks` answers with it.

import worker, { LimiterObject as Limiter } from "../../src/edge/entry.js";

export { UsersObject } from "../../src/edge/entry.js";

/** Objects stand in their Worker's isolate here, so that this is one number for both. */
let asks = 0;

export class LimiterObject extends Limiter {
  answer(request) {
    asks++;
    return super.answer(request);
  }
}

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/asks") return Response.json(asks);
    return worker.fetch(request, env, context);
  },
};
