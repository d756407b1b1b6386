// Audience: whom some conditions mean, how many they are, and by which values.

import { useState } from "preact/hooks";
import { addGroups, filterOf, groupLabel, problem, question, rowsOf, rowsText, sorted, walk } from "../data/asking.mjs";
import { ndjsonParts, readAll } from "../data/exporting.mjs";
import { number } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field } from "../parts/field.jsx";
import { Empty, Notice } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { href, useLeaveQuestion } from "../parts/route.mjs";
import { EXPORT_QUESTION, save, useRun, Waiting } from "../parts/transfer.jsx";
import { Conditions, FieldInput, NEW_ROW, useFields } from "./conditions.jsx";
import { UserTable } from "./user_table.jsx";

/** @import { Answer } from "../data/api.mjs" */

/** Matches that are shown. */
const SHOWN = 10;
/** Groups that are shown. */
const BARS = 20;

/**
 * @typedef {{
 *   is: "counting" | "done" | "stopped" | "exporting" | "exported",
 *   count: number,
 *   examined: number,
 *   groups?: Map<string, number>,
 *   users?: Map<string, any>[],
 *   saved?: number,
 *   failed?: Answer,
 * }} Found
 */

/** @param {{ query: URLSearchParams }} props */
export function Audience({ query }) {
  const { call, session } = useConsole();
  const run = useRun();
  const fields = useFields();
  const [rows, setRows] = useState(() => {
    const asked = rowsOf(query.get("filter"));
    return asked.length > 0 ? asked : [{ ...NEW_ROW, field: "email", operator: "exists:true" }];
  });
  const [by, setBy] = useState("");
  const [found, setFound] = useState(/** @type {Found | undefined} */ (undefined));
  const [filter, fault] = [filterOf(rows), problem(rows)];
  const isBusy = found?.is === "counting" || found?.is === "exporting";
  useLeaveQuestion(found?.is === "exporting" ? EXPORT_QUESTION : undefined);

  async function count(event) {
    event.preventDefault();
    /** @type {Found} */
    let sum = { is: "counting", count: 0, examined: 0, groups: by ? new Map() : undefined };
    setFound(sum);
    const outcome = await run
      .start(async ({ signal, wait }) => {
        const first = await call(question("/v1/users/query", { where: filter, limit: SHOWN }), signal);
        if (first.error) return first;
        sum = { ...sum, users: first.tree.get("users") };
        return walk({
          ask: (cursor) => call(question("/v1/users/count", { where: filter, by: by || undefined, cursor }), signal),
          wait,
          onAnswer: (tree) => {
            const groups = sum.groups && addGroups(new Map(sum.groups), tree.get("groups"));
            const [more, examined] = ["count", "examined"].map((name) => Number(tree.get(name)));
            sum = { ...sum, count: sum.count + more, examined: sum.examined + examined, groups };
            setFound(sum);
          },
        });
      })
      .catch(() => "stopped");
    const isStopped = outcome === "stopped";
    setFound({ ...sum, is: isStopped ? "stopped" : "done", failed: isStopped ? undefined : outcome });
  }

  async function save_() {
    const before = /** @type {Found} */ (found);
    setFound({ ...before, is: "exporting", saved: 0 });
    const outcome = await run
      .start(({ signal, wait }) =>
        readAll({
          read: (request) => call(request, signal),
          wait,
          filter,
          onProgress: (saved) => setFound({ ...before, is: "exporting", saved }),
        }),
      )
      .catch(() => undefined);
    if (!outcome || outcome.failed) return setFound({ ...before, failed: outcome?.failed });
    save(`${session.key?.about.project}.audience.ndjson`, "application/x-ndjson", ndjsonParts(outcome.users));
    return setFound({ ...before, is: "exported", saved: outcome.users.length });
  }

  return (
    <Page title="Audience" lead="Whom do these conditions mean, and how many are they?">
      <Panel title="Conditions" note="All of them must hold">
        <form onSubmit={count}>
          <Conditions rows={rows} setRows={setRows} fields={fields} />
          <Field label="Break down by" hint="A field, such as origin.campaign; leave it empty for the number alone.">
            {(field) => <FieldInput {...field} value={by} fields={fields} change={setBy} />}
          </Field>
          <div class="actions">
            <button type="submit" class="primary" disabled={isBusy || Boolean(fault)}>
              Count
            </button>
            {isBusy && (
              <button type="button" onClick={run.cancel}>
                Stop
              </button>
            )}
          </div>
        </form>
        <Curl request={question("/v1/users/count", { where: filter, by: by || undefined })} />
      </Panel>
      {found && (
        <Result
          found={found}
          waiting={run.waiting}
          by={by}
          save={save_}
          isBusy={isBusy}
          list={href(["people"], { filter: rowsText(rows) })}
        />
      )}
    </Page>
  );
}

function Result({ found, waiting, by, save, isBusy, list }) {
  const { is, count, examined, groups, users, saved, failed } = found;
  return (
    <Panel title="Result">
      <p role="status">
        <strong class="figure">{number(count)}</strong> of {number(examined)} people
        {is === "counting" && " so far"}
        {is === "stopped" && ", and then it was stopped"}
      </p>
      {is === "counting" && <progress aria-label="Count under way" />}
      <Waiting seconds={waiting} />
      {failed && <Failure answer={failed} />}
      {groups && groups.size > 0 && <Breakdown groups={groups} by={by} />}
      {users?.length === 0 && is !== "counting" && (
        <Empty title="Nobody among the first">
          <p>The count goes through all.</p>
        </Empty>
      )}
      {users && users.length > 0 && <UserTable users={users} label="First matches" />}
      {is === "exporting" && <p role="status">{number(saved ?? 0)} people read so far.</p>}
      {is === "exported" && (
        <Notice kind="good" title={`${number(saved ?? 0)} people exported`}>
          The browser has saved the file.
        </Notice>
      )}
      <div class="actions">
        <button type="button" onClick={save} disabled={isBusy}>
          Export these people
        </button>
        <a class="button" href={list}>
          See them in People
        </a>
      </div>
    </Panel>
  );
}

function Breakdown({ groups, by }) {
  const all = sorted(groups);
  const most = all[0][1];
  return (
    <table class="breakdown" aria-label={`By ${by}`}>
      <thead>
        <tr>
          <th scope="col">{by}</th>
          <th scope="col">People</th>
        </tr>
      </thead>
      <tbody>
        {all.slice(0, BARS).map(([name, count]) => (
          <tr key={name}>
            <th scope="row">{groupLabel(name)}</th>
            <td>
              <meter min={0} max={most} value={count} aria-label={`${groupLabel(name)}: ${count}`} /> {number(count)}
            </td>
          </tr>
        ))}
        {all.length > BARS && (
          <tr>
            <th scope="row">{number(all.length - BARS)} more values</th>
            <td>{number(all.slice(BARS).reduce((sum, [, count]) => sum + count, 0))}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
