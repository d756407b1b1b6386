// A new person: an id, and what is to be stored. Nobody who is there is changed.

import { useState } from "preact/hooks";
import { userPath } from "../data/api.mjs";
import { useConsole } from "../parts/context.mjs";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Page } from "../parts/page.jsx";
import { go, href, latestList, letGo } from "../parts/route.mjs";
import { Changes, Modes, TextEditor, useDraft } from "./draft.jsx";
import { Parts } from "./profile.jsx";

/** @param {{ suggested: string }} props */
export function NewPerson({ suggested }) {
  const { announce } = useConsole();
  const [id, setId] = useState(suggested);
  const [taken, setTaken] = useState(/** @type {string | undefined} */ (undefined));
  const draft = useDraft(id, {});

  async function save() {
    const known = await draft.submit({ as: "key", path: userPath(id) });
    if (known.status === 200) return setTaken(id);
    if (known.status !== 404) return undefined;
    if ((await draft.submit(draft.request)).error) return undefined;
    announce(`${id} is stored`);
    letGo();
    return go(href(["people", id]));
  }
  const field = (
    <Field label="User id" hint="Your own id of the person; it can't be changed later.">
      {(field) => (
        <input {...field} type="text" value={id} onInput={(event) => setId(event.currentTarget.value)} {...VERBATIM} />
      )}
    </Field>
  );
  return (
    <Page
      title="New person"
      back={
        <a class="back" href={latestList()}>
          ← People
        </a>
      }
    >
      <Modes draft={draft} />
      <div class="profile">
        <div inert={draft.isBusy}>
          {draft.mode === "fields" ? (
            <Parts draft={draft} mayWrite first={field} />
          ) : (
            <>
              {field}
              <TextEditor draft={draft} />
            </>
          )}
        </div>
        <div class="aside">
          {taken !== undefined && taken === id && (
            <p class="field-error" role="alert">
              There is a person with this id already: <a href={href(["people", id])}>open it</a>.
            </p>
          )}
          <Changes draft={draft} save={save} rebase={() => {}} />
        </div>
      </div>
    </Page>
  );
}
