// A file on its way: how far it is, how it ended, and what was refused.

import { useState } from "preact/hooks";
import { sendAll } from "../data/importing.mjs";
import { count, number } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Notice } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { Table } from "../parts/table.jsx";
import { save, useRun, Waiting } from "../parts/transfer.jsx";

const BATCH = { as: "key", method: "POST", path: "/v1/users/batch" };
const NOTHING_YET = { stored: 0, refused: 0, done: 0 };

/**
 * Sends the file that a thread holds: `start(about, total)` begins, `forget` ends with it. `state` is there from the start
 * on: `{name, total, sum, example, end?, refused?}`.
 */
export function useUpload(thread) {
  const { call } = useConsole();
  const run = useRun();
  const [state, setState] = useState(/** @type {any} */ (undefined));

  async function start({ name }, total) {
    const tell = (news) => setState((state) => ({ ...state, ...news }));
    tell({ name, total, sum: NOTHING_YET, end: undefined });
    tell({ example: await thread.ask("example") });
    await thread.ask("start");
    const work = ({ signal, wait }) =>
      sendAll({
        next: () => thread.ask("next"),
        settle: (errors) => thread.ask("settle", { errors }),
        send: (body) => call({ ...BATCH, body }, signal),
        wait,
        onProgress: (sum) => tell({ sum }),
      });
    let end;
    try {
      end = { failed: await run.start(work) };
    } catch {
      end = { isCancelled: true };
    }
    tell({ end, refused: await thread.ask("refused") });
  }
  return { state, start, cancel: run.cancel, waiting: run.waiting, forget: () => setState(undefined) };
}

export function Upload({ upload, onStartOver }) {
  const { state, cancel, waiting } = upload;
  const { name, total, sum, end, example, refused } = state;
  return (
    <Panel title={end ? "The import" : "Importing"} note={name}>
      <progress max={total} value={sum.done} aria-label="Users sent" />
      <p role="status">
        <strong>{number(sum.done)}</strong> of {count(total, "user")} · {number(sum.stored)} stored ·{" "}
        {number(sum.refused)} refused
      </p>
      {!end && <Waiting seconds={waiting} />}
      {end?.failed && <Failure answer={end.failed} />}
      {(end?.failed || end?.isCancelled) && (
        <Notice title={end.failed ? "The import stopped" : "Cancelled"}>
          The first {count(sum.done, "user")} are dealt with; of the rest, the batch under way may be stored. Importing
          the file again is harmless.
        </Notice>
      )}
      {end && !end.failed && !end.isCancelled && (
        <Notice kind={sum.refused > 0 ? "info" : "good"} title={`${count(sum.stored, "user")} stored`}>
          {sum.refused > 0 && "Correct those that were refused, and import them again."}
        </Notice>
      )}
      {sum.refused > 0 && end && <Refused name={name} count={sum.refused} refused={refused} />}
      <div class="actions end">
        {end ? (
          <button type="button" onClick={onStartOver}>
            Import another file
          </button>
        ) : (
          <button type="button" onClick={cancel}>
            Cancel
          </button>
        )}
      </div>
      {example && <Curl request={{ ...BATCH, body: example }} />}
    </Panel>
  );
}

function Refused({ name, count, refused: { first, file, extension } }) {
  const saveRefused = () => save(`${name.replace(/\.[^.]*$/, "")}.refused.${extension}`, file.type, [file]);
  /** @type {import("../parts/table.jsx").Column[]} */
  const columns = [
    { label: "Line", kind: "number", cell: ({ line }) => line },
    {
      label: "Reason",
      cell: ({ reason, code }) => (
        <>
          {reason} <span class="mono note">{code}</span>
        </>
      ),
    },
    { label: "Record", cell: ({ text }) => <span class="mono clip">{text}</span> },
  ];
  return (
    <>
      <h3>Refused</h3>
      <Table label="Refused rows" columns={columns} rows={first} id={({ line }) => line} />
      {count > first.length && <p class="note">The first {first.length}. The file has all.</p>}
      <div class="actions">
        <button type="button" onClick={saveRefused}>
          Download to correct
        </button>
      </div>
    </>
  );
}
