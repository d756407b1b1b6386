// What is to be decided before a file is sent: cells that a spreadsheet or an export has changed, and phones.

import { count, number } from "../data/text.mjs";
import { Field } from "../parts/field.jsx";
import { Panel } from "../parts/page.jsx";

/** @import { Choices } from "../data/users.mjs" */
/** @import { Survey } from "../data/import_file.mjs" */

/** @param {{ survey: Survey, choices: Choices, setChoices: (choices: Choices) => void }} props */
export function Decisions({ survey: { doubts, phones }, choices, setChoices }) {
  const set = (changed) => setChoices({ ...choices, ...changed });
  return (
    <>
      {(doubts.apostrophe > 0 || choices.apostrophes) && (
        <Apostrophes rows={doubts.apostrophe ?? 0} choice={choices.apostrophes} set={set} />
      )}
      {(doubts.scientific > 0 || choices.scientific) && (
        <Panel title="Shortened ids" note="Refused, unless you say otherwise">
          <fieldset>
            <legend>
              {count(doubts.scientific ?? 0, "row")} with a user id such as 1.23457E+17: a spreadsheet has shortened it,
              perhaps several to one
            </legend>
            <Check
              label="Take such ids as they are"
              isOn={choices.scientific === "allow"}
              set={(isOn) => set({ scientific: isOn ? "allow" : undefined })}
            />
          </fieldset>
        </Panel>
      )}
      {(phones.others > 0 || choices.phones) && <Phones phones={phones} choices={choices} set={set} />}
    </>
  );
}

function Apostrophes({ rows, choice, set }) {
  const toggle = (name) => (isOn) => set({ apostrophes: isOn ? name : undefined });
  const about = `${rows > 0 ? count(rows, "row") : "No row left"} with a user id, an e-mail or a phone that begins with an apostrophe`;
  return (
    <Panel title="Apostrophes" note={rows > 0 ? "Refused, unless you say otherwise" : undefined}>
      <fieldset>
        <legend>{about}</legend>
        <Check label="Drop the apostrophe that begins a cell" isOn={choice === "strip"} set={toggle("strip")} />
        <Check label="Take them as they are" isOn={choice === "allow"} set={toggle("allow")} />
      </fieldset>
    </Panel>
  );
}

function Check({ label, isOn, set }) {
  return (
    <label class="check">
      <input type="checkbox" checked={isOn} onChange={(event) => set(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** @type {[choice: string, label: string, about: (counts: { others: number, tidied: number }) => string][]} */
const PHONES = [
  ["refuse", "Refuse those people", ({ others }) => `${number(others)} refused`],
  [
    "tidy",
    "Tidy what can be, refuse the rest",
    ({ others, tidied }) => `${number(tidied)} tidied, ${number(others - tidied)} refused`,
  ],
  [
    "keep",
    "Tidy what can be, keep the rest as the property phone",
    ({ others, tidied }) => `${number(tidied)} tidied, ${number(others - tidied)} kept as text`,
  ],
];

function Phones({ phones, choices, set }) {
  return (
    <Panel title="Phones" note="Roster takes + and the country code, as in +49 151 23456789">
      <fieldset class="choices">
        <legend>{count(phones.others, "phone")} in another form</legend>
        {PHONES.map(([name, label, about]) => (
          <label class="choice" key={name}>
            <input
              type="radio"
              name="phones"
              checked={(choices.phones ?? "refuse") === name}
              onChange={() => set({ phones: name })}
            />
            <span>
              <strong>{label}</strong>
              <span class="note">{about(phones)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <Field
        label="Country code of phones without one"
        hint="Digits, as in 49; those that begin with 00 have their own"
      >
        {(field) => (
          <input
            {...field}
            type="text"
            inputMode="numeric"
            maxLength={3}
            value={choices.countryCode ?? ""}
            onInput={(event) => set({ countryCode: event.currentTarget.value.replace(/\D/g, "") || undefined })}
          />
        )}
      </Field>
    </Panel>
  );
}
