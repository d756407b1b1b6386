// A table of people: who they are, and the columns that are chosen.

import { nameOf } from "../data/profile.mjs";
import { useConsole } from "../parts/context.mjs";
import { Leaf } from "../parts/leaf.jsx";
import { href } from "../parts/route.mjs";
import { None, Table } from "../parts/table.jsx";
import { Time } from "../parts/time.jsx";

/** @import { Column } from "../parts/table.jsx" */

/** Columns that everybody has or may have. */
export const COLUMN_LABELS = { email: "E-mail", phone: "Phone", created_at: "Created", updated_at: "Changed" };
export const DEFAULT_COLUMNS = ["email", "phone", "updated_at"];

/** @param {string} name @returns {Column} */
function columnOf(name) {
  if (name.endsWith("_at")) return { label: COLUMN_LABELS[name], cell: (user) => <Time value={user.get(name)} /> };
  if (name in COLUMN_LABELS) return { label: COLUMN_LABELS[name], cell: (user) => user.get(name) ?? <None /> };
  const [part, ...key] = name.split(".");
  const valueIn = (user) => user.get(part).get(key.join("."));
  return {
    label: name.replace(/^properties\./, ""),
    cell: (user) => (valueIn(user) === undefined ? <None /> : <Leaf value={valueIn(user)} clip="clip" />),
  };
}

/** @param {{ users: Map<string, any>[], label: string, selecting?: Column | undefined }} props */
export function UserTable({ users, label, selecting }) {
  const { session } = useConsole();
  const { names = [], columns = DEFAULT_COLUMNS } = session.list ?? {};
  const who = {
    label: "Person",
    kind: "id",
    cell: (user) => {
      const [id, name] = [user.get("external_id"), nameOf(user, names)];
      return (
        <>
          <a href={href(["people", id])}>{name ?? id}</a>
          {name !== undefined && <span class="mono note">{id}</span>}
        </>
      );
    },
  };
  return (
    <Table
      label={label}
      columns={[...(selecting ? [selecting] : []), who, ...columns.map(columnOf)]}
      rows={users}
      id={(user) => user.get("user_id")}
    />
  );
}
