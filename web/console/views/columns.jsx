// The columns of a file: where each one goes, and as what.

import { WITH_KEYS } from "../data/columns.mjs";
import { VERBATIM } from "../parts/field.jsx";
import { Panel } from "../parts/page.jsx";
import { Table } from "../parts/table.jsx";

const PLACES = [
  ["user_id", "User id"],
  ["email", "E-mail"],
  ["phone", "Phone"],
  ["properties", "Property…"],
  ["origin", "Origin…"],
  ["set_once.origin", "First origin…"],
  ["as_of", "Time of the row"],
  ["skip", "Skip"],
];
const TYPES = [
  ["text", "Text"],
  ["number", "Number"],
  ["boolean", "True or false"],
  ["json", "As JSON"],
];
const isNamed = ({ part, key }) => WITH_KEYS.includes(part) && key !== undefined;

export function Columns({ about, columns, types, setColumns }) {
  const change = (i, changed) =>
    setColumns(columns.map((column, at) => (at === i ? { ...column, ...changed } : column)));
  /** @type {import("../parts/table.jsx").Column[]} */
  const shown = [
    { label: "Column", kind: "id", cell: ({ column }) => <strong>{column.name || "(no name)"}</strong> },
    { label: "First row", cell: ({ column }) => <span class="mono clip">{about.example[column.name] ?? ""}</span> },
    {
      label: "Goes to",
      cell: ({ i, column }) => (
        <Places
          name={column.name || `column ${i + 1}`}
          places={column.places}
          setPlaces={(places) => change(i, { places })}
        />
      ),
    },
  ];
  const type = {
    label: "As",
    cell: ({ i, column }) =>
      column.places.some(isNamed) ? (
        <select
          aria-label={`Type of ${column.name}`}
          value={column.type ?? types?.[i]?.type ?? "text"}
          onChange={(event) => change(i, { type: event.currentTarget.value })}
        >
          {TYPES.map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      ) : (
        column.places.length > 0 && <span class="note">Text</span>
      ),
  };
  return (
    <Panel title="Columns" note="Where each one goes">
      <Table
        label="Columns of the file"
        columns={about.isTable ? [...shown, type] : shown}
        rows={columns.map((column, i) => ({ i, column }))}
        id={({ i }) => i}
      />
    </Panel>
  );
}

/** The places of a column: one, or several. */
function Places({ name, places, setPlaces }) {
  const all = places.length > 0 ? places : [{ part: "skip" }];
  const set = (i, place) =>
    setPlaces(all.map((one, at) => (at === i ? place : one)).filter(({ part }) => part !== "skip"));
  return (
    <div class="places">
      {all.map((place, i) => (
        <Place key={i} name={i === 0 ? name : `${name}, too`} target={place} onChange={(one) => set(i, one)} />
      ))}
      {places.length === 1 && (
        <button
          type="button"
          class="link"
          aria-label={`and to… (${name})`}
          onClick={() => setPlaces([...places, { part: "properties", key: name.trim() }])}
        >
          and to…
        </button>
      )}
    </div>
  );
}

function Place({ name, target, onChange }) {
  const choose = (part) => onChange(WITH_KEYS.includes(part) ? { part, key: target.key ?? name.trim() } : { part });
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
      {isNamed(target) && (
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
