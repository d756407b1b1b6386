// Properties: the names in use, their types, and names that may mean the same.

import { useEffect, useState } from "preact/hooks";
import { addProperties, twins, walk } from "../data/asking.mjs";
import { number } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Empty } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { None, Table } from "../parts/table.jsx";
import { useRun, Waiting } from "../parts/transfer.jsx";

/** @import { Answer } from "../data/api.mjs" */

const PATH = "/v1/properties";

/**
 * @typedef {{ is: "reading" | "done" | "stopped", examined: number, known: Map<string, any>, failed?: Answer }} Seen
 */

export function Properties() {
  const { call } = useConsole();
  const run = useRun();
  const [seen, setSeen] = useState(/** @type {Seen} */ ({ is: "reading", examined: 0, known: new Map() }));

  async function read() {
    /** @type {Seen} */
    let sum = { is: "reading", examined: 0, known: new Map() };
    setSeen(sum);
    const outcome = await run
      .start(({ signal, wait }) =>
        walk({
          ask: (cursor) => {
            const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
            return call({ as: "key", path: PATH + query }, signal);
          },
          wait,
          onAnswer: (tree) => {
            const examined = sum.examined + Number(tree.get("examined"));
            sum = { ...sum, examined, known: addProperties(new Map(sum.known), tree.get("properties")) };
            setSeen(sum);
          },
        }),
      )
      .catch(() => "stopped");
    const isStopped = outcome === "stopped";
    setSeen({ ...sum, is: isStopped ? "stopped" : "done", failed: isStopped ? undefined : outcome });
  }
  useEffect(() => {
    read();
  }, []);

  const rows = [...seen.known.values()].sort((a, b) => b.users - a.users);
  const fields = rows.map(({ field }) => field);
  const share = (users) => `${Math.round((users / Math.max(seen.examined, 1)) * 100)} %`;
  const columns = [
    { label: "Name", kind: "id", cell: ({ field }) => field },
    { label: "People", cell: ({ users }) => `${number(users)} (${share(users)})` },
    {
      label: "Types",
      cell: ({ types }) => [...types].map(([type, count]) => `${type} ${number(count)}`).join(", "),
    },
    { label: "May mean the same", cell: ({ field }) => twins(field, fields).join(", ") || <None /> },
  ];
  return (
    <Page title="Properties" lead="The names in use, without any value.">
      <Panel title="Names" note={`Of ${number(seen.examined)} people${seen.is === "done" ? "" : " so far"}`}>
        {seen.is === "reading" && <progress aria-label="Reading" />}
        <Waiting seconds={run.waiting} />
        {seen.failed && <Failure answer={seen.failed} retry={read} />}
        {rows.length > 0 && <Table label="Names in use" columns={columns} rows={rows} id={({ field }) => field} />}
        {rows.length === 0 && seen.is === "done" && !seen.failed && (
          <Empty title="No names yet">
            <p>They appear as your app sends properties.</p>
          </Empty>
        )}
        <div class="actions">
          {seen.is === "reading" ? (
            <button type="button" onClick={run.cancel}>
              Stop
            </button>
          ) : (
            <button type="button" onClick={read}>
              Read again
            </button>
          )}
        </div>
        <Curl request={{ as: "key", path: PATH }} />
      </Panel>
    </Page>
  );
}
