// The members of a person, edited in place: each by its type.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { equal } from "../data/lossless.mjs";
import { typedText, VALUE_TYPES, valueOfText, valueType } from "../data/profile.mjs";
import { Copy } from "../parts/curl.jsx";
import { VERBATIM } from "../parts/field.jsx";
import { Leaf } from "../parts/leaf.jsx";
import { Tags } from "../parts/tags.jsx";

/** @import { ValueType } from "../data/profile.mjs" */

/** Members that are shown of many. */
const SHOWN = 12;
/** Levels whose members are shown at once. */
const OPEN_LEVELS = 2;

/**
 * `set(path, value)` changes what is shown; without it nothing can be. `before` is what is stored.
 * @typedef {{ set?: ((path: string[], value: any) => void) | undefined, path: string[] }} Place
 */

/**
 * Members, their names and values, and a way to add one.
 * @param {Place & { members: Map<string, any>, before: Map<string, any> | undefined, empty?: string }} props
 */
export function Members({ members, before, path, set, empty }) {
  const [isOpen, setOpen] = useState(false);
  const entries = [...members];
  const shown = isOpen ? entries : entries.slice(0, SHOWN);
  return (
    <>
      {entries.length === 0 && empty && <p class="note">{empty}</p>}
      <ul class="tree">
        {shown.map(([name, value]) => (
          <Member key={name} name={name} value={value} before={before?.get?.(name)} path={[...path, name]} set={set} />
        ))}
      </ul>
      {entries.length > shown.length && (
        <button type="button" class="link more" onClick={() => setOpen(true)}>
          Show all {entries.length}
        </button>
      )}
      {set && <Add members={members} path={path} set={set} />}
    </>
  );
}

function Member({ name, value, before, path, set }) {
  if (value instanceof Map) {
    return (
      <li>
        <details open={path.length <= OPEN_LEVELS}>
          <summary>
            <span class="name">{name}</span> <span class="note">{value.size} in it</span>
          </summary>
          <div class="inner">
            <Members members={value} before={before} path={path} set={set} />
            {set && (
              <button
                type="button"
                class="link more"
                aria-label={`Remove ${name}`}
                onClick={() => set(path, undefined)}
              >
                Remove
              </button>
            )}
          </div>
        </details>
      </li>
    );
  }
  return (
    <li class={equal(before, value) ? "pair" : "pair changed"}>
      <span class="name">{name}</span>
      <Value label={name} value={value} before={before} path={path} set={set} />
    </li>
  );
}

/** Whether a value is folded: longer than some eight lines. */
function isLong(value) {
  const text = value === undefined ? "" : typedText(value);
  return text.length > 400 || text.split("\n").length > 8;
}

/**
 * One value, and a way to change it.
 * @param {Place & { label: string, value: any, before: any, types?: ValueType[] }} props `types`: those that it may have
 */
export function Value({ label, value, before, path, set, types }) {
  const [isEdited, setEdited] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const wasEdited = useRef(false);
  useLayoutEffect(() => {
    if (wasEdited.current && !isEdited) button.current?.focus();
    wasEdited.current = isEdited;
  }, [isEdited]);
  if (isEdited && set) {
    return <Editor {...{ label, value, path, set, types }} onDone={() => setEdited(false)} />;
  }
  const isTags = value !== undefined && valueType(value) === "tags";
  const isFolded = !isTags && !isOpen && isLong(value);
  const clip = isFolded ? "clip long" : undefined;
  return (
    <span class="value">
      {isTags && <Tags name={label} tags={value} setTags={set && ((tags) => set(path, tags))} />}
      {!isTags && !set && (value === undefined ? <span class="none">–</span> : <Leaf value={value} clip={clip} />)}
      {!isTags && set && (
        <button type="button" class="plain" ref={button} onClick={() => setEdited(true)}>
          {value !== undefined && <span class="hidden">Change {label}: </span>}
          {value === undefined ? (
            <span class="none">Add {label.toLowerCase()}</span>
          ) : (
            <Leaf value={value} clip={clip} />
          )}
        </button>
      )}
      {isFolded && (
        <button type="button" class="small quiet" aria-label={`Show all of ${label}`} onClick={() => setOpen(true)}>
          Show all
        </button>
      )}
      {set && !equal(before, value) && (
        <button type="button" class="small" aria-label={`Undo ${label}`} onClick={() => set(path, before)}>
          Undo
        </button>
      )}
      {value !== undefined && <Copy text={typedText(value)} label="Copy" name={`Copy ${label}`} />}
      {isTags && set && (
        <button type="button" class="small quiet" aria-label={`Edit ${label}`} onClick={() => setEdited(true)}>
          Edit
        </button>
      )}
    </span>
  );
}

/** A value while it is typed: Enter takes it, Esc leaves it as it was. */
function Editor({ label, value, path, set, types, onDone }) {
  const [type, setType] = useState(/** @type {ValueType} */ (value === undefined ? "text" : valueType(value)));
  const [text, setText] = useState(value === undefined ? "" : typedText(value));
  const problem = problemOf(type, text);
  const take = (event) => {
    event.preventDefault();
    if (problem) return;
    set(path, valueOfText(type, text));
    onDone();
  };
  return (
    <form
      class="editor"
      onSubmit={take}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onDone();
      }}
    >
      <Input {...{ label, type, text, setText, problem, take }} />
      {problem && <p class="field-error">{problem}</p>}
      <div class="actions">
        {!types && <TypeChoice label={label} type={type} setType={setType} />}
        <button type="submit" class="small primary" disabled={Boolean(problem)}>
          Set
        </button>
        <button type="button" class="small" onClick={onDone}>
          Cancel
        </button>
        {value !== undefined && (
          <button
            type="button"
            class="small danger"
            onClick={() => {
              set(path, undefined);
              onDone();
            }}
          >
            Remove
          </button>
        )}
      </div>
    </form>
  );
}

function problemOf(type, text) {
  try {
    const value = valueOfText(type, text);
    return type === "boolean" && typeof value !== "boolean" ? "True or false" : undefined;
  } catch (error) {
    if (text.trim() === "") return "A value is needed";
    if (type === "boolean") return "True or false";
    return type === "number" ? "A number, as JSON has it: 12, -0.5, 1e6" : `Not JSON: ${error.message}`;
  }
}

function TypeChoice({ label, type, setType }) {
  return (
    <select
      class="small"
      aria-label={`Type of ${label}`}
      value={type}
      onChange={(event) => setType(/** @type {ValueType} */ (event.currentTarget.value))}
    >
      {Object.entries(VALUE_TYPES).map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** Where a value is typed, by its type. */
function Input({ label, type, text, setText, problem, take, isFocused = true }) {
  const place = useRef(/** @type {any} */ (null));
  useLayoutEffect(() => {
    if (isFocused) place.current?.focus();
  }, [type]);
  const about = {
    ref: place,
    "aria-label": `Value of ${label}`,
    "aria-invalid": /** @type {"true" | undefined} */ (problem ? "true" : undefined),
    value: text,
  };
  if (type === "boolean") {
    return (
      <select {...about} onChange={(event) => setText(event.currentTarget.value)}>
        {text !== "true" && text !== "false" && <option value={text}>Choose</option>}
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    );
  }
  const isLong = type === "json" || type === "tags" || text.length > 80 || text.includes("\n");
  if (!isLong)
    return <input {...about} type="text" onInput={(event) => setText(event.currentTarget.value)} {...VERBATIM} />;
  return (
    <textarea
      {...about}
      class="code"
      rows={Math.min(12, Math.max(3, text.split("\n").length + 1))}
      onInput={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) take(event);
      }}
      {...VERBATIM}
    />
  );
}

/** A new member: its name, its type and its value. */
function Add({ members, path, set }) {
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [type, setType] = useState(/** @type {ValueType} */ ("text"));
  const [text, setText] = useState("");
  const where = path.at(-1) ?? "the profile";
  if (!isOpen) {
    return (
      <button type="button" class="link more" aria-label={`Add to ${where}`} onClick={() => setOpen(true)}>
        Add
      </button>
    );
  }
  const close = () => {
    setOpen(false);
    setName("");
    setText("");
  };
  const isTaken = members.has(name);
  const problem = name === "" ? "A name is needed" : isTaken ? `${name} is there already` : problemOf(type, text);
  const take = (event) => {
    event.preventDefault();
    if (problem) return;
    set([...path, name], valueOfText(type, text));
    close();
  };
  return (
    <form class="editor" onSubmit={take} onKeyDown={(event) => event.key === "Escape" && close()}>
      <NameInput where={where} name={name} setName={setName} />
      <Input {...{ label: "the new member", type, text, setText, problem: undefined, take }} isFocused={false} />
      {problem && name !== "" && <p class="field-error">{problem}</p>}
      <div class="actions">
        <TypeChoice label="the new member" type={type} setType={setType} />
        <button type="submit" class="small primary" disabled={Boolean(problem)}>
          Add
        </button>
        <button type="button" class="small" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function NameInput({ where, name, setName }) {
  const place = useRef(/** @type {HTMLInputElement | null} */ (null));
  useLayoutEffect(() => place.current?.focus(), []);
  return (
    <input
      ref={place}
      type="text"
      aria-label={`Name of what is added to ${where}`}
      placeholder="Name"
      value={name}
      onInput={(event) => setName(event.currentTarget.value)}
      {...VERBATIM}
    />
  );
}
