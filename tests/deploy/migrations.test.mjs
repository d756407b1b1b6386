import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkMigrations } from "../../scripts/migrations.mjs";

const BEFORE = `
    create table users (id text not null, name text, primary key (id)) strict;
    create table old (id text, note text);
    create index by_name on users (name);
    create trigger named after insert on users BEGIN delete from old where id = new.id; END;`;

/** What is wrong with this as the second migration. */
function fault(sql) {
  const folder = mkdtempSync(join(tmpdir(), "roster-migrations-"));
  try {
    writeFileSync(join(folder, "0001_first.sql"), BEFORE);
    writeFileSync(join(folder, "0002_second.sql"), sql);
    checkMigrations(folder);
  } catch ({ message }) {
    return message.match(/0002_second\.sql (.*?)(\. The Worker|$)/)[1];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the migrations of this repository only expand", () => checkMigrations("migrations"));

test("what old Workers can live with passes", () => {
  for (const sql of [
    "alter table users add column phone text;",
    "alter table users add column kind text not null default 'a';",
    "create table more (id text primary key) strict;",
    "create table more (id text); create unique index one on more (id);",
    "drop index by_name;",
    "update users set name = 'x'; insert into old (id) select id from users;",
    "-- delete from users\nselect 1;",
    "create trigger gone after delete on users BEGIN delete from old where id = old.id; END;",
    "-- contract: since 1.2 no Worker reads it\ndrop table old;",
  ]) {
    assert.equal(fault(sql), undefined, sql);
  }
});

test("what takes something away from old Workers is refused, and named", () => {
  for (const [sql, message] of [
    ["drop table old;", "drops or renames the table old"],
    ["alter table old rename to older;", "drops or renames the table old"],
    ["alter table old drop column note;", "drops or renames the column old.note"],
    ["alter table users rename column name to label;", "drops or renames the column users.name"],
    ["drop table old; create table old (id text primary key, text note);", "drops or renames the column old.note"],
    ["drop table old; create table old (id int, note text);", "rewrites the table old"],
    ["drop table old; create table old (id text, note text);", "drops a table"],
    ["create unique index one on users (name);", "makes the index one unique"],
    ["drop trigger named;", "drops or changes the trigger named"],
    ["delete from old;", "deletes rows"],
    [
      "alter table users add column phone text not null;",
      "demands the column users.phone, which an old insert does not name",
    ],
  ]) {
    assert.equal(fault(sql), message, sql);
  }
});
