// A file on its way: how far it is, how it ended, and what was refused.

import { useState } from "preact/hooks";
import { batchBody, batches, refusedParts, sendAll } from "../data/importing.mjs";
import { recordsOf } from "../data/records.mjs";
import { count, number } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Notice } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { Table } from "../parts/table.jsx";
import { save, useRun, Waiting } from "../parts/transfer.jsx";

const BATCH = { as: "key", method: "POST", path: "/v1/users/batch" };
const NOTHING_YET = { stored: 0, refused: [], done: 0 };

/**
 * Sends files: `start(file, total)` begins with one, `forget` ends with it. `state` is there from the start on:
 * `{file, total, sum, end?}`.
 */
export function useUpload() {
  const { call } = useConsole();
  const run = useRun();
  const [state, setState] = useState(/** @type {any} */ (undefined));

  async function start(file, total) {
    const tell = (news) => setState((state) => ({ ...state, ...news }));
    tell({ file, total, sum: NOTHING_YET, end: undefined });
    const work = ({ signal, wait }) =>
      sendAll(batches(recordsOf(file)), {
        send: (body) => call({ ...BATCH, body }, signal),
        wait,
        onProgress: (sum) => tell({ sum }),
      });
    try {
      tell({ end: { failed: await run.start(work) } });
    } catch {
      tell({ end: { isCancelled: true } });
    }
  }
  return { state, start, cancel: run.cancel, waiting: run.waiting, forget: () => setState(undefined) };
}

export function Upload({ upload, onStartOver }) {
  const { state, cancel, waiting } = upload;
  const { file, total, sum, end } = state;
  return (
    <Panel title={end ? "The import" : "Importing"} note={file.name}>
      <progress max={total} value={sum.done} aria-label="Users sent" />
      <p role="status">
        <strong>{number(sum.done)}</strong> of {count(total, "user")} · {number(sum.stored)} stored ·{" "}
        {number(sum.refused.length)} refused
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
        <Notice kind={sum.refused.length > 0 ? "info" : "good"} title={`${count(sum.stored, "user")} stored`}>
          {sum.refused.length > 0 && "Correct those that were refused, and import them again."}
        </Notice>
      )}
      {sum.refused.length > 0 && end && <Refused file={file} refused={sum.refused} />}
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
      <SentCurl file={file} />
    </Panel>
  );
}

/** The first batch as a curl line, of one user, so that it can be read. */
function SentCurl({ file }) {
  const { value } = recordsOf(file).next();
  return value?.json && <Curl request={{ ...BATCH, body: batchBody([value]) }} />;
}

function reasonOf(error) {
  const issue = error.get("details")?.get("issue");
  return issue ? `${error.get("message")}. ${issue}` : error.get("message");
}

function Refused({ file, refused }) {
  const name = file.name.replace(/\.[^.]*$/, "");
  const [extension, type] = file.header ? ["csv", "text/csv"] : ["ndjson", "application/x-ndjson"];
  const saveRefused = () => save(`${name}.refused.${extension}`, type, refusedParts(file, refused));
  /** @type {import("../parts/table.jsx").Column[]} */
  const columns = [
    { label: "Line", kind: "number", cell: ({ line }) => line },
    {
      label: "Reason",
      cell: ({ error }) => (
        <>
          {reasonOf(error)} <span class="mono note">{error.get("code")}</span>
        </>
      ),
    },
    { label: "Record", cell: ({ json, text }) => <span class="mono clip">{json ?? text}</span> },
  ];
  return (
    <>
      <h3>Refused</h3>
      <Table label="Refused rows" columns={columns} rows={refused.slice(0, 20)} id={({ line }) => line} />
      {refused.length > 20 && <p class="note">The first 20. The file has all.</p>}
      <div class="actions">
        <button type="button" onClick={saveRefused}>
          Download to correct
        </button>
      </div>
    </>
  );
}
