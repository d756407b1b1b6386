// One person: what is stored, edited in place, and erased.

import { useEffect, useState } from "preact/hooks";
import { userPath } from "../data/api.mjs";
import { titleOf } from "../data/profile.mjs";
import { may, useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Failure, Refusal } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { go, href, latestList, letGo } from "../parts/route.mjs";
import { useSubmit } from "../parts/submit.mjs";
import { Time } from "../parts/time.jsx";
import { Changes, Modes, TextEditor, useDraft } from "./draft.jsx";
import { Facts, Parts } from "./profile.jsx";

export function Person({ id }) {
  useEscape();
  const request = { as: "key", path: userPath(id) };
  const { answer, reload } = useAnswer(request);
  const back = (
    <a class="back" href={latestList()}>
      ← People
    </a>
  );
  if (answer?.status === 200)
    return (
      <Profile
        stored={{ user: answer.tree.get("user"), etag: answer.etag }}
        request={request}
        reload={reload}
        back={back}
      />
    );
  return (
    <Page title={id} back={back}>
      <Panel>
        {!answer && <Loading what="this person" />}
        {answer?.status === 404 && (
          <Empty title="Nobody has this user id">
            <p>
              Perhaps the user was erased. <a href={href(["people"])}>Find somebody else</a>, or{" "}
              <a href={href(["people"], { new: "person", id })}>make a person with this id</a>.
            </p>
          </Empty>
        )}
        {answer?.error && answer.status !== 404 && <Failure answer={answer} retry={reload} />}
        <Curl request={request} />
      </Panel>
    </Page>
  );
}

/** Esc goes back to the list, but where it ends what is typed or asked. */
function useEscape() {
  useEffect(() => {
    const follow = (event) => {
      if (event.key === "Escape" && !event.target.closest("input, select, textarea, dialog")) go(latestList());
    };
    addEventListener("keydown", follow);
    return () => removeEventListener("keydown", follow);
  }, []);
}

function Profile({ stored, request, reload, back }) {
  const { session, announce } = useConsole();
  const [isErasing, setErasing] = useState(false);
  const id = stored.user.get("external_id");
  const draft = useDraft(id, stored);
  const { user = stored.user, etag } = draft.stored;
  const title = titleOf(user, session.list?.names ?? []);
  const [mayWrite, mayDelete] = [may(session, "users:write"), may(session, "users:delete")];
  const isChanged = draft.listed.length > 0 || draft.problem !== undefined || draft.refused !== undefined;

  async function save() {
    if ((await draft.submit(draft.request)).error) return;
    announce(`${title} is saved`);
    await draft.refresh(false);
  }
  const rebase = async () => {
    if (!(await draft.refresh(true))) reload();
  };
  return (
    <Page
      title={title}
      lead={
        <>
          {title !== id && <span class="mono">{id} · </span>}
          changed <Time value={user.get("updated_at")} />
        </>
      }
      back={back}
      actions={
        <button
          type="button"
          class="danger"
          disabled={!mayDelete}
          title={mayDelete ? undefined : "The key lacks users:delete"}
          onClick={() => setErasing(true)}
        >
          Erase…
        </button>
      }
    >
      {mayWrite ? <Modes draft={draft} /> : <p class="note">Read-only: the key lacks users:write.</p>}
      <div class="profile">
        <div>
          {draft.mode === "fields" ? <Parts draft={draft} mayWrite={mayWrite} /> : <TextEditor draft={draft} />}
        </div>
        <div class="aside">
          {(isChanged || draft.mode !== "fields") && <Changes draft={draft} save={save} rebase={rebase} />}
          <Facts user={user} etag={etag} request={request} />
        </div>
      </div>
      {isErasing && <Erase id={id} etag={etag} onClose={() => setErasing(false)} reload={reload} />}
    </Page>
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
    letGo();
    announce(answer.tree.get("deleted") ? `${id} is erased` : `${id} was gone already`);
    go(latestList());
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
