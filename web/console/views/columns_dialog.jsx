// Which columns the lists of people have, and where a name is.

import { useState } from "preact/hooks";
import { useConsole } from "../parts/context.mjs";
import { Dialog } from "../parts/dialog.jsx";
import { Field } from "../parts/field.jsx";
import { FieldInput, useFields } from "./conditions.jsx";
import { COLUMN_LABELS, DEFAULT_COLUMNS } from "./user_table.jsx";

const keyOf = (field) => field.replace(/^properties\./, "");

export function ListColumns({ onClose }) {
  const { session, add } = useConsole();
  const used = useFields().filter((field) => /^(properties|origin)\./.test(field));
  const stored = { names: [], columns: DEFAULT_COLUMNS, ...session.list };
  const [columns, setColumns] = useState(/** @type {string[]} */ (stored.columns));
  const [[first, last], setNames] = useState([stored.names[0] ?? "", stored.names[1] ?? ""]);
  const keys = used.filter((field) => field.startsWith("properties.")).map(keyOf);
  const offered = [...new Set([...Object.keys(COLUMN_LABELS), ...columns, ...used])];
  const toggle = (name, isOn) => setColumns(isOn ? [...columns, name] : columns.filter((other) => other !== name));
  const save = (event) => {
    event.preventDefault();
    add({ list: { columns, names: [first, last].map((name) => name.trim()).filter(Boolean) } });
    onClose();
  };
  return (
    <Dialog title="Columns" onClose={onClose}>
      <form onSubmit={save}>
        <fieldset>
          <legend>Columns beside the person</legend>
          <div class="scrolling">
            {offered.map((name) => (
              <label class="check" key={name}>
                <input
                  type="checkbox"
                  checked={columns.includes(name)}
                  onChange={(event) => toggle(name, event.currentTarget.checked)}
                />
                <span class={name in COLUMN_LABELS ? undefined : "mono"}>{COLUMN_LABELS[name] ?? name}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>Properties with the name</legend>
          <p class="hint">Empty: “name”, or a first and a last name as they are usually called.</p>
          <div class="halves">
            <Field label="Name, or first name">
              {(field) => (
                <FieldInput {...field} value={first} fields={keys} change={(name) => setNames([name, last])} />
              )}
            </Field>
            <Field label="Last name">
              {(field) => (
                <FieldInput {...field} value={last} fields={keys} change={(name) => setNames([first, name])} />
              )}
            </Field>
          </div>
        </fieldset>
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Show
          </button>
        </div>
      </form>
    </Dialog>
  );
}
