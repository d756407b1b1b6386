// A file before it is sent: which column goes where, and the first users as they will be sent.

import { useMemo } from "preact/hooks";
import { problem } from "../data/columns.mjs";
import { rows } from "../data/csv.mjs";
import { parse, stringify } from "../data/lossless.mjs";
import { recordsOf } from "../data/records.mjs";
import { count } from "../data/text.mjs";
import { Code } from "../parts/curl.jsx";
import { Empty, Notice } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { Table } from "../parts/table.jsx";

const PREVIEW = 3;

/** How many records there are, and the first ones. */
function overview(file) {
  const wrong = file.header && problem(file.targets);
  if (wrong) return { wrong, total: 0, first: [] };
  let total = 0;
  const first = [];
  for (const record of recordsOf(file)) {
    total += 1;
    if (first.length < PREVIEW) first.push(record);
  }
  return { total, first };
}

export function Mapping({ file, setFile, onSend, onCancel }) {
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
        {total === 0 && !wrong && (
          <Empty title="No user in this file">
            <p>It has a header, and no row.</p>
          </Empty>
        )}
        {first.length > 0 && (
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
          <button type="button" class="primary" disabled={!total} onClick={() => onSend(total)}>
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
        <Code label={`User of line ${line}`}>{stringify(parse(json), "  ")}</Code>
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
  /** @type {import("../parts/table.jsx").Column[]} */
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
      <select
        aria-label={`Place of ${name}`}
        value={target.part}
        onChange={(event) => choose(event.currentTarget.value)}
      >
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
          onInput={(event) => onChange({ ...target, key: event.currentTarget.value })}
          autoComplete="off"
          spellcheck={false}
        />
      )}
    </div>
  );
}
