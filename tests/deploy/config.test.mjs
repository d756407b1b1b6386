import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "smol-toml";
import { checkVariables } from "../../scripts/config.mjs";

const { env, ...top } = /** @type {any} */ (parse(readFileSync("wrangler.toml", "utf8")));
// Wrangler's environments inherit these, and nothing else that is here.
const INHERITED = [
  "name",
  "main",
  "compatibility_date",
  "compatibility_flags",
  "workers_dev",
  "preview_urls",
  "build",
  "migrations",
  "assets",
  "observability",
];
// Whose value names something of one environment.
const OWN = { database_name: "roster-staging", namespace_id: "76757832" };

test("staging binds what the top level binds, to a database and counters of its own", () => {
  const expected = structuredClone(top);
  for (const name of INHERITED) delete expected[name];
  expected.d1_databases[0].database_name = OWN.database_name;
  expected.ratelimits[0].namespace_id = OWN.namespace_id;
  // toEqual without TOML's null prototypes.
  assert.equal(JSON.stringify(sorted(env.staging)), JSON.stringify(sorted(expected)));
});

const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === "object"
      ? Object.fromEntries(
          Object.keys(value)
            .sort()
            .map((key) => [key, sorted(value[key])]),
        )
      : value;

test("what makes webhooks insecure is refused, and stands in no environment", () => {
  for (const name of ["ALLOW_INSECURE_WEBHOOKS", "WEBHOOK_HURRY"]) {
    assert.throws(() => checkVariables({ RATE_LIMIT: "500/60", [name]: "false" }), {
      message: `wrangler.toml sets ${name}, which must not be deployed: put it in .dev.vars.`,
    });
  }
  for (const { vars } of [top, ...Object.values(env)]) checkVariables(vars);
});

test("no database's id stands in wrangler.toml, and traces, which would show paths and SQL, are off", () => {
  assert.deepEqual(
    top.d1_databases.map(({ database_id }) => database_id),
    [undefined],
  );
  assert.deepEqual(top.observability.traces.enabled, false);
  assert.deepEqual(top.observability.logs.invocation_logs, false);
});
