// People who are selected in a list, and what can be done with them.

import { useState } from "preact/hooks";
import { eraseAll, erasureBody } from "../data/erasing.mjs";
import { count, number } from "../data/text.mjs";
import { may, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Notice } from "../parts/notice.jsx";
import { useRun, Waiting } from "../parts/transfer.jsx";

const BATCH = { as: "key", method: "POST", path: "/v1/users/batch" };
const idOf = (user) => user.get("external_id");

/** The user ids that are selected, on whatever page. `column` is that of the table; without it the key may not erase. */
export function useSelection() {
  const { session } = useConsole();
  const [ids, setIds] = useState(/** @type {Set<string>} */ (new Set()));
  const set = (users, isIn) => {
    const next = new Set(ids);
    for (const user of users) isIn ? next.add(idOf(user)) : next.delete(idOf(user));
    setIds(next);
  };
  const column = {
    label: "Selected",
    kind: "tick",
    cell: (user) => (
      <input
        type="checkbox"
        aria-label={`Select ${idOf(user)}`}
        checked={ids.has(idOf(user))}
        onChange={(event) => set([user], event.currentTarget.checked)}
      />
    ),
  };
  const mayErase = may(session, "users:write") && may(session, "users:delete");
  return { ids, set, clear: () => setIds(new Set()), column: mayErase ? column : undefined };
}

/** What is selected, above a page of `users`. */
export function Selected({ selection, users, reload }) {
  const { ids, set, clear, column } = selection;
  const [isErasing, setIsErasing] = useState(false);
  if (!column) return null;
  const areAll = users.every((user) => ids.has(idOf(user)));
  return (
    <div class="actions">
      <button type="button" class="small" onClick={() => set(users, !areAll)}>
        {areAll ? "Select none of this page" : "Select this page"}
      </button>
      {ids.size > 0 && (
        <>
          <span role="status">{number(ids.size)} selected</span>
          <button type="button" class="small quiet" onClick={clear}>
            Select nobody
          </button>
          <button type="button" class="small danger" onClick={() => setIsErasing(true)}>
            Erase those selected…
          </button>
        </>
      )}
      {isErasing && (
        <Erase
          ids={[...ids]}
          onClose={(hasBegun) => {
            setIsErasing(false);
            if (!hasBegun) return;
            clear();
            reload();
          }}
        />
      )}
    </div>
  );
}

/** Asks for the number, which nobody types by mistake. */
function Erase({ ids, onClose }) {
  const { call } = useConsole();
  const { start, waiting } = useRun();
  const [typed, setTyped] = useState("");
  const [state, setState] = useState(/** @type {any} */ (undefined));
  const close = () => onClose(state !== undefined);

  async function erase(event) {
    event.preventDefault();
    setState({});
    const tell = (news) => setState((state) => ({ ...state, ...news }));
    const work = ({ signal, wait }) =>
      eraseAll({ ids, send: (body) => call({ ...BATCH, body }, signal), wait, onProgress: (sum) => tell({ sum }) });
    // It is cancelled by closing the dialog.
    start(work).then(
      (failed) => tell({ failed, isDone: true }),
      () => {},
    );
  }

  if (state) return <Erasing ids={ids} state={state} waiting={waiting} onClose={close} />;
  return (
    <Dialog title={`Erase ${count(ids.length, "user")}`} onClose={close}>
      <form onSubmit={erase}>
        <p>
          Everything that is stored of <strong>{count(ids.length, "user")}</strong> goes, for good. It can't be undone.
        </p>
        <Field label={`Type ${ids.length} to confirm`}>
          {(field) => (
            <input
              {...field}
              type="text"
              inputmode="numeric"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
              {...VERBATIM}
            />
          )}
        </Field>
        <Curl request={{ ...BATCH, body: erasureBody(ids.slice(0, 3)) }} />
        <div class="actions end">
          <button type="button" onClick={close}>
            Keep
          </button>
          <button type="submit" class="danger-solid" disabled={typed.trim() !== String(ids.length)}>
            Erase for good
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Erasing({ ids, state: { sum, failed, isDone }, waiting, onClose }) {
  const { erased = 0, absent = 0, done = 0, refused = [] } = sum ?? {};
  return (
    <Dialog title={isDone ? "Erased" : "Erasing"} onClose={onClose}>
      <progress max={ids.length} value={done} aria-label="Users dealt with" />
      <p role="status">
        {count(erased, "user")} erased{absent > 0 && ` · ${number(absent)} were gone already`}
        {refused.length > 0 && ` · ${number(refused.length)} refused`}
      </p>
      {!isDone && <Waiting seconds={waiting} />}
      {failed && <Failure answer={failed} />}
      {refused.length > 0 && (
        <Notice kind="bad" title="Refused">
          <ul>
            {refused.slice(0, 10).map(({ id, reason }) => (
              <li key={id}>
                <span class="mono">{id}</span>: {reason}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <div class="actions end">
        <button type="button" onClick={onClose}>
          {isDone ? "Close" : "Stop"}
        </button>
      </div>
    </Dialog>
  );
}
