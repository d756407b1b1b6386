// Finding a person, by one box or by conditions, and walking through all.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { filterOf, problem, rowsOf, rowsText } from "../data/asking.mjs";
import { may, useConsole } from "../parts/context.mjs";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { FIND, go, href, keepList } from "../parts/route.mjs";
import { ListColumns } from "./columns_dialog.jsx";
import { Conditions, NEW_ROW, useFields } from "./conditions.jsx";
import { All, Found, Matching } from "./lists.jsx";

/** @param {{ query: URLSearchParams }} props */
export function People({ query }) {
  const { session } = useConsole();
  const find = query.get("find") ?? "";
  const filter = query.get("filter") ?? "";
  const [isChoosing, setChoosing] = useState(false);
  useEffect(keepList, [query]);
  return (
    <Page
      title="People"
      lead="Everybody in this project."
      actions={
        may(session, "users:write") && (
          <a class="button primary" href={href(["people"], { new: "person" })}>
            New person
          </a>
        )
      }
    >
      <Box key={find} find={find} />
      <Filter key={filter} filter={filter} chooseColumns={() => setChoosing(true)} />
      <List key={`${find} ${filter}`} query={query} />
      {isChoosing && <ListColumns onClose={() => setChoosing(false)} />}
    </Page>
  );
}

function List({ query }) {
  const rows = rowsOf(query.get("filter"));
  if (query.get("find")) return <Found query={query} />;
  return rows.length > 0 && !problem(rows) ? (
    <Matching query={query} title="Matching" where={filterOf(rows)} rows={rows} />
  ) : (
    <All query={query} />
  );
}

/** The one box. It and the list are a keyboard's: / comes here, arrows walk the rows, Esc comes back and clears. */
function Box({ find }) {
  const [text, setText] = useState(find);
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  const clear = () => {
    setText("");
    if (find) go(href(["people"]));
  };
  useKeys(box, clear);
  useLayoutEffect(() => {
    if (history.state === FIND) box.current?.focus();
  }, []);
  const seek = (event) => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted) go(href(["people"], { find: wanted }), FIND);
    else clear();
  };
  return (
    <search>
      <form class="search" onSubmit={seek}>
        <Field
          label="Find a person"
          hint="Your id or Roster's, e-mail, phone, or how a name or an e-mail begins. The key / comes here."
        >
          {(field) => (
            <div class="joined">
              <input
                {...field}
                ref={box}
                data-find
                type="text"
                enterKeyHint="search"
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
                {...VERBATIM}
                placeholder="Ada, ada@example.com or user_123"
              />
              <button type="submit" class="primary">
                Find
              </button>
              {find && (
                <button type="button" onClick={clear}>
                  Clear
                </button>
              )}
            </div>
          )}
        </Field>
      </form>
    </search>
  );
}

function useKeys(box, clear) {
  const latest = useRef(clear);
  latest.current = clear;
  useEffect(() => {
    const follow = (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
      const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main td.id a")]);
      const focused = /** @type {HTMLElement} */ (document.activeElement);
      const at = links.indexOf(focused);
      const isFree = at >= 0 || focused === box.current || ["BODY", "H1", "MAIN"].includes(focused?.tagName);
      if (event.key === "ArrowDown" && isFree) links[at + 1]?.focus();
      else if (event.key === "ArrowUp" && at >= 0) (links[at - 1] ?? box.current)?.focus();
      else if (event.key === "Escape" && at >= 0) box.current?.focus();
      else if (event.key === "Escape" && focused === box.current) latest.current();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", follow);
    return () => removeEventListener("keydown", follow);
  }, []);
}

/** Conditions that are asked for as the address has them. */
function Filter({ filter, chooseColumns }) {
  const asked = rowsOf(filter);
  // On a phone it would stand before whom it means.
  const [isOpen, setOpen] = useState(asked.length > 0 && matchMedia("(min-width: 861px)").matches);
  const [rows, setRows] = useState(asked.length > 0 ? asked : [NEW_ROW]);
  const wish = rows.filter(({ field }) => field);
  const apply = (event) => {
    event.preventDefault();
    go(href(["people"], { filter: wish.length > 0 ? rowsText(wish) : "" }));
  };
  return (
    <>
      <div class="actions tools">
        <button type="button" class="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {asked.length > 0 ? `Filter · ${asked.length}` : "Filter"}
        </button>
        <button type="button" class="small" onClick={chooseColumns}>
          Columns
        </button>
      </div>
      {isOpen && (
        <Panel title="Filter" note="All of these must hold">
          <FilterForm rows={rows} setRows={setRows} apply={apply} isAsked={asked.length > 0} />
        </Panel>
      )}
    </>
  );
}

function FilterForm({ rows, setRows, apply, isAsked }) {
  const fields = useFields();
  return (
    <form onSubmit={apply}>
      <Conditions rows={rows} setRows={setRows} fields={fields} />
      <div class="actions">
        <button type="submit" class="primary" disabled={Boolean(problem(rows))}>
          Show these
        </button>
        {isAsked && (
          <button type="button" onClick={() => go(href(["people"]))}>
            Show everybody
          </button>
        )}
      </div>
    </form>
  );
}
