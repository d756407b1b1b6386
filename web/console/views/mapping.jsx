// A file before it is sent: which column goes where, and the first users as they will be sent.

import { useMemo } from "preact/hooks";
import { problem } from "../data/columns.mjs";
import { rows, UnclosedQuote } from "../data/csv.mjs";
import { parse, stringify } from "../data/lossless.mjs";
import { recordsOf } from "../data/records.mjs";
import { count } from "../data/text.mjs";
import { Code } from "../parts/curl.jsx";
import { VERBATIM } from "../parts/field.jsx";
import { Empty, Notice } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { Table } from "../parts/table.jsx";

const PREVIEW = 3;

/** How many records there are, the first ones, and how many a spreadsheet may have changed. */
function overview(file) {
  const seen = { total: 0, first: /** @type {any[]} */ ([]), doubts: { apostrophe: 0, scientific: 0 } };
  const wrong = file.header && problem(file.targets);
  if (wrong) return { ...seen, wrong };
  try {
    for (const record of recordsOf(file)) {
      seen.total += 1;
      if (seen.first.length < PREVIEW) seen.first.push(record);
      if (record.doubt) seen.doubts[record.doubt] += 1;
    }
  } catch (error) {
    if (!(error instanceof UnclosedQuote)) throw error;
    return { ...seen, total: 0, wrong: error.message };
  }
  return seen;
}

export function Mapping({ file, setFile, onSend, onCancel }) {
  const { wrong, total, first, doubts } = useMemo(() => overview(file), [file]);
  return (
    <>
      {file.header && <Columns file={file} setTargets={(targets) => setFile({ ...file, targets })} />}
      {file.header && (
        <Doubts doubts={doubts} choices={file.choices} setChoices={(choices) => setFile({ ...file, choices })} />
      )}
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

/** @type {Record<string, { title: string, about: (rows: string) => string, choices: [choice: string, label: string][] }>} */
const DOUBTS = {
  apostrophe: {
    title: "Apostrophes",
    about: (rows) => `${rows} with a user id, an e-mail or a phone that begins with an apostrophe`,
    choices: [
      ["strip-apostrophes", "Drop the apostrophe that begins a cell"],
      ["allow-apostrophes", "Take them as they are"],
    ],
  },
  scientific: {
    title: "Shortened ids",
    about: (rows) =>
      `${rows} with a user id such as 1.23457E+17: a spreadsheet has shortened it, perhaps several to one`,
    choices: [["allow-scientific", "Take such ids as they are"]],
  },
};

/** What to do with rows that a spreadsheet or an export has changed; until it is said, they are refused. */
function Doubts({ doubts, choices, setChoices }) {
  const open = Object.entries(DOUBTS).filter(
    ([kind, { choices: offered }]) => doubts[kind] > 0 || offered.some(([choice]) => choices.includes(choice)),
  );
  const toggle = (offered, choice, isOn) => {
    const others = choices.filter((one) => !offered.some(([name]) => name === one));
    setChoices(isOn ? [...others, choice] : others);
  };
  return open.map(([kind, { title, about, choices: offered }]) => (
    <Panel key={kind} title={title} note={doubts[kind] > 0 ? "Refused, unless you say otherwise" : undefined}>
      <fieldset>
        <legend>{about(doubts[kind] > 0 ? count(doubts[kind], "row") : "No row left")}</legend>
        {offered.map(([choice, label]) => (
          <label class="check" key={choice}>
            <input
              type="checkbox"
              checked={choices.includes(choice)}
              onChange={(event) => toggle(offered, choice, event.currentTarget.checked)}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
    </Panel>
  ));
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
    try {
      const table = rows(file.text);
      table.next();
      return table.next().value?.cells ?? [];
    } catch {
      return [];
    }
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
          {...VERBATIM}
        />
      )}
    </div>
  );
}
