// Projects: storage, limits, and how near they are.

import { useState } from "preact/hooks";
import { projectPath } from "../data/api.mjs";
import { plain } from "../data/lossless.mjs";
import { storageText } from "../data/moving.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field } from "../parts/field.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { href } from "../parts/route.mjs";
import { useSubmit } from "../parts/submit.mjs";
import { Table } from "../parts/table.jsx";
import { Time } from "../parts/time.jsx";
import { Inside } from "./inside.jsx";
import { Storage } from "./move.jsx";
import { Usage } from "./usage.jsx";

const LIST = { as: "admin", path: "/v1/projects" };

/** Policy, name, what counts. */
const POLICIES = [
  ["users", "Users", "Reads, writes and deletions of one user, and lists"],
  ["batch", "Batches", "Up to 1,000 users a request"],
  ["ingest", "Ingest", "Requests of analytics SDKs"],
  ["query", "Questions", "Counts and searches of people, and exports"],
];

export function Projects() {
  const { answer, reload } = useAnswer(LIST);
  const projects = answer?.status === 200 ? plain(answer.tree.get("projects")) : undefined;
  /** @type {import("../parts/table.jsx").Column[]} */
  const columns = [
    { label: "Project", kind: "id", cell: ({ name }) => <a href={href(["projects", name])}>{name}</a> },
    { label: "Storage", cell: ({ storage }) => storageText(storage) },
    { label: "Created", cell: ({ created_at }) => <Time value={created_at} /> },
  ];
  return (
    <Page title="Projects" lead="Each has people, keys and limits of its own.">
      <Panel title="All" note={projects && String(projects.length)}>
        {!answer && <Loading what="the projects" />}
        {answer?.error && <Failure answer={answer} retry={reload} />}
        {projects?.length === 0 && (
          <Empty title="No project yet">
            <p>
              The first key makes one. <a href={href(["keys"])}>Make a key</a>
            </p>
          </Empty>
        )}
        {projects?.length > 0 && <Table label="Projects" columns={columns} rows={projects} id={({ name }) => name} />}
        <Curl request={LIST} />
      </Panel>
    </Page>
  );
}

export function Project({ name }) {
  const request = { as: "admin", path: projectPath(name) };
  const { answer, reload } = useAnswer(request);
  const [movedTo, setMovedTo] = useState(/** @type {import("../data/moving.mjs").Storage | undefined} */ (undefined));
  const project = answer?.status === 200 ? plain(answer.tree.get("project")) : undefined;
  return (
    <Page
      title={name}
      lead={
        project && (
          <>
            {storageText(movedTo ?? project.storage)} · created <Time value={project.created_at} />
          </>
        )
      }
      back={
        <a class="back" href={href(["projects"])}>
          ← Projects
        </a>
      }
    >
      {!answer && (
        <Panel>
          <Loading what="the project" />
        </Panel>
      )}
      {answer?.status === 404 && (
        <Panel>
          <Empty title="No project has this name">
            <p>
              <a href={href(["projects"])}>See all projects</a>
            </p>
          </Empty>
        </Panel>
      )}
      {answer?.error && answer.status !== 404 && <Failure answer={answer} retry={reload} />}
      {project && (
        <>
          <Inside name={name} />
          <Storage name={name} storage={movedTo ?? project.storage} setStorage={setMovedTo} />
          <Usage name={name} policies={POLICIES} />
          <Panel title="Limits" note="Requests that are admitted in any stretch of so many seconds">
            <div class="limits">
              {POLICIES.map(([policy, label, about]) => (
                <Limit
                  key={`${policy}${JSON.stringify(project.rate_limits[policy])}`}
                  {...{ name, policy, label, about, reload }}
                  stored={project.rate_limits[policy]}
                />
              ))}
            </div>
            <Curl request={request} />
          </Panel>
        </>
      )}
    </Page>
  );
}

const isCount = (text) => /^[1-9]\d*$/.test(text);

function Limit({ name, policy, label, about, stored, reload }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  const [limit, setLimit] = useState(String(stored.limit));
  const [seconds, setSeconds] = useState(String(stored.window_seconds));
  const isSame = Number(limit) === stored.limit && Number(seconds) === stored.window_seconds;
  const isSound = isCount(limit) && isCount(seconds);
  const requestFor = (value) => ({
    as: "admin",
    method: "PUT",
    path: projectPath(name),
    body: JSON.stringify({ rate_limits: { [policy]: value } }),
  });
  const wish = requestFor({ limit: Number(limit), window_seconds: Number(seconds) });

  async function put(request) {
    const answer = await submit(request);
    if (answer.error) return;
    announce(`The limit for ${label.toLowerCase()} is set`);
    reload();
  }
  const save = (event) => {
    event.preventDefault();
    if (isSound && !isSame) put(wish);
  };

  return (
    <form class="limit" onSubmit={save} noValidate aria-label={`Limit for ${label.toLowerCase()}`}>
      <div>
        <h3>
          {label} <span class="badge">{stored.default ? "Default" : "Its own"}</span>
        </h3>
        <p class="note">{about}</p>
      </div>
      <div class="limit-fields">
        <Field label="Requests" error={isCount(limit) ? undefined : "A number from 1"}>
          {(field) => (
            <input
              {...field}
              type="text"
              inputMode="numeric"
              value={limit}
              onInput={(event) => setLimit(event.currentTarget.value.trim())}
            />
          )}
        </Field>
        <Field label="in seconds" error={isCount(seconds) ? undefined : "A number from 1"}>
          {(field) => (
            <input
              {...field}
              type="text"
              inputMode="numeric"
              value={seconds}
              onInput={(event) => setSeconds(event.currentTarget.value.trim())}
            />
          )}
        </Field>
        <div class="actions">
          <button type="submit" class="primary" disabled={isSame || !isSound || isBusy}>
            {isBusy ? "Saving…" : "Save"}
          </button>
          {!stored.default && (
            <button type="button" disabled={isBusy} onClick={() => put(requestFor(null))}>
              Default
            </button>
          )}
        </div>
      </div>
      {refused && <Failure answer={refused} />}
      {!isSame && isSound && <Curl request={wish} />}
    </form>
  );
}
