// A table of people.

import { href } from "../parts/route.mjs";
import { None, Table } from "../parts/table.jsx";
import { Time } from "../parts/time.jsx";

const COLUMNS = [
  {
    label: "User id",
    kind: "id",
    cell: (user) => <a href={href("people", user.get("external_id"))}>{user.get("external_id")}</a>,
  },
  { label: "E-mail", cell: (user) => user.get("email") ?? <None /> },
  { label: "Phone", cell: (user) => user.get("phone") ?? <None /> },
  { label: "Changed", cell: (user) => <Time value={user.get("updated_at")} /> },
];

/** @param {{ users: Map<string, any>[], label: string, selecting?: import("../parts/table.jsx").Column | undefined }} props */
export const UserTable = ({ users, label, selecting }) => (
  <Table
    label={label}
    columns={selecting ? [selecting, ...COLUMNS] : COLUMNS}
    rows={users}
    id={(user) => user.get("user_id")}
  />
);
