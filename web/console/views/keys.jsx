// API keys: make, list, revoke.

import { useState } from "preact/hooks";
import { plain } from "../data/lossless.mjs";
import { identify } from "../data/session.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Once } from "../parts/once.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { go, href } from "../parts/route.mjs";
import { useSubmit } from "../parts/submit.mjs";
import { None, Table } from "../parts/table.jsx";
import { Time, TimeToTheHour } from "../parts/time.jsx";

/** The call that lists all keys. */
export const KEYS = { as: "admin", path: "/v1/keys" };

const SCOPES = [
  ["users:read", "Read people"],
  ["users:write", "Create and change people"],
  ["users:delete", "Erase people"],
  ["ingest", "Take what analytics SDKs send, and nothing else"],
];
const LIVES = [
  ["", "Never"],
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
];

function statusOf({ revoked_at, expires_at }) {
  if (revoked_at) return "Revoked";
  return expires_at && Date.parse(expires_at) <= Date.now() ? "Expired" : "Live";
}

export const isLive = (key) => statusOf(key) === "Live";

/**
 * @param {{ project?: string | undefined, isMaking?: boolean }} props the keys of a project, or all; `isMaking` begins with a
 *   new one
 */
export function Keys({ project, isMaking = false }) {
  const { answer, reload } = useAnswer(KEYS);
  const [doing, setDoing] = useState(/** @type {any} */ (isMaking ? "make" : undefined));
  const [showsDead, setShowsDead] = useState(false);
  const keys =
    answer?.status === 200
      ? plain(answer.tree.get("keys"))
          .filter((key) => project === undefined || key.project === project)
          .toSorted((a, b) => (a.created_at < b.created_at ? 1 : -1))
      : undefined;
  const stop = () => setDoing(undefined);
  const shown = keys?.filter((key) => showsDead || isLive(key));
  const dead = keys ? keys.filter((key) => !isLive(key)).length : 0;
  return (
    <Page
      title={project === undefined ? "Keys" : `Keys of ${project}`}
      lead="Who may call, and what they may do."
      back={
        project !== undefined && (
          <a class="back" href={href(["projects", project])}>
            ← {project}
          </a>
        )
      }
      actions={
        <button type="button" class="primary" onClick={() => setDoing("make")}>
          Make a key
        </button>
      }
    >
      <Panel
        title={showsDead ? "All keys" : "Live keys"}
        note={shown && String(shown.length)}
        actions={
          dead > 0 && (
            <button type="button" class="small" aria-pressed={showsDead} onClick={() => setShowsDead(!showsDead)}>
              Show {dead} revoked or expired
            </button>
          )
        }
      >
        {!answer && <Loading what="the keys" />}
        {answer?.error && <Failure answer={answer} retry={reload} />}
        {shown?.length === 0 && (
          <Empty title="No live key">
            <p>
              An app needs one to call.{" "}
              <button type="button" class="link" onClick={() => setDoing("make")}>
                Make the first
              </button>
            </p>
          </Empty>
        )}
        {shown?.length > 0 && <KeyTable keys={shown} revoke={setDoing} />}
        {project !== undefined && (
          <p class="note">
            <a href={href(["keys"])}>Keys of all projects</a>
          </p>
        )}
        <Curl request={KEYS} />
      </Panel>
      {doing === "make" && <Make project={project} onClose={stop} reload={reload} />}
      {doing?.key_id && <Revoke apiKey={doing} onClose={stop} reload={reload} />}
    </Page>
  );
}

function KeyTable({ keys, revoke }) {
  /** @type {import("../parts/table.jsx").Column[]} */
  const columns = [
    {
      label: "Name",
      kind: "id",
      cell: (key) => (
        <>
          <strong>{key.name}</strong>
          <span class="mono note">{key.prefix}…</span>
        </>
      ),
    },
    { label: "Project", kind: "word", cell: ({ project }) => <a href={href(["projects", project])}>{project}</a> },
    {
      label: "May",
      cell: ({ scopes }) => (
        <span class="scopes">
          {scopes.map((scope) => (
            <span class="badge" key={scope}>
              {scope}
            </span>
          ))}
        </span>
      ),
    },
    {
      label: "Last used",
      cell: ({ last_used_at }) =>
        last_used_at ? <TimeToTheHour value={last_used_at} /> : <span class="note">Never</span>,
    },
    {
      label: "Expires",
      cell: ({ expires_at }) => (expires_at ? <Time value={expires_at} /> : <span class="note">Never</span>),
    },
    { label: "State", cell: (key) => <span class={`state ${statusOf(key).toLowerCase()}`}>{statusOf(key)}</span> },
    {
      label: "Action",
      kind: "last",
      cell: (key) =>
        key.revoked_at ? (
          <None />
        ) : (
          <button type="button" class="small danger" aria-label={`Revoke ${key.name}`} onClick={() => revoke(key)}>
            Revoke…
          </button>
        ),
    },
  ];
  return <Table label="API keys" columns={columns} rows={keys} id={({ key_id }) => key_id} />;
}

/** Why no key can be made of this, by field. */
const problemOf = ({ name, scopes }) => ({
  name: name.trim() ? undefined : "Say what the key is for.",
  scopes: scopes.length > 0 ? undefined : "A key that may do nothing is of no use: choose at least one.",
});

function Make({ project = "default", onClose, reload }) {
  const { submit, isBusy, refused } = useSubmit();
  const projects = useAnswer({ as: "admin", path: "/v1/projects" }).answer;
  const [wish, setWish] = useState({
    name: "",
    project,
    scopes: ["users:read", "users:write", "users:delete"],
    days: "",
  });
  const [problem, setProblem] = useState(/** @type {{ name?: string, scopes?: string }} */ ({}));
  const [made, setMade] = useState();
  const set = (part) => setWish({ ...wish, ...part });
  const expiry = wish.days && {
    expires_at: new Date(Math.ceil(Date.now() / 60_000) * 60_000 + Number(wish.days) * 86_400_000).toISOString(),
  };
  const body = JSON.stringify({ name: wish.name.trim(), project: wish.project.trim(), scopes: wish.scopes, ...expiry });
  const request = { as: "admin", method: "POST", path: "/v1/keys", body };
  const toggle = (scope, isOn) =>
    set({
      scopes: SCOPES.map(([name]) => name).filter((name) => (name === scope ? isOn : wish.scopes.includes(name))),
    });

  async function make(event) {
    event.preventDefault();
    const found = problemOf(wish);
    setProblem(found);
    if (found.name || found.scopes) return;
    const answer = await submit(request);
    if (answer.error) return;
    reload();
    setMade(plain(answer.tree));
  }

  if (made) return <Made made={made} name={wish.name.trim()} onClose={onClose} />;
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <form onSubmit={make} noValidate>
        <Field label="Name" hint="What it is for, so that you know it again." error={problem.name}>
          {(field) => (
            <input
              {...field}
              type="text"
              value={wish.name}
              onInput={(event) => set({ name: event.currentTarget.value })}
              autoComplete="off"
              placeholder="checkout service"
            />
          )}
        </Field>
        <Field label="Project" hint="A new name makes a new project: a–z, 0–9, _ and -.">
          {(field) => (
            <input
              {...field}
              type="text"
              list="projects"
              value={wish.project}
              onInput={(event) => set({ project: event.currentTarget.value })}
              {...VERBATIM}
            />
          )}
        </Field>
        <datalist id="projects">
          {projects?.tree?.get("projects")?.map((project) => (
            <option key={project.get("name")} value={project.get("name")} />
          ))}
        </datalist>
        <fieldset>
          <legend>It may</legend>
          {SCOPES.map(([scope, text]) => (
            <label class="check" key={scope}>
              <input
                type="checkbox"
                checked={wish.scopes.includes(scope)}
                onChange={(event) => toggle(scope, event.currentTarget.checked)}
              />
              <span>
                {text} <span class="mono note">{scope}</span>
              </span>
            </label>
          ))}
          {problem.scopes && (
            <p class="field-error" role="alert">
              {problem.scopes}
            </p>
          )}
        </fieldset>
        <Field label="Expires">
          {(field) => (
            <select {...field} value={wish.days} onChange={(event) => set({ days: event.currentTarget.value })}>
              {LIVES.map(([days, text]) => (
                <option key={days} value={days}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        {refused && <Failure answer={refused} />}
        <Curl request={request} />
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {isBusy ? "Making…" : "Make key"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Made({ made, name, onClose }) {
  const { add, announce } = useConsole();
  async function use() {
    const found = await identify(made.key);
    if (found.error) return announce("The key can't be used yet: try again");
    add(found);
    onClose();
    return go(href(["people"]));
  }
  return (
    <Dialog title="The key is made" onClose={onClose}>
      <Once secret={made.key} name="key" />
      <p class="note">
        {name}, of the project {made.project}. Give it to the app as a secret.
      </p>
      <div class="actions end">
        <button type="button" onClick={use}>
          Look at its people
        </button>
        <button type="button" class="primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

function Revoke({ apiKey, onClose, reload }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  const request = { as: "admin", method: "DELETE", path: `/v1/keys/${encodeURIComponent(apiKey.key_id)}` };
  async function revoke() {
    const answer = await submit(request);
    if (answer.error) return;
    announce(`${apiKey.name} is revoked`);
    onClose();
    reload();
  }
  return (
    <Dialog title={`Revoke ${apiKey.name}`} onClose={onClose}>
      <p>
        Whoever calls with <strong class="mono">{apiKey.prefix}…</strong> (project {apiKey.project}) is refused at once.
        It can't be undone.
      </p>
      {apiKey.last_used_at && (
        <p>
          It was last used <TimeToTheHour value={apiKey.last_used_at} />.
        </p>
      )}
      {refused && <Failure answer={refused} retry={revoke} />}
      <Curl request={request} />
      <div class="actions end">
        <button type="button" onClick={onClose}>
          Keep
        </button>
        <button type="button" class="danger-solid" disabled={isBusy} onClick={revoke}>
          {isBusy ? "Revoking…" : "Revoke key"}
        </button>
      </div>
    </Dialog>
  );
}
