// Where a project's users live, and moving them while it serves.

import { useEffect, useState } from "preact/hooks";
import { projectPath } from "../data/api.mjs";
import { plain } from "../data/lossless.mjs";
import { JURISDICTIONS, progressText, STATES, storageText, TARGETS } from "../data/moving.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field } from "../parts/field.jsx";
import { useLive } from "../parts/live.mjs";
import { Loading, Notice } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { useSubmit } from "../parts/submit.mjs";
import { Time } from "../parts/time.jsx";

/** @import { Move, Storage } from "../data/moving.mjs" */

const [RUNNING_MS, RESTING_MS] = [1000, 15_000];

const requestOf = (project) => ({ as: "admin", path: `${projectPath(project)}/move` });
const moveOf = (answer) => (answer?.status === 200 ? plain(answer.tree.get("move")) : undefined);

/** @param {{ name: string, storage: Storage, setStorage: (storage: Storage) => void }} props */
export function Storage({ name, storage, setStorage }) {
  const request = requestOf(name);
  const restOf = (answer) => (STATES[moveOf(answer)?.state]?.isRunning ? RUNNING_MS : RESTING_MS);
  const { answer, reload: look } = useLive(request, restOf);
  const [doing, setDoing] = useState(/** @type {"move" | "end" | undefined} */ (undefined));
  /** @type {Move | undefined} */
  const move = moveOf(answer);
  // However fast it was: nobody may have seen it run.
  const newHome = move && STATES[move.state]?.hasArrived ? storageText(move.to) : undefined;
  useEffect(() => {
    if (move && newHome !== undefined && newHome !== storageText(storage)) setStorage(move.to);
  }, [newHome]);
  const state = move && STATES[move.state];
  const close = () => setDoing(undefined);
  return (
    <Panel
      title="Storage"
      note={storageText(storage)}
      actions={
        answer &&
        !state?.isRunning && (
          <button type="button" class="small" onClick={() => setDoing("move")}>
            Move…
          </button>
        )
      }
    >
      {!answer && <Loading what="the latest move" />}
      {answer?.error && answer.error.code !== "MOVE_NOT_FOUND" && <Failure answer={answer} retry={look} />}
      {move && <Progress move={move} mayEnd={state?.mayEnd} end={() => setDoing("end")} />}
      {answer?.error?.code === "MOVE_NOT_FOUND" && <p class="note">It was never moved.</p>}
      <Curl request={request} />
      {doing === "move" && <Begin name={name} storage={storage} onClose={close} look={look} />}
      {doing === "end" && <End name={name} onClose={close} look={look} />}
    </Panel>
  );
}

/** @param {{ move: Move, mayEnd: boolean | undefined, end: () => void }} props */
function Progress({ move, mayEnd, end }) {
  const { state, from, to, copied, total, since, error } = move;
  const about = STATES[state] ?? { text: state };
  return (
    <>
      <p>
        {storageText(from)} → <strong>{storageText(to)}</strong>{" "}
        <span class="note">
          begun <Time value={since} />
        </span>
      </p>
      {about.isRunning && (
        <progress max={Math.max(total, 1)} value={Math.min(copied, total)} aria-label="Users copied" />
      )}
      <p role="status">
        {about.text} <span class="note">{progressText(move)}</span>
      </p>
      {error && (
        <Notice title="The last step failed, and is tried again">
          <p>{error}</p>
        </Notice>
      )}
      {mayEnd && (
        <div class="actions">
          <button type="button" class="small danger" onClick={end}>
            Give up…
          </button>
        </div>
      )}
    </>
  );
}

function Begin({ name, storage, onClose, look }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  /** @param {Storage} other */
  const isHere = ({ kind, buckets }) => kind === storage.kind && (kind === "d1" || buckets === storage.buckets);
  const [target, setTarget] = useState(() => TARGETS.findIndex(([, one]) => !isHere(one)));
  const [jurisdiction, setJurisdiction] = useState(storage.jurisdiction ?? "");
  const [, wished] = TARGETS[target];
  const isObjects = wished.kind === "objects";
  const body = JSON.stringify({
    storage: { ...wished, ...(isObjects && { jurisdiction: jurisdiction || null }) },
  });
  const request = { ...requestOf(name), method: "POST", body };
  async function begin(event) {
    event.preventDefault();
    const answer = await submit(request);
    if (answer.error) return;
    announce(answer.status === 200 ? "It is there already" : `${name} moves`);
    look();
    onClose();
  }
  return (
    <Dialog title={`Move ${name}`} onClose={onClose}>
      <form onSubmit={begin}>
        <p class="note">
          The app goes on. Once all is copied, calls wait for a moment, up to 3 seconds, and go on in the new storage.
          Ids, times, revisions and followers' cursors stay.
        </p>
        <fieldset class="choices">
          <legend>To</legend>
          {TARGETS.map(([label, one, about], i) => (
            <label class="choice" key={label}>
              <input type="radio" name="target" checked={target === i} onChange={() => setTarget(i)} />
              <span>
                <strong>{label}</strong> {isHere(one) && <span class="badge">Now</span>}
                <span class="note">{about}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {isObjects && (
          <Field label="Jurisdiction" hint="The law that the objects stay under.">
            {(field) => (
              <select {...field} value={jurisdiction} onChange={(event) => setJurisdiction(event.currentTarget.value)}>
                <option value="">Any</option>
                {JURISDICTIONS.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        {refused && <Failure answer={refused} />}
        <Curl request={request} />
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {isBusy ? "Beginning…" : "Move it"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function End({ name, onClose, look }) {
  const { submit, isBusy, refused } = useSubmit();
  const request = { ...requestOf(name), method: "DELETE" };
  async function end() {
    if ((await submit(request)).error) return;
    look();
    onClose();
  }
  return (
    <Dialog title="Give the move up" onClose={onClose}>
      <p>The project stays where it is, and what was copied is removed. Another move begins from nothing.</p>
      {refused && <Failure answer={refused} retry={end} />}
      <Curl request={request} />
      <div class="actions end">
        <button type="button" onClick={onClose}>
          Go on moving
        </button>
        <button type="button" class="danger-solid" disabled={isBusy} onClick={end}>
          {isBusy ? "Giving up…" : "Give it up"}
        </button>
      </div>
    </Dialog>
  );
}
