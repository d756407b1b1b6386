// What is to become of a person, and is not saved yet: as fields, as JSON, or as a merge patch. What is sent is the patch.

import { useState } from "preact/hooks";
import { userPath } from "../data/api.mjs";
import { faultOf } from "../data/faults.mjs";
import { parse, stringify } from "../data/lossless.mjs";
import { apply, changes, diff } from "../data/merge_patch.mjs";
import { EDITABLE, profileOf, withValue } from "../data/profile.mjs";
import { Curl } from "../parts/curl.jsx";
import { Refusal } from "../parts/failure.jsx";
import { VERBATIM } from "../parts/field.jsx";
import { Leaf } from "../parts/leaf.jsx";
import { Panel } from "../parts/page.jsx";
import { useLeaveQuestion } from "../parts/route.mjs";
import { useSubmit } from "../parts/submit.mjs";

/** @typedef {"fields" | "whole" | "patch"} Mode */
/** A user that is stored, with its revision; nobody yet if there is none. @typedef {{ user?: Map<string, any>, etag?: string }} Stored */

const NOBODY = new Map([
  ["properties", new Map()],
  ["origin", new Map()],
]);
const QUESTION = "What you changed is not saved. Leave it?";

/** The whole profile as a text, with places for what is not there. */
const wholeText = (profile) => stringify(new Map([["email", null], ["phone", null], ...profile]), "  ");

/**
 * What the text asks for.
 * @param {string} text
 * @param {Mode} mode
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

/**
 * What is wished for a person with this id.
 * @param {string} id
 * @param {Stored} begun
 */
export function useDraft(id, begun) {
  const { submit, isBusy, refused } = useSubmit();
  const [stored, setStored] = useState(begun);
  const before = stored.user ? profileOf(stored.user) : NOBODY;
  const [mode, setMode] = useState(/** @type {Mode} */ ("fields"));
  const [fields, setFields] = useState(before);
  const [text, setText] = useState("");
  /** @type {ReturnType<typeof understand>} */
  const wish = mode === "fields" ? { patch: diff(before, fields), after: fields } : understand(text, mode, before);
  const listed = wish.after ? changes(before, wish.after) : [];
  const body = wish.patch && new Map([["user_id", id], ...wish.patch]);
  const fault = body && faultOf(body);
  const isNew = !stored.user;
  const isAsked = listed.length > 0 || (isNew && id !== "");
  useLeaveQuestion(listed.length > 0 || wish.problem ? QUESTION : undefined);

  /** Shows a wish in a mode. */
  function show(next, profile, patch) {
    setFields(profile);
    setText(next === "patch" ? stringify(patch, "  ") : wholeText(profile));
    setMode(next);
  }
  return {
    ...{ stored, before, mode, text, setText, listed, isBusy, refused },
    isNew,
    problem: wish.problem ?? (isAsked && fault ? `${fault.place}: ${fault.issue}` : undefined),
    isStuck: Boolean(wish.problem),
    isReady: (isNew || listed.length > 0) && !wish.problem && !fault,
    shown: wish.after ?? before,
    /** @type {import("../data/api.mjs").Request} */
    request: {
      as: "key",
      method: "POST",
      path: "/v1/users",
      headers: stored.etag ? { "If-Match": stored.etag } : undefined,
      body: body && stringify(body),
    },
    submit,
    set: (path, value) => setFields((profile) => withValue(profile, path, value)),
    switchTo(next) {
      if (next !== mode && wish.after) show(next, wish.after, wish.patch);
    },
    discard: () => show(mode, before, new Map()),
    /**
     * Takes what is stored now as what stands; `isKept` says whether the changes are wished still. False if it can't be
     * read.
     */
    async refresh(isKept) {
      const answer = await submit({ as: "key", path: userPath(id) });
      if (answer.error) return false;
      const user = answer.tree.get("user");
      const profile = profileOf(user);
      setStored({ user, etag: answer.etag });
      if (isKept && mode === "patch") return true;
      show(mode, isKept ? apply(profile, wish.patch) : profile, new Map());
      return true;
    },
  };
}

/** @typedef {ReturnType<typeof useDraft>} Draft */

/** @type {[mode: Mode, label: string][]} */
const MODES = [
  ["fields", "Fields"],
  ["whole", "JSON"],
  ["patch", "Merge patch"],
];

/** @param {{ draft: Draft }} props */
export function Modes({ draft: { mode, switchTo, isStuck, isNew, isBusy } }) {
  return (
    <div class="modes" role="group" aria-label="How to see and edit">
      {MODES.filter(([name]) => !isNew || name !== "patch").map(([name, label]) => (
        <button
          key={name}
          type="button"
          class="small"
          aria-pressed={mode === name}
          disabled={(isStuck || isBusy) && mode !== name}
          onClick={() => switchTo(name)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** The profile, or the patch, as a text. @param {{ draft: Draft }} props */
export function TextEditor({ draft: { mode, text, setText, problem } }) {
  return (
    <Panel title={mode === "whole" ? "What should be stored" : "Merge patch"}>
      <p class="hint" id="edit-hint">
        {mode === "whole"
          ? "Change, add or delete members. Numbers keep the digits that you type."
          : "A JSON merge patch: what is left out stays, null removes, objects merge."}
      </p>
      <textarea
        class="code"
        aria-label={mode === "whole" ? "The profile as JSON" : "The merge patch as JSON"}
        aria-describedby="edit-hint"
        aria-invalid={problem ? "true" : undefined}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        rows={Math.min(26, Math.max(12, text.split("\n").length + 1))}
        {...VERBATIM}
      />
    </Panel>
  );
}

/**
 * What will change, and the way to save it, which is in sight wherever the reader is.
 * @param {{ draft: Draft, save: () => void, rebase: () => void }} props
 */
export function Changes({ draft, save, rebase }) {
  const { listed, problem, refused, request, isNew } = draft;
  return (
    <Panel
      title={isNew ? "What will be stored" : "What will change"}
      note={listed.length > 0 ? String(listed.length) : undefined}
      class="diff"
    >
      <div aria-live="polite">
        {problem && <p class="field-error">{problem}</p>}
        {listed.length === 0 && !problem && <p class="note">Nothing yet.</p>}
        <ul class="changes">
          {listed.map((change) => (
            <Change key={change.path.join("\0")} {...change} />
          ))}
        </ul>
      </div>
      {refused && <Refusal answer={refused} reload={rebase} />}
      {request.body !== undefined && listed.length > 0 && <Curl request={request} />}
      <SaveBar draft={draft} save={save} />
    </Panel>
  );
}

function SaveBar({ draft: { isReady, discard, isBusy }, save }) {
  return (
    <div class="actions end save-bar">
      <button type="button" onClick={discard} disabled={isBusy}>
        Discard
      </button>
      <button type="button" class="primary" disabled={!isReady || isBusy} onClick={save}>
        {isBusy ? "Saving…" : "Save"}
      </button>
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
