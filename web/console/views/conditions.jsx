// Conditions on people: rows of a field, a test and a value.

import { useId, useState } from "preact/hooks";
import { addGroups, FIELDS, OPERATORS, problem, question, sorted } from "../data/asking.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Field, VERBATIM } from "../parts/field.jsx";

/** @import { Row } from "../data/asking.mjs" */

/** Values that are suggested. */
const SUGGESTED = 20;

/** @type {Row} */
export const NEW_ROW = { field: "", operator: "eq", value: "" };

/** The fields that people have: those of everybody, and the names in use. */
export function useFields() {
  const { answer } = useAnswer({ as: "key", path: "/v1/properties" });
  const used = answer?.tree?.get?.("properties") ?? [];
  return [...FIELDS, ...used.map((property) => property.get("field"))];
}

/** @param {{ rows: Row[], setRows: (rows: Row[]) => void, fields: string[] }} props */
export function Conditions({ rows, setRows, fields }) {
  const fault = problem(rows);
  return (
    <>
      {rows.map((row, i) => (
        <Condition
          key={i}
          row={row}
          place={i + 1}
          fields={fields}
          change={(change) => setRows(rows.map((other, k) => (k === i ? { ...other, ...change } : other)))}
          remove={() => setRows(rows.filter((_, k) => k !== i))}
        />
      ))}
      <div class="actions">
        <button type="button" class="small" onClick={() => setRows([...rows, NEW_ROW])}>
          Add a condition
        </button>
      </div>
      {fault && <p class="field-error">{fault}</p>}
    </>
  );
}

/** @param {{ id?: string, value: string, fields: string[], change: (value: string) => void, [aria: string]: any }} props */
export function FieldInput({ value, fields, change, ...rest }) {
  const list = useId();
  return (
    <>
      <input
        {...rest}
        type="text"
        value={value}
        list={list}
        onInput={(e) => change(e.currentTarget.value)}
        {...VERBATIM}
      />
      <datalist id={list}>
        {fields.map((field) => (
          <option key={field} value={field} />
        ))}
      </datalist>
    </>
  );
}

function Condition({ row, place, fields, change, remove }) {
  const { value } = OPERATORS[row.operator];
  return (
    <fieldset class="condition">
      <legend class="hidden">Condition {place}</legend>
      <Field label="Field">
        {(field) => <FieldInput {...field} value={row.field} fields={fields} change={(field) => change({ field })} />}
      </Field>
      <Field label="Test">
        {(field) => (
          <select {...field} value={row.operator} onChange={(event) => change({ operator: event.currentTarget.value })}>
            {Object.entries(OPERATORS).map(([name, { label }]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      {value === undefined && (
        <Field label="Value">
          {(field) => <ValueInput {...field} row={row} change={(value) => change({ value })} />}
        </Field>
      )}
      <button type="button" class="small" onClick={remove} aria-label={`Remove condition ${place}`}>
        Remove
      </button>
    </fieldset>
  );
}

/** Suggests the most frequent values of the field among the first people, once it is used. */
function ValueInput({ row, change, ...rest }) {
  const { call } = useConsole();
  const list = useId();
  const [known, setKnown] = useState({ field: "", values: /** @type {string[]} */ ([]) });
  async function look() {
    if (!row.field || known.field === row.field) return;
    setKnown({ field: row.field, values: [] });
    const answer = await call(question("/v1/users/count", { by: row.field }));
    const groups = answer.tree?.get?.("groups");
    const values = groups ? sorted(addGroups(new Map(), groups)).map(([name]) => name) : [];
    setKnown({
      field: row.field,
      values: values.filter((name) => name !== "other" && name !== "null").slice(0, SUGGESTED),
    });
  }
  return (
    <>
      <input
        {...rest}
        type="text"
        value={row.value}
        list={list}
        onFocus={look}
        onInput={(e) => change(e.currentTarget.value)}
        {...VERBATIM}
      />
      <datalist id={list}>
        {known.values.map((value) => (
          <option key={value} value={value} />
        ))}
      </datalist>
    </>
  );
}
