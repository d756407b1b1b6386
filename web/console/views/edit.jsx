// Editing a person: as the profile should be, or as a merge patch. What is sent is the patch.

import { useState } from "preact/hooks";
import { userPath } from "../data/api.mjs";
import { parse, stringify } from "../data/lossless.mjs";
import { apply, changes, diff } from "../data/merge_patch.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Refusal } from "../parts/failure.jsx";
import { VERBATIM } from "../parts/field.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { useSubmit } from "../parts/submit.mjs";
import { Leaf } from "../parts/tree.jsx";

const EDITABLE = ["email", "phone", "properties", "origin"];

/** What can be edited, without members that are not there. */
function profileOf(user) {
  return new Map(EDITABLE.filter((name) => user.get(name) !== null).map((name) => [name, user.get(name)]));
}

/** The whole profile as a text, with places for what is not there. */
const wholeText = (profile) => stringify(new Map([["email", null], ["phone", null], ...profile]), "  ");

/**
 * What the text asks for.
 * @param {string} text
 * @param {string} mode
 * @param {Map<string, any>} before
 * @returns {{ problem?: string, patch?: Map<string, any>, after?: Map<string, any> }}
 */
function understand(text, mode, before) {
  let value;
  try {
    value = parse(text);
  } catch (error) {
    return { problem: `Not JSON: ${error.message}` };
  }
  if (!(value instanceof Map)) return { problem: "Expected an object: { … }" };
  const unknown = [...value.keys()].find((name) => !EDITABLE.includes(name));
  if (unknown !== undefined)
    return { problem: `“${unknown}” has no place here: attributes stand inside "properties".` };
  for (const name of ["properties", "origin"])
    if (value.has(name) && !(value.get(name) instanceof Map)) return { problem: `"${name}" is an object: { … }` };
  if (mode === "patch") return { patch: value, after: apply(before, value) };
  for (const name of ["properties", "origin"]) if (!value.has(name)) value.set(name, new Map());
  const patch = diff(before, value);
  return { patch, after: apply(before, patch) };
}

export function Edit({ user, etag: seen, reload, onDone, back }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  const [{ before, etag }, setStored] = useState({ before: profileOf(user), etag: seen });
  const [mode, setMode] = useState("whole");
  const [text, setText] = useState(wholeText(before));
  const id = user.get("external_id");
  const wish = understand(text, mode, before);
  const listed = wish.after ? changes(before, wish.after) : [];
  const body = wish.patch && stringify(new Map([["user_id", id], ...wish.patch]));
  const request = { as: "key", method: "POST", path: "/v1/users", headers: { "If-Match": etag }, body };

  function switchTo(next) {
    if (next === mode || wish.problem) return;
    setText(next === "patch" ? stringify(diff(before, wish.after), "  ") : wholeText(wish.after));
    setMode(next);
  }

  async function save(event) {
    event.preventDefault();
    const answer = await submit(request);
    if (answer.error) return;
    announce(`${id} is saved`);
    leave();
  }

  /** Takes what somebody else stored as what stands, and keeps the changes that are wished. */
  async function rebase() {
    const answer = await submit({ as: "key", path: userPath(id) });
    if (answer.status === 404) return leave();
    if (answer.error) return undefined;
    const stored = profileOf(answer.tree.get("user"));
    if (mode === "whole") setText(wholeText(apply(stored, wish.patch)));
    return setStored({ before: stored, etag: answer.etag });
  }

  function leave() {
    onDone();
    reload();
  }

  return (
    <Page title={`Edit ${id}`} back={back}>
      <form class="edit" onSubmit={save}>
        <Panel
          title="What should be stored"
          actions={<Modes mode={mode} switchTo={switchTo} isStuck={Boolean(wish.problem)} />}
        >
          <p class="hint" id="edit-hint">
            {mode === "whole"
              ? "Change, add or delete members. Numbers keep the digits that you type."
              : "A JSON merge patch: what is left out stays, null removes, objects merge."}
          </p>
          <textarea
            class="code"
            aria-label={mode === "whole" ? "The profile as JSON" : "The merge patch as JSON"}
            aria-describedby="edit-hint edit-problem"
            aria-invalid={wish.problem ? "true" : undefined}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            rows={Math.min(26, Math.max(12, text.split("\n").length + 1))}
            {...VERBATIM}
          />
          <p id="edit-problem" class="field-error" aria-live="polite">
            {wish.problem}
          </p>
        </Panel>
        <Panel title="What will change" note={listed.length > 0 ? String(listed.length) : undefined}>
          <div aria-live="polite">
            {listed.length === 0 && <p class="note">{wish.problem ? "Mend the JSON to see." : "Nothing yet."}</p>}
            <ul class="changes">
              {listed.map((change) => (
                <Change key={change.path.join("\0")} {...change} />
              ))}
            </ul>
          </div>
          {refused && <Refusal answer={refused} reload={rebase} />}
          {body !== undefined && listed.length > 0 && <Curl request={request} />}
          <div class="actions end">
            <button type="button" onClick={leave}>
              Cancel
            </button>
            <button type="submit" class="primary" disabled={listed.length === 0 || isBusy}>
              {isBusy ? "Saving…" : "Save"}
            </button>
          </div>
        </Panel>
      </form>
    </Page>
  );
}

function Modes({ mode, switchTo, isStuck }) {
  const option = (name, label) => (
    <button
      type="button"
      class="small"
      aria-pressed={mode === name}
      disabled={isStuck && mode !== name}
      onClick={() => switchTo(name)}
    >
      {label}
    </button>
  );
  return (
    <div class="modes" role="group" aria-label="How to edit">
      {option("whole", "Profile")}
      {option("patch", "Merge patch")}
    </div>
  );
}

function Change({ path, before, after }) {
  const [kind, word] =
    before === undefined ? ["added", "Added"] : after === undefined ? ["removed", "Removed"] : ["changed", "Changed"];
  return (
    <li class={kind}>
      <span class="badge">{word}</span> <span class="name">{path.join(" › ")}</span>
      <div class="values">
        {before !== undefined && (
          <del>
            <Leaf value={before} />
          </del>
        )}
        {after !== undefined && (
          <ins>
            <Leaf value={after} />
          </ins>
        )}
      </div>
    </li>
  );
}
