// What the scripts need to know of wrangler.toml.

import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { Mistake } from "./steps.mjs";

/** What makes webhooks call loopback, and wait less, is for a developer's machine alone. */
export function checkVariables(variables) {
  const local = ["ALLOW_INSECURE_WEBHOOKS", "WEBHOOK_HURRY"].filter((name) => name in (variables ?? {}));
  if (local.length === 0) return;
  throw new Mistake(`wrangler.toml sets ${local.join(" and ")}, which must not be deployed: put it in .dev.vars.`);
}

/** The Worker of an environment: the top level's for an empty name. */
export function readConfig(environment) {
  const top = parse(readFileSync("wrangler.toml", "utf8"));
  const own = environment ? top.env?.[environment] : top;
  if (!own)
    throw new Mistake(
      `wrangler.toml has no [env.${environment}]. It has: ${Object.keys(top.env ?? {}).join(", ") || "none"}.`,
    );
  checkVariables(own.vars);
  return {
    worker: own.name ?? (environment ? `${top.name}-${environment}` : top.name),
    database: own.d1_databases[0].database_name,
    migrationsFolder: own.d1_databases[0].migrations_dir,
    /** The last change of object classes. */
    objectsTag: (own.migrations ?? top.migrations).at(-1).tag,
    objectsTags: (own.migrations ?? top.migrations).map(({ tag }) => tag),
    bindsCopies: (own.kv_namespaces ?? []).some(({ binding }) => binding === "COPIES"),
    isOnWorkersDev: own.workers_dev ?? top.workers_dev,
    accountId: own.account_id ?? top.account_id,
    /** For wrangler, which is always told the environment. */
    flags: ["--env", environment || ""],
  };
}
