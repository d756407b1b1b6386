// What docs/bindings.md shows: a Worker that calls Roster by a service binding, both in one local runtime.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { keyOf, send } from "../../bench/lib/client.mjs";
import { addressOf, migrate, roster, serve } from "../../bench/lib/worker.mjs";

const guide = readFileSync("docs/bindings.md", "utf8");

/** The guide's one block of code in this language. */
function code(language) {
  const blocks = guide.split("```").filter((block) => block.startsWith(`${language}\n`));
  assert.equal(blocks.length, 1, language);
  return blocks[0].slice(language.length);
}

// The code as it stands, with the key of each request in the place of the secret, which is set before the key can be made.
const CALLER = `
  import caller from "./guide.mjs";
  export default {
    fetch: (request, env) => caller.fetch(request, { ...env, ROSTER_KEY: request.headers.get("Key") }),
  };
`;

test("a Worker stores a user by a binding, and passes on that a limit is used up", async (t) => {
  const [, binding, service] = code("toml").match(/^binding = "(.*)"\nservice = "(.*)"$/m) ?? [];
  const [, name] = readFileSync("wrangler.toml", "utf8").match(/^name = "(.*)"$/m) ?? [];
  const caller = {
    name: "caller",
    modules: [
      { type: "ESModule", path: "caller.mjs", contents: CALLER },
      { type: "ESModule", path: "guide.mjs", contents: code("js") },
    ],
    compatibilityDate: "2026-10-01",
    serviceBindings: { [binding]: service },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
  const miniflare = await serve([roster({ name }), caller]);
  t.after(() => miniflare.dispose());
  await migrate(miniflare);
  const [rosterUrl, callerUrl] = await Promise.all([name, "caller"].map((name) => addressOf(miniflare, name)));
  const key = await keyOf(rosterUrl, "bound", { rate_limits: { users: { limit: 2, window_seconds: 3600 } } });

  const stored = await fetch(callerUrl, { headers: { Key: key } });
  assert.deepEqual([stored.status, await stored.json()], [200, { id: "user_123" }]);
  const { status, text } = await send({ url: rosterUrl, key }, { method: "GET", path: "/v1/users/user_123" });
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text).user.properties, { plan: "pro" });

  const refused = await fetch(callerUrl, { headers: { Key: key } });
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).code, "RATE_LIMIT_EXCEEDED");
  assert.ok(Number(refused.headers.get("Retry-After")) > 3000, "as Roster said");
});
