// The floor of an upsert: the statement, without key, limit and rules.

import { stored, storeUser } from "./common.mjs";

export { Counter } from "./common.mjs";

export default {
  async fetch(request, env) {
    const user = await request.json();
    const row = await storeUser(env, "upsert-only", user);
    console.log(JSON.stringify({ method: request.method, status: 200 }));
    return Response.json(stored(user.user_id, row));
  },
};
