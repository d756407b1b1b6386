// Finding a person, and walking through all.

import { useEffect, useState } from "preact/hooks";
import { userPath } from "../data/api.mjs";
import { pagePath } from "../data/exporting.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { href } from "../parts/route.mjs";
import { Selected, useSelection } from "./selection.jsx";
import { UserTable } from "./user_table.jsx";

const PAGE = 25;

export function People() {
  const [text, setText] = useState("");
  const [sought, setSought] = useState("");
  const seek = (event) => {
    event.preventDefault();
    setSought(text.trim());
  };
  const clear = () => {
    setText("");
    setSought("");
  };
  return (
    <Page title="People" lead="Everybody in this project.">
      <search>
        <form class="search" onSubmit={seek}>
          <Field
            label="Find by user id, e-mail or phone"
            hint="The whole id, address or number. The case of an id matters."
          >
            {(field) => (
              <div class="joined">
                <input
                  {...field}
                  type="text"
                  value={text}
                  onInput={(event) => setText(event.currentTarget.value)}
                  {...VERBATIM}
                  placeholder="user_123 or ada@example.com"
                />
                <button type="submit" class="primary">
                  Find
                </button>
                {sought && (
                  <button type="button" onClick={clear}>
                    Clear
                  </button>
                )}
              </div>
            )}
          </Field>
        </form>
      </search>
      {sought ? <Found key={sought} text={sought} /> : <Walk />}
    </Page>
  );
}

/** The calls that find somebody by this text: an id may look like anything. */
function seekingPaths(text) {
  const query = encodeURIComponent(text.toWellFormed());
  const paths = [userPath(text)];
  if (text.includes("@")) paths.push(`/v1/users?email=${query}`);
  if (text.startsWith("+")) paths.push(`/v1/users?phone=${query}`);
  // What no path can name is no id.
  return text === "." || text === ".." ? paths.slice(1) : paths;
}

function Found({ text }) {
  const { call } = useConsole();
  const [state, setState] = useState(/** @type {{ users?: any[], failed?: any, isCut?: boolean }} */ ({}));
  const [round, setRound] = useState(0);
  const requests = seekingPaths(text).map((path) => ({ as: "key", path }));
  useEffect(() => {
    const abort = new AbortController();
    const gather = (answers) =>
      setState({
        failed: answers.find(({ status, error }) => error && status !== 404 && status !== 400),
        users: merged(answers),
        isCut: answers.some(({ tree }) => tree?.get("pagination")?.get("has_more")),
      });
    setState({});
    Promise.all(requests.map((request) => call(request, abort.signal))).then(gather, () => {});
    return () => abort.abort();
  }, [round]);
  return (
    <Panel title="Found" note={state.users && `${state.users.length}${state.isCut ? " and more" : ""}`}>
      <FoundBody state={state} text={text} retry={() => setRound(round + 1)} />
      {requests.map((request) => (
        <Curl key={request.path} request={request} />
      ))}
    </Panel>
  );
}

function merged(answers) {
  const users = answers.flatMap(({ status, tree }) =>
    status !== 200 ? [] : (tree.get("users") ?? [tree.get("user")]),
  );
  return [...new Map(users.map((user) => [user.get("user_id"), user])).values()];
}

function FoundBody({ state, text, retry }) {
  if (state.failed) return <Failure answer={state.failed} retry={retry} />;
  if (!state.users) return <Loading what="people" />;
  if (state.users.length > 0) return <UserTable users={state.users} label="People found" />;
  return (
    <Empty title="Nobody here has exactly this">
      <p>
        {text.startsWith("usr_")
          ? "Roster's own ids (usr_…) can't be looked up: take your own id of the user."
          : "Check the spelling. The case of an id matters, and a phone begins with + and the country."}
      </p>
    </Empty>
  );
}

function Walk() {
  const [cursors, setCursors] = useState([undefined]);
  const request = { as: "key", path: pagePath(cursors.at(-1), PAGE) };
  const { answer, reload } = useAnswer(request);
  const selection = useSelection();
  // The page may be gone with those who were erased.
  const startOver = () => {
    setCursors([undefined]);
    reload();
  };
  const { users, next } = answer?.tree?.get("users")
    ? { users: answer.tree.get("users"), next: answer.tree.get("pagination").get("next_cursor") }
    : {};
  return (
    <Panel title="All" note={users?.length > 0 ? `Page ${cursors.length}, by user id` : undefined}>
      {!answer && <Loading what="people" />}
      {answer?.error && <Failure answer={answer} retry={reload} />}
      {users?.length === 0 && (
        <Empty title="Nobody yet">
          <p>
            People appear as your app sends them, or <a href={href("import")}>import a file</a>.
          </p>
        </Empty>
      )}
      {users?.length > 0 && (
        <>
          <Selected selection={selection} users={users} reload={startOver} />
          <UserTable users={users} label="All people" selecting={selection.column} />
        </>
      )}
      {(next || cursors.length > 1) && (
        <div class="pager">
          <button type="button" disabled={cursors.length === 1} onClick={() => setCursors(cursors.slice(0, -1))}>
            Previous
          </button>
          <button type="button" disabled={!next} onClick={() => setCursors([...cursors, next])}>
            Next
          </button>
        </div>
      )}
      <Curl request={request} />
    </Panel>
  );
}
