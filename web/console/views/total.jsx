// How many people there are, or match: asked for, since it walks through all.

import { useState } from "preact/hooks";
import { question, rowsText, walk } from "../data/asking.mjs";
import { number } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { href } from "../parts/route.mjs";
import { useRun } from "../parts/transfer.jsx";

/**
 * @param {{ where?: Map<string, any>, rows?: import("../data/asking.mjs").Row[] }} props `rows` are the filter as a form
 *   has it, for links to what else can be done with them
 */
export function Total({ where, rows }) {
  const { call, session } = useConsole();
  const run = useRun();
  const [state, setState] = useState(
    /** @type {{ count: number, is: "counting" | "done" | "stopped", fault?: string } | undefined} */ (undefined),
  );
  async function count() {
    let count = 0;
    setState({ count, is: "counting" });
    const failed = await run
      .start(({ signal, wait }) =>
        walk({
          ask: (cursor) => call(question("/v1/users/count", { where, cursor }), signal),
          wait,
          onAnswer: (tree) => {
            count += Number(tree.get("count"));
            setState({ count, is: "counting" });
          },
        }),
      )
      .catch(() => "stopped");
    if (failed === "stopped") setState({ count, is: "stopped" });
    else setState({ count, is: failed ? "stopped" : "done", fault: failed?.error?.message });
  }
  const filter = rows && rowsText(rows);
  const { names, columns } = session.list ?? { names: [], columns: [] };
  const shown = new Set(["user_id", ...names.map((name) => `properties.${name}`), ...columns]);
  return (
    <div class="actions">
      {state && (
        <span role="status">
          <strong>{number(state.count)}</strong> {state.is === "done" ? "in all" : "so far"}
          {state.fault && `: ${state.fault}`}
        </span>
      )}
      {state?.is === "counting" ? (
        <button type="button" class="small" onClick={run.cancel}>
          Stop counting
        </button>
      ) : (
        <button type="button" class="small" onClick={count}>
          {state ? "Count again" : "Count"}
        </button>
      )}
      {(filter || !where) && (
        <a
          class="button small"
          href={href(["export"], { filter, columns: columns.length > 0 ? [...shown].join() : "" })}
        >
          Export
        </a>
      )}
      {filter && (
        <a class="button small" href={href(["audience"], { filter })}>
          Audience
        </a>
      )}
    </div>
  );
}
