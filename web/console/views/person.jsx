// One person: what is stored, edit, erase.

import { useState } from "preact/hooks";
import { userPath } from "../data/api.mjs";
import { may, useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Failure, Refusal } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { go, href } from "../parts/route.mjs";
import { useSubmit } from "../parts/submit.mjs";
import { None } from "../parts/table.jsx";
import { Time } from "../parts/time.jsx";
import { Tree } from "../parts/tree.jsx";
import { Edit } from "./edit.jsx";

export function Person({ id }) {
  const request = { as: "key", path: userPath(id) };
  const { answer, reload } = useAnswer(request);
  const back = (
    <a class="back" href={href("people")}>
      ← People
    </a>
  );
  if (answer?.status === 200)
    return <Profile user={answer.tree.get("user")} etag={answer.etag} request={request} reload={reload} back={back} />;
  return (
    <Page title={id} back={back}>
      <Panel>
        {!answer && <Loading what="this person" />}
        {answer?.status === 404 && (
          <Empty title="Nobody has this user id">
            <p>
              Perhaps the user was erased. <a href={href("people")}>Find somebody else</a>
            </p>
          </Empty>
        )}
        {answer?.error && answer.status !== 404 && <Failure answer={answer} retry={reload} />}
        <Curl request={request} />
      </Panel>
    </Page>
  );
}

function Profile({ user, etag, request, reload, back }) {
  const { session } = useConsole();
  const [doing, setDoing] = useState(/** @type {"edit" | "erase" | undefined} */ (undefined));
  const id = user.get("external_id");
  const stop = () => setDoing(undefined);
  if (doing === "edit") return <Edit user={user} etag={etag} reload={reload} onDone={stop} back={back} />;
  const [mayWrite, mayDelete] = [may(session, "users:write"), may(session, "users:delete")];
  const actions = (
    <>
      <button
        type="button"
        disabled={!mayWrite}
        title={mayWrite ? undefined : "The key lacks users:write"}
        onClick={() => setDoing("edit")}
      >
        Edit
      </button>
      <button
        type="button"
        class="danger"
        disabled={!mayDelete}
        title={mayDelete ? undefined : "The key lacks users:delete"}
        onClick={() => setDoing("erase")}
      >
        Erase…
      </button>
    </>
  );
  return (
    <Page title={id} back={back} actions={actions}>
      <div class="profile">
        <div>
          <Members title="Properties" value={user.get("properties")} empty="No properties are stored." />
          <Members
            title="Came from"
            value={user.get("origin")}
            empty="Nothing is stored of where this user came from."
          />
        </div>
        <Panel title="About" class="facts">
          <Facts user={user} etag={etag} />
          <Curl request={request} />
        </Panel>
      </div>
      {doing === "erase" && <Erase id={id} etag={etag} onClose={stop} reload={reload} />}
    </Page>
  );
}

function Members({ title, value, empty }) {
  return (
    <Panel title={title} note={value.size > 0 ? String(value.size) : undefined}>
      {value.size > 0 ? <Tree value={value} /> : <p class="note">{empty}</p>}
    </Panel>
  );
}

function Facts({ user, etag }) {
  const facts = [
    ["User id", <span class="mono">{user.get("external_id")}</span>],
    ["E-mail", user.get("email") ?? <None />],
    ["Phone", user.get("phone") ?? <None />],
    ["Roster's id", <span class="mono">{user.get("user_id")}</span>],
    ["Created", <Time value={user.get("created_at")} exact />],
    ["Changed", <Time value={user.get("updated_at")} exact />],
    ["Revision", <span class="mono">{etag.replace(/^W\//, "").replaceAll('"', "")}</span>],
  ];
  return (
    <dl class="pairs">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Erase({ id, etag, onClose, reload }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  const [typed, setTyped] = useState("");
  const request = { as: "key", method: "DELETE", path: userPath(id), headers: { "If-Match": etag } };

  async function erase(event) {
    event.preventDefault();
    const answer = await submit(request);
    if (answer.error) return;
    announce(answer.tree.get("deleted") ? `${id} is erased` : `${id} was gone already`);
    go("people");
  }

  return (
    <Dialog title="Erase this person" onClose={onClose}>
      <form onSubmit={erase}>
        <p>
          Everything that is stored of <strong class="mono">{id}</strong> goes, for good. It can't be undone.
        </p>
        <Field label="Type the user id to confirm">
          {(field) => (
            <input
              {...field}
              type="text"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
              {...VERBATIM}
            />
          )}
        </Field>
        {refused && (
          <Refusal
            answer={refused}
            reload={() => {
              onClose();
              reload();
            }}
          />
        )}
        <Curl request={request} />
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Keep
          </button>
          <button type="submit" class="danger-solid" disabled={typed !== id || isBusy}>
            {isBusy ? "Erasing…" : "Erase for good"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
