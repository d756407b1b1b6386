// What views are made of.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { curlLine } from "../data/curl.mjs";
import { useConsole } from "./context.mjs";

/** A view: its heading takes the focus when the reader comes here. */
export function Page({ title, lead, back, actions, children }) {
  const heading = useRef();
  // Before it is seen: later it would take the focus from where the reader has put it.
  useLayoutEffect(() => {
    document.title = `${title} · Roster console`;
    heading.current.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <div class="page">
      {back}
      <header class="page-head">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Panel({ title, note, actions, children, class: kind = "" }) {
  const id = useId();
  return (
    <section class={`panel ${kind}`} aria-labelledby={title && id}>
      {title && (
        <div class="panel-head">
          <h2 id={id}>{title}</h2>
          {note && <p class="note">{note}</p>}
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

/** A label and what it names; the child gets the id. */
export function Field({ label, hint, error, children }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": hint || error ? `${id}-about` : undefined,
        "aria-invalid": error ? "true" : undefined,
      })}
      {(hint || error) && (
        <p id={`${id}-about`} class={error ? "field-error" : "hint"}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export function Notice({ kind = "info", title, children, actions }) {
  const notice = useRef();
  useEffect(() => notice.current.scrollIntoView({ block: "nearest" }), []);
  return (
    <div ref={notice} class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <div>
        <strong>{title}</strong>
        {children && <div class="notice-text">{children}</div>}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

/** Bars in the place of what is awaited, and a word if it takes long. */
export function Loading({ what }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 3000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading {what}</span>
      <i />
      <i />
      <i />
      {isSlow && <p class="note">Roster is slow to answer. Still waiting for {what}.</p>}
    </div>
  );
}

export function Empty({ title, children }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

const TITLES = {
  0: "Roster can't be reached",
  401: "This key is not accepted any more",
  403: "This key may not do that",
  404: "It is not there",
  429: "Too many requests just now",
  500: "Roster failed",
  503: "Roster's store is busy",
};

/** What went wrong, and the way on. */
export function Failure({ answer, retry }) {
  const { signOut } = useConsole();
  const { status, error, retryAfter, requestId } = answer;
  const permission = error.details?.required_permission;
  return (
    <Notice
      kind="bad"
      title={TITLES[status] ?? "Roster refused this"}
      actions={
        status === 401 ? (
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        ) : (
          retry && (
            <button type="button" onClick={retry}>
              Try again
            </button>
          )
        )
      }
    >
      <p>{permission ? `It needs the scope ${permission}. Sign in with a key that has it.` : error.message}</p>
      <Faults details={error.details} />
      {retryAfter > 0 && <p>The next call is admitted in {retryAfter} s.</p>}
      <p class="note">
        {[status || undefined, error.code, requestId && `request ${requestId}`].filter(Boolean).join(" · ")}
      </p>
    </Notice>
  );
}

function Faults({ details }) {
  if (!details?.errors)
    return details?.issue ? (
      <p>
        {details.pointer ?? details.field}: {details.issue}
      </p>
    ) : null;
  return (
    <ul>
      {details.errors.map(({ field, pointer, issue }) => (
        <li key={pointer + issue}>
          {pointer ?? field}: {issue}
        </li>
      ))}
    </ul>
  );
}

export function Copy({ text, label = "Copy" }) {
  const { announce } = useConsole();
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      announce("Copied");
    } catch {
      announce("The browser did not allow it: select the text and copy it");
    }
  }
  return (
    <button type="button" class="small" onClick={copy}>
      {label}
    </button>
  );
}

/** The same by curl. */
export function Curl({ request }) {
  const line = curlLine(request, location.origin);
  return (
    <details class="curl">
      <summary>As curl</summary>
      <div class="curl-line">
        <pre tabIndex={0} aria-label="The curl line">
          <code>{line}</code>
        </pre>
        <Copy text={line} label="Copy line" />
      </div>
    </details>
  );
}

/** A modal dialog: the browser keeps the focus in it, and gives it back. */
export function Dialog({ title, onClose, children }) {
  const [dialog, id] = [useRef(), useId()];
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    dialog.current.querySelector("input, .actions button")?.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** A table that becomes a list of cards on a phone. Columns are `{label, cell(row), kind?}`. */
export function Table({ label, columns, rows, id }) {
  return (
    <table role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ label }) => (
            <th role="columnheader" scope="col" key={label}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={id(row)}>
            {columns.map(({ label, cell, kind }) => (
              <td role="cell" key={label} data-label={label} class={kind}>
                <div>{cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

function ago(ms) {
  const seconds = (ms - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  return unit ? RELATIVE.format(Math.round(seconds / size), unit) : "just now";
}

export function Time({ value, exact = false }) {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return <span class="none">–</span>;
  return (
    <time dateTime={value} title={value}>
      {exact ? `${EXACT.format(ms)} (${ago(ms)})` : ago(ms)}
    </time>
  );
}

export const count = (number, thing) => `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
export const None = () => (
  <span class="none" aria-label="none">
    –
  </span>
);
