// Refuses a migration of D1 that old Workers could not live with: they run on the new schema during a deploy, and after
// a rollback. SQLite itself says what a file does: each is applied to a database in memory and the schemas are
// compared.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Mistake } from "./steps.mjs";

/** Stands in a file whose author made sure that no Worker that one would roll back to needs what it drops. */
const CONSENT = /^-- contract: ./m;

export function checkMigrations(folder) {
  const sqlite = new DatabaseSync(":memory:");
  let before = schema(sqlite);
  for (const name of readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()) {
    const sql = readFileSync(join(folder, name), "utf8");
    try {
      sqlite.exec(sql);
    } catch (error) {
      throw new Mistake(`${join(folder, name)} can't be applied: ${error.message}`);
    }
    const after = schema(sqlite);
    const fault = CONSENT.test(sql) ? undefined : (contraction(before, after) ?? deletion(sql));
    if (fault)
      throw new Mistake(
        `${join(folder, name)} ${fault}. The Worker that serves now may need it: see migrations/README.md.`,
      );
    before = after;
  }
  sqlite.close();
}

function schema(sqlite) {
  const tables = {};
  for (const { name, sql } of sqlite.prepare("select name, sql from sqlite_schema where type = 'table'").all()) {
    const names = (query) =>
      sqlite
        .prepare(query)
        .all(name)
        .map(({ name }) => name);
    const columns = names("select name from pragma_table_xinfo(?)");
    const demanded = names('select name from pragma_table_xinfo(?) where "notnull" and dflt_value is null');
    tables[name] = {
      sql,
      columns,
      demanded,
      unique: names("select name from pragma_index_list(?) where \"unique\" and origin = 'c'"),
    };
  }
  const triggers = sqlite.prepare("select name, sql from sqlite_schema where type = 'trigger'").all();
  return { tables, triggers: Object.fromEntries(triggers.map(({ name, sql }) => [name, sql])) };
}

/** What the second schema takes away from the first. */
function contraction(before, after) {
  for (const [name, table] of Object.entries(before.tables)) {
    const now = after.tables[name];
    if (!now) return `drops or renames the table ${name}`;
    const lost = table.columns.find((column) => !now.columns.includes(column));
    if (lost) return `drops or renames the column ${name}.${lost}`;
    const demanded = now.demanded.find((column) => !table.columns.includes(column));
    if (demanded) return `demands the column ${name}.${demanded}, which an old insert does not name`;
    if (!isInsertedInto(table.sql, now.sql)) return `rewrites the table ${name}`;
    const tightened = now.unique.find((index) => !table.unique.includes(index));
    if (tightened) return `makes the index ${tightened} unique`;
  }
  for (const [name, sql] of Object.entries(before.triggers)) {
    if (after.triggers[name] !== sql) return `drops or changes the trigger ${name}`;
  }
}

/** If the second text is the first with something put in at one place: what `alter table … add column` does to it. */
function isInsertedInto(before, after) {
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  return after.endsWith(before.slice(same));
}

/** Rows that go, outside of triggers. */
function deletion(sql) {
  const statements = sql.replace(/--.*$/gm, "").replace(/\bcreate\s+(temp\s+)?trigger\b.*?\bEND;/gis, "");
  if (/\bdrop\s+table\b/i.test(statements)) return "drops a table";
  if (/\b(delete\s+from|replace\s+into)\b/i.test(statements)) return "deletes rows";
}
