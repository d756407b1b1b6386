// Import: a file is dropped, shown as it will be sent, and sent in batches. A worker thread holds it.

import { useEffect, useRef, useState } from "preact/hooks";
import { importThread } from "../data/import_thread.mjs";
import { Loading, Notice } from "../parts/notice.jsx";
import { Page } from "../parts/page.jsx";
import { useLeaveQuestion } from "../parts/route.mjs";
import { Mapping } from "./mapping.jsx";
import { Upload, useUpload } from "./upload.jsx";

/** @import { Column } from "../data/columns.mjs" */
/** @import { Choices } from "../data/users.mjs" */

const MAX_BYTES = 200 * 1024 * 1024;
const WESTERN = "windows-1252";

/** What the thread knows of a file: `columns` unless it is of Roster's own JSON. */
/** @typedef {{ name: string, isTable: boolean, columns?: Column[], example: Record<string, string>, product?: string }} About */
/** How it is to be read. @typedef {{ columns?: Column[], choices: Choices }} Plan */

export function Import() {
  const thread = useThread();
  const [file, setFile] = useState(/** @type {{ about: About, plan: Plan } | undefined} */ (undefined));
  const [isReading, setReading] = useState(false);
  const [fault, setFault] = useState(/** @type {any} */ (undefined));
  const upload = useUpload(thread);
  useEffect(keepStrayDropsOut, []);
  const isRunning = upload.state && !upload.state.end;
  useLeaveQuestion(isRunning ? "The import is not done. Leave it? The people who are sent so far stay." : undefined);

  async function open(chosen, encoding) {
    setFault(undefined);
    if (chosen.size > MAX_BYTES)
      return setFault({ message: "The file is larger than 200 MB. The tool `roster import` takes files of any size." });
    setReading(true);
    try {
      const { choices, ...about } = await thread.ask("open", { file: chosen, encoding });
      setFile({ about, plan: { columns: about.columns, choices } });
    } catch ({ message, needsEncoding }) {
      setFault({ message, again: needsEncoding ? () => open(chosen, WESTERN) : undefined });
    }
    return setReading(false);
  }
  function startOver() {
    upload.forget();
    setFile(undefined);
  }

  return (
    <Page title="Import" lead="A CSV or JSON file of people. You see what will be sent before anything is.">
      {fault && (
        <Notice
          kind="bad"
          title="This file can't be read"
          actions={
            fault.again && (
              <button type="button" onClick={fault.again}>
                Read it as Windows-1252
              </button>
            )
          }
        >
          {fault.message}
          {fault.again && " Excel in western Europe writes Windows-1252."}
        </Notice>
      )}
      {isReading && <Loading what="the file" />}
      {!file && !isReading && <Drop onFile={open} />}
      {file && !upload.state && (
        <Mapping
          thread={thread}
          about={file.about}
          plan={file.plan}
          setPlan={(plan) => setFile({ ...file, plan })}
          onSend={(total) => upload.start(file.about, total)}
          onCancel={startOver}
        />
      )}
      {upload.state && <Upload upload={upload} onStartOver={startOver} />}
    </Page>
  );
}

/** A thread that ends with the view. */
function useThread() {
  const thread = useRef(/** @type {ReturnType<typeof importThread> | undefined} */ (undefined));
  thread.current ??= importThread();
  useEffect(() => () => thread.current?.end(), []);
  return thread.current;
}

/** A file that is dropped beside the place for it would replace the console. */
function keepStrayDropsOut() {
  const refuse = (event) => event.preventDefault();
  for (const name of ["dragover", "drop"]) addEventListener(name, refuse);
  return () => {
    for (const name of ["dragover", "drop"]) removeEventListener(name, refuse);
  };
}

function Drop({ onFile }) {
  const [isOver, setOver] = useState(false);
  const take = (files) => files?.[0] && onFile(files[0]);
  return (
    <label
      class={isOver ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <strong>Drop a file here, or choose one</strong>
      <span class="note">
        CSV with a header, JSON or NDJSON; also as Auth0, Cognito, Firebase, HubSpot, Mailchimp, Segment, Shopify and
        Stripe export it
      </span>
      <input
        type="file"
        accept=".csv,.tsv,.ndjson,.jsonl,.json,.txt,text/csv"
        aria-label="CSV or JSON file"
        onChange={(event) => take(event.currentTarget.files)}
      />
    </label>
  );
}
