// Walks all users of a project, and writes them as `roster export` does.

import { table } from "./columns.mjs";
import { writeRow } from "./csv.mjs";
import { patiently } from "./importing.mjs";
import { stringify } from "./lossless.mjs";

const PAGE = 100;

export const pagePath = (cursor, limit = PAGE) =>
  `/v1/users?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;

/** A stored user as an import takes it. */
export function importable(user, withAsOf) {
  const members = [["user_id", user.get("external_id")]];
  if (withAsOf) members.push(["as_of", user.get("updated_at")]);
  for (const name of ["email", "phone"]) if (user.get(name) !== null) members.push([name, user.get(name)]);
  return new Map([...members, ["properties", user.get("properties")], ["origin", user.get("origin")]]);
}

/** Reads all pages: `read(path)` answers `{status, tree}`. Returns `{users}`, or `{failed}` with the answer that ended it. */
export async function readAll({ read, wait, told, withAsOf = false }) {
  const users = [];
  let cursor;
  do {
    const answer = await patiently(() => read(pagePath(cursor)), wait);
    if (answer.status !== 200) return { failed: answer };
    for (const user of answer.tree.get("users")) users.push(importable(user, withAsOf));
    cursor = answer.tree.get("pagination").get("next_cursor");
    told(users.length);
  } while (cursor);
  return { users };
}

/** The parts of the file. */
export const ndjsonParts = (users) => users.map((user) => `${stringify(user)}\n`);
export const csvParts = (users) => Array.from(table(users), writeRow);
