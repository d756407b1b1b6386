// Export: people of the project in a file, as `roster export` writes it: all or those who match, all columns or some.

import { useState } from "preact/hooks";
import { problem as faultOfRows, filterOf, rowsOf } from "../data/asking.mjs";
import {
  csvParts,
  ndjsonParts,
  pageRequest,
  readAll,
  selection,
  selectionProblem,
  spreadsheetParts,
} from "../data/exporting.mjs";
import { count } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Notice } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { useLeaveQuestion } from "../parts/route.mjs";
import { EXPORT_QUESTION, save, useRun, Waiting } from "../parts/transfer.jsx";
import { Conditions, NEW_ROW, useFields } from "./conditions.jsx";

/**
 * @type {Record<string, {
 *   label: string,
 *   about: string,
 *   extension: string,
 *   type: string,
 *   parts: (users: any[], columns: any[]) => Iterable<string>,
 * }>}
 */
const FORMATS = {
  ndjson: {
    label: "NDJSON",
    about: "A JSON object a line. Keeps everything as it is.",
    extension: "ndjson",
    type: "application/x-ndjson",
    parts: ndjsonParts,
  },
  csv: {
    label: "CSV",
    about: "A table with a column for each property, exactly as it is. Don't open it in a spreadsheet.",
    extension: "csv",
    type: "text/csv",
    parts: csvParts,
  },
  spreadsheet: {
    label: "CSV for spreadsheets",
    about: "With times, and an apostrophe before what a spreadsheet would calculate. Not for import.",
    extension: "spreadsheet.csv",
    type: "text/csv",
    parts: spreadsheetParts,
  },
};

/** @import { Answer } from "../data/api.mjs" */

const NAMES =
  "There are user_id, email, phone, as_of, created_at, updated_at, properties, properties.KEY, origin and origin.KEY.";

/**
 * @typedef {{
 *   step: "choose" | "read",
 *   read?: number,
 *   failed?: Answer,
 *   isCancelled?: boolean,
 *   done?: number,
 * }} State
 */

/** @param {{ query: URLSearchParams }} props */
export function Export({ query }) {
  const { call, session } = useConsole();
  const run = useRun();
  const [format, setFormat] = useState("ndjson");
  const [withAsOf, setWithAsOf] = useState(false);
  const [wanted, setWanted] = useState(query.get("columns") ?? "");
  const [rows, setRows] = useState(() => rowsOf(query.get("filter")));
  const filter = filterOf(rows);
  const columns = wanted.split(",").flatMap((name) => name.trim() || []);
  const problem = selectionProblem(columns);
  const [state, setState] = useState(/** @type {State} */ ({ step: "choose" }));
  const isRunning = state.step === "read";
  useLeaveQuestion(isRunning ? EXPORT_QUESTION : undefined);

  async function start() {
    setState({ step: "read", read: 0 });
    const parts = selection({ columns, withAsOf, isForSpreadsheets: format === "spreadsheet" });
    const outcome = await run
      .start(({ signal, wait }) =>
        readAll({
          read: (request) => call(request, signal),
          wait,
          filter,
          onProgress: (read) => setState({ step: "read", read }),
          parts,
        }),
      )
      .catch(() => undefined);
    if (!outcome) return setState({ step: "choose", isCancelled: true });
    if (outcome.failed) return setState({ step: "choose", failed: outcome.failed });
    const { extension, type, parts: write } = FORMATS[format];
    save(`${session.key?.about.project}.${extension}`, type, [...write(outcome.users, parts)]);
    return setState({ step: "choose", done: outcome.users.length });
  }

  return (
    <Page
      title="Export"
      lead={
        filter ? "Those people of this project who match, in one file." : "All people of this project, in one file."
      }
    >
      <Panel title="Whom" note={rows.length > 0 ? "All of these must hold" : "Everybody"}>
        <Whom rows={rows} setRows={setRows} isOff={isRunning} />
      </Panel>
      <Panel title="What">
        <fieldset class="choices formats" disabled={isRunning}>
          <legend class="hidden">Format of the file</legend>
          {Object.entries(FORMATS).map(([name, { label, about }]) => (
            <label class="choice" key={name}>
              <input type="radio" name="format" checked={format === name} onChange={() => setFormat(name)} />
              <span>
                <strong>{label}</strong>
                <span class="note">{about}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <fieldset class="choices" disabled={isRunning}>
          <legend class="hidden">Columns</legend>
          <Field
            label="Only these columns"
            hint="All, if it is empty. Or names with commas, such as user_id, email, properties.plan, created_at"
            error={problem && `${problem} ${NAMES}`}
          >
            {(field) => (
              <input
                {...field}
                type="text"
                value={wanted}
                onInput={(event) => setWanted(event.currentTarget.value)}
                {...VERBATIM}
              />
            )}
          </Field>
          <Names chosen={columns} choose={(names) => setWanted(names.join(", "))} />
          <label class="check">
            <input
              type="checkbox"
              disabled={columns.length > 0}
              checked={withAsOf && columns.length === 0}
              onChange={(event) => setWithAsOf(event.currentTarget.checked)}
            />
            <span>
              With the time of each person's last change, so that importing it later leaves what is newer{" "}
              <span class="mono note">as_of</span>
            </span>
          </label>
        </fieldset>
        {isRunning ? (
          <div role="status">
            <p>{count(state.read ?? 0, "person").replace("persons", "people")} read so far.</p>
            <progress aria-label="Export under way" />
            <Waiting seconds={run.waiting} />
          </div>
        ) : null}
        {state.failed && <Failure answer={state.failed} retry={start} />}
        {state.isCancelled && <Notice title="Cancelled">No file was saved.</Notice>}
        {state.done !== undefined && (
          <Notice kind="good" title={`${count(state.done, "person").replace("persons", "people")} exported`}>
            The browser has saved the file.
          </Notice>
        )}
        <div class="actions">
          {isRunning ? (
            <button type="button" onClick={run.cancel}>
              Cancel
            </button>
          ) : (
            <button type="button" class="primary" disabled={Boolean(problem ?? faultOfRows(rows))} onClick={start}>
              Export as a file
            </button>
          )}
        </div>
        <Curl request={pageRequest(undefined, filter)} />
        <p class="note">Reads up to 1,000 people a call, and leaves a fifth of the limit of questions to others.</p>
      </Panel>
    </Page>
  );
}

/** The conditions, once there is one; the names in use are asked for then. */
function Whom({ rows, setRows, isOff }) {
  if (rows.length > 0) return <WhomMatches rows={rows} setRows={setRows} isOff={isOff} />;
  return (
    <div class="actions">
      <button type="button" class="small" disabled={isOff} onClick={() => setRows([NEW_ROW])}>
        Only those who match…
      </button>
    </div>
  );
}

function WhomMatches({ rows, setRows, isOff }) {
  return (
    <fieldset disabled={isOff}>
      <legend class="hidden">Conditions</legend>
      <Conditions rows={rows} setRows={setRows} fields={useFields()} />
    </fieldset>
  );
}

/** The names in use, each to add or take away, but those that the list of names can't hold; asked for when it is opened. */
function Names({ chosen, choose }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="note">Choose of the names in use</summary>
      {isOpen && <NameChoice chosen={chosen} choose={choose} />}
    </details>
  );
}

function NameChoice({ chosen, choose }) {
  const names = useFields().filter((name) => !name.includes(",") && name === name.trim());
  return (
    <div class="names">
      {names.map((name) => (
        <button
          key={name}
          type="button"
          class="small mono"
          aria-pressed={chosen.includes(name)}
          onClick={() => choose(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name])}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
