// Import: a file is dropped, shown as it will be sent, and sent in batches.

import { useEffect, useMemo, useState } from "preact/hooks";
import { guessAll, problem } from "../data/columns.mjs";
import { rows, writeRow } from "../data/csv.mjs";
import { batchBody, batches, refusedLine, sendAll } from "../data/importing.mjs";
import { parse, stringify } from "../data/lossless.mjs";
import { csvRecords, isNdjson, ndjsonRecords } from "../data/records.mjs";
import { count } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Empty, Notice } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { Table } from "../parts/table.jsx";
import { save, useRun, Waiting } from "../parts/transfer.jsx";

const MAX_BYTES = 200 * 1024 * 1024;
const PREVIEW = 3;

async function read(file) {
  if (file.size > MAX_BYTES)
    throw new Error("The file is larger than 200 MB. The tool `roster import` takes files of any size.");
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("The file is not UTF-8 text. Save it as “CSV UTF-8”.");
  }
  if (!text.trim()) throw new Error("The file is empty.");
  if (isNdjson(file.name, text)) return { name: file.name, text };
  const { cells } = rows(text).next().value;
  return { name: file.name, text, header: cells, targets: guessAll(cells) };
}

export function Import() {
  const [file, setFile] = useState();
  const [step, setStep] = useState("map");
  const [fault, setFault] = useState();
  const open = (file) =>
    read(file).then(
      (file) => {
        setFault();
        setStep("map");
        setFile(file);
      },
      (error) => setFault(error.message),
    );
  const startOver = () => setFile(undefined);
  useEffect(keepStrayDropsOut, []);
  return (
    <Page title="Import" lead="A CSV or NDJSON file of people. You see what will be sent before anything is.">
      {fault && (
        <Notice kind="bad" title="This file can't be read">
          {fault}
        </Notice>
      )}
      {!file && <Drop onFile={open} />}
      {file && step === "map" && (
        <Mapping file={file} setFile={setFile} onSend={() => setStep("send")} onCancel={startOver} />
      )}
      {file && step === "send" && <Sending file={file} onStartOver={startOver} />}
    </Page>
  );
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
  const take = (files) => files[0] && onFile(files[0]);
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
        take(event.dataTransfer.files);
      }}
    >
      <strong>Drop a file here, or choose one</strong>
      <span class="note">CSV with a header, or NDJSON: a user a line</span>
      <input
        type="file"
        accept=".csv,.ndjson,.jsonl,.json,.txt,text/csv"
        aria-label="CSV or NDJSON file"
        onChange={(event) => take(event.target.files)}
      />
    </label>
  );
}

const recordsOf = ({ text, header, targets }) => (header ? csvRecords(text, targets) : ndjsonRecords(text));

/** How many records there are, and the first ones. */
function overview(file) {
  const wrong = file.header && problem(file.targets);
  if (wrong) return { wrong };
  let total = 0;
  const first = [];
  for (const record of recordsOf(file)) {
    total += 1;
    if (first.length < PREVIEW) first.push(record);
  }
  return { total, first };
}

function Mapping({ file, setFile, onSend, onCancel }) {
  const { wrong, total, first } = useMemo(() => overview(file), [file]);
  return (
    <>
      {file.header && <Columns file={file} setTargets={(targets) => setFile({ ...file, targets })} />}
      <Panel
        title="What will be sent"
        note={
          total > 0
            ? `${count(total, "user")} of ${file.name}${total > PREVIEW ? `; the first ${PREVIEW}` : ""}`
            : file.name
        }
      >
        {wrong && (
          <Notice kind="bad" title="Not yet">
            {wrong}
          </Notice>
        )}
        {total === 0 && (
          <Empty title="No user in this file">
            <p>It has a header, and no row.</p>
          </Empty>
        )}
        {first?.length > 0 && (
          <ol class="records">
            {first.map((record) => (
              <Preview key={record.line} record={record} />
            ))}
          </ol>
        )}
        <p class="note">Who is there already is merged: what the file leaves out stays.</p>
        <div class="actions end">
          <button type="button" onClick={onCancel}>
            Another file
          </button>
          <button type="button" class="primary" disabled={!total} onClick={onSend}>
            {total > 0 ? `Import ${count(total, "user")}` : "Import"}
          </button>
        </div>
      </Panel>
    </>
  );
}

function Preview({ record: { line, json, text, error } }) {
  return (
    <li>
      <span class="note">Line {line}</span>
      {error ? (
        <p class="field-error">
          {error.get("message")}: {text.slice(0, 200)}
        </p>
      ) : (
        <pre tabIndex={0} aria-label={`User of line ${line}`}>
          <code>{stringify(parse(json), "  ")}</code>
        </pre>
      )}
    </li>
  );
}

const PLACES = [
  ["user_id", "User id"],
  ["email", "E-mail"],
  ["phone", "Phone"],
  ["properties", "Property…"],
  ["origin", "Origin…"],
  ["as_of", "Time of the row"],
  ["skip", "Skip"],
];

function Columns({ file, setTargets }) {
  const example = useMemo(() => {
    const table = rows(file.text);
    table.next();
    return table.next().value?.cells ?? [];
  }, [file.text]);
  const change = (i, part) => setTargets(file.targets.map((target, at) => (at === i ? part : target)));
  const columns = [
    {
      label: "Column",
      kind: "id",
      cell: ({ i }) => (
        <>
          <strong>{file.header[i] || "(no name)"}</strong>
        </>
      ),
    },
    { label: "First row", cell: ({ i }) => <span class="mono clip">{example[i] ?? ""}</span> },
    {
      label: "Goes to",
      cell: ({ i, target }) => (
        <Place name={file.header[i] || `column ${i + 1}`} target={target} onChange={(part) => change(i, part)} />
      ),
    },
  ];
  return (
    <Panel title="Columns" note="Where each one goes">
      <Table
        label="Columns of the file"
        columns={columns}
        rows={file.targets.map((target, i) => ({ i, target }))}
        id={({ i }) => i}
      />
    </Panel>
  );
}

function Place({ name, target, onChange }) {
  const isNamed = target.part === "properties" || target.part === "origin";
  const choose = (part) =>
    onChange(part === "properties" || part === "origin" ? { part, key: target.key ?? name.trim() } : { part });
  return (
    <div class="place">
      <select aria-label={`Place of ${name}`} value={target.part} onChange={(event) => choose(event.target.value)}>
        {PLACES.map(([part, label]) => (
          <option key={part} value={part}>
            {label}
          </option>
        ))}
      </select>
      {isNamed && (
        <input
          type="text"
          aria-label={`Name of ${name} in ${target.part}`}
          value={target.key}
          onInput={(event) => onChange({ ...target, key: event.target.value })}
          autoComplete="off"
          spellcheck={false}
        />
      )}
    </div>
  );
}

function Sending({ file, onStartOver }) {
  const { call } = useConsole();
  const run = useRun();
  const total = useMemo(() => overview(file).total, [file]);
  const [sum, setSum] = useState({ stored: 0, refused: [], done: 0 });
  const [end, setEnd] = useState();
  useMemo(() => {
    run
      .start(({ signal, wait }) =>
        sendAll(batches(recordsOf(file)), {
          send: (body) => call({ as: "key", method: "POST", path: "/v1/users/batch", body }, signal),
          wait,
          told: setSum,
        }),
      )
      .then(
        (failed) => setEnd({ failed }),
        () => setEnd({ isCancelled: true }),
      );
  }, []);
  return (
    <Panel title={end ? "The import" : "Importing"} note={file.name}>
      <progress max={total} value={sum.done} aria-label="Users sent" />
      <p role="status">
        <strong>{sum.done.toLocaleString("en")}</strong> of {count(total, "user")} · {sum.stored.toLocaleString("en")}{" "}
        stored · {sum.refused.length.toLocaleString("en")} refused
      </p>
      {!end && <Waiting seconds={run.waiting} />}
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
          <button type="button" onClick={run.cancel}>
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
  return (
    value?.json && <Curl request={{ as: "key", method: "POST", path: "/v1/users/batch", body: batchBody([value]) }} />
  );
}

function reasonOf(error) {
  const issue = error.get("details")?.get("issue");
  return issue ? `${error.get("message")}. ${issue}` : error.get("message");
}

function Refused({ file, refused }) {
  const name = file.name.replace(/\.[^.]*$/, "");
  const saveNdjson = () =>
    save(
      `${name}.refused.ndjson`,
      "application/x-ndjson",
      refused.map((record) => `${stringify(refusedLine(record))}\n`),
    );
  const saveCsv = () =>
    save(`${name}.refused.csv`, "text/csv", [
      writeRow(["line", "code", "message", "record"]),
      ...refused.map(({ line, error, json, text }) =>
        writeRow([String(line), error.get("code"), reasonOf(error), json ?? text]),
      ),
    ]);
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
      {refused.length > 20 && <p class="note">The first 20. The files have all.</p>}
      <div class="actions">
        <button type="button" onClick={saveNdjson}>
          Download as NDJSON
        </button>
        <button type="button" onClick={saveCsv}>
          Download as CSV
        </button>
      </div>
    </>
  );
}
