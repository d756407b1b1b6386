// Lists of people: all, those who match a filter, and those who are found by a text.

import { useEffect, useRef, useState } from "preact/hooks";
import { question, walk } from "../data/asking.mjs";
import { pagePath } from "../data/exporting.mjs";
import { exactRequests, looseSearch } from "../data/finding.mjs";
import { number } from "../data/text.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { go, href } from "../parts/route.mjs";
import { useRun, Waiting } from "../parts/transfer.jsx";
import { Selected, useSelection } from "./selection.jsx";
import { Total } from "./total.jsx";
import { UserTable } from "./user_table.jsx";

const PAGE = 25;
/** Users a call of a search that keeps few of those whom its filter means. */
const WIDE_PAGE = 1000;

/** What the address says of the page of a list. */
const pageOf = (query) => Number(query.get("page") ?? "1") || 1;
const addressOf = (query, chosen) => href(["people"], { ...Object.fromEntries(query), ...chosen });

/** Whether there are pages before and behind; those before are known unless the address was opened anew. */
function Pager({ query, next }) {
  const page = pageOf(query);
  const before = Array.isArray(history.state?.before) ? history.state.before : [];
  const isKnown = before.length === page - 1;
  if (!next && page === 1) return null;
  const back = () => {
    const cursor = isKnown ? before.at(-1) : "";
    const to = isKnown && page > 2 ? String(page - 1) : "";
    go(addressOf(query, { cursor, page: to }), { before: before.slice(0, -1) });
  };
  const on = () =>
    go(addressOf(query, { cursor: next, page: String(page + 1) }), { before: [...before, query.get("cursor") ?? ""] });
  return (
    <div class="pager">
      <button type="button" disabled={page === 1} onClick={back}>
        {isKnown ? "Previous" : "First page"}
      </button>
      <button type="button" disabled={!next} onClick={on}>
        Next
      </button>
    </div>
  );
}

/** @param {{ users: Map<string, any>[], label: string, reload: () => void, selection: ReturnType<typeof useSelection> }} props */
function Rows({ users, label, reload, selection }) {
  return (
    <>
      <Selected selection={selection} users={users} reload={reload} />
      <UserTable users={users} label={label} selecting={selection.column} />
    </>
  );
}

export function All({ query }) {
  const request = { as: "key", path: pagePath(query.get("cursor") ?? undefined, PAGE) };
  const { answer, reload } = useAnswer(request);
  const selection = useSelection();
  // The page may be gone with those who were erased.
  const startOver = () => {
    go(href(["people"]));
    reload();
  };
  const users = answer?.tree?.get("users");
  return (
    <Panel
      title="All"
      note={users?.length > 0 ? `Page ${pageOf(query)}, by user id` : undefined}
      actions={users?.length > 0 && <Total />}
    >
      {!answer && <Loading what="people" />}
      {answer?.error && <Failure answer={answer} retry={reload} />}
      {users?.length === 0 && (
        <Empty title="Nobody yet">
          <p>
            People appear as your app sends them, or <a href={href(["import"])}>import a file</a>.
          </p>
        </Empty>
      )}
      {users?.length > 0 && <Rows {...{ users, selection }} label="All people" reload={startOver} />}
      <Pager query={query} next={answer?.tree?.get("pagination")?.get("next_cursor")} />
      <Curl request={request} />
    </Panel>
  );
}

/** @import { Answer } from "../data/api.mjs" */

/**
 * @typedef {{
 *   is: "looking" | "done" | "stopped",
 *   users: Map<string, any>[],
 *   examined: number,
 *   next?: string,
 *   failed?: Answer,
 * }} Looked
 */

/**
 * Walks from a cursor until a page is full, all are looked through, or it is stopped.
 * @param {{ where: Map<string, any>, isMeant: (user: Map<string, any>) => boolean, from?: string, limit?: number }} asked
 */
function useLook({ where, isMeant, from, limit }) {
  const { call } = useConsole();
  const run = useRun();
  const [looked, setLooked] = useState(/** @type {Looked} */ ({ is: "looking", users: [], examined: 0 }));
  const latest = useRef(0);
  /** @param {Looked} begun */
  async function look(begun) {
    latest.current += 1;
    const turn = latest.current;
    /** What an earlier look still finds is of another page. @param {Looked} news */
    const show = (news) => turn === latest.current && setLooked(news);
    /** @type {Looked} */
    let sum = { ...begun, is: "looking", failed: undefined };
    show(sum);
    const outcome = await run
      .start(({ signal, wait }) =>
        walk({
          ask: (cursor) => {
            const body = { where, limit: limit ?? PAGE - sum.users.length, cursor };
            return call(question("/v1/users/query", body), signal);
          },
          wait,
          onAnswer: (tree) => {
            const users = [...sum.users, ...tree.get("users").filter(isMeant)];
            const next = tree.get("pagination").get("next_cursor") ?? undefined;
            sum = { ...sum, users, examined: sum.examined + Number(tree.get("examined")), next };
            show(sum);
          },
          from: begun.next,
          isEnough: () => sum.users.length >= (limit ? 1 : PAGE),
        }),
      )
      .catch(() => "stopped");
    const isStopped = outcome === "stopped";
    show({ ...sum, is: isStopped ? "stopped" : "done", failed: isStopped ? undefined : outcome });
  }
  const begin = () => look({ is: "looking", users: [], examined: 0, next: from });
  useEffect(() => {
    begin();
    return run.cancel;
  }, [from]);
  return { looked, begin, goOn: () => look(looked), stop: run.cancel, waiting: run.waiting };
}

/**
 * Those whom a filter means, a page at a time; `rows` are its conditions as a form has them.
 * @param {{
 *   query: URLSearchParams,
 *   title: string,
 *   where: Map<string, any>,
 *   rows?: import("../data/asking.mjs").Row[],
 *   isMeant?: (user: Map<string, any>) => boolean,
 * }} props
 */
export function Matching({ query, title, where, rows, isMeant }) {
  const from = query.get("cursor") ?? undefined;
  const limit = isMeant && WIDE_PAGE;
  const { looked, begin, goOn, stop, waiting } = useLook({ where, isMeant: isMeant ?? (() => true), from, limit });
  const selection = useSelection();
  const { is, users, examined, next, failed } = looked;
  const isDone = is === "done" && !failed;
  return (
    <Panel
      title={title}
      note={isDone && (next || pageOf(query) > 1) ? `Page ${pageOf(query)}` : undefined}
      actions={!isMeant && <Total where={where} rows={rows} />}
    >
      <div class="looking">
        <p role="status" class="note">
          {number(users.length)} found among {number(examined)} {is === "looking" && "so far"}
          {is === "stopped" && "when it was stopped"}
        </p>
        {is === "looking" && (
          <button type="button" class="small" onClick={stop}>
            Stop
          </button>
        )}
        {is === "stopped" && (
          <button type="button" class="small" onClick={goOn}>
            Go on
          </button>
        )}
      </div>
      {is === "looking" && <progress aria-label="Looking through people" />}
      <Waiting seconds={waiting} />
      {failed && <Failure answer={failed} retry={goOn} />}
      {users.length > 0 && <Rows {...{ users, selection }} label="People found" reload={begin} />}
      {isDone && users.length === 0 && <Nobody find={query.get("find")} />}
      {is !== "looking" && <Pager query={query} next={isMeant ? undefined : next} />}
      <Curl request={question("/v1/users/query", { where, limit: limit ?? PAGE })} />
    </Panel>
  );
}

function Nobody({ find }) {
  return (
    <Empty title={find ? "Nobody is found by this" : "Nobody matches"}>
      <p>
        {find
          ? "It is no id, e-mail or phone here, and no name or e-mail begins so. The case of an id matters."
          : "Change a condition, or show everybody."}
      </p>
    </Empty>
  );
}

/** First whoever has exactly this, else those whose name or e-mail begins so. */
export function Found({ query }) {
  const { session, call } = useConsole();
  const text = query.get("find");
  const isLoose = query.has("walk");
  const [state, setState] = useState(/** @type {{ users?: any[], failed?: any, isCut?: boolean }} */ ({}));
  const [round, setRound] = useState(0);
  const selection = useSelection();
  const requests = exactRequests(text);
  useEffect(() => {
    if (isLoose) return undefined;
    const abort = new AbortController();
    const gather = (answers) =>
      setState({
        // An id that is not to be had is nobody's.
        failed: answers.find(({ status, error }) => error && status !== 404 && status !== 400),
        users: merged(answers),
        isCut: answers.some(({ tree }) => tree?.get("pagination")?.get("has_more")),
      });
    setState({});
    Promise.all(requests.map((request) => call(request, abort.signal))).then(gather, () => {});
    return () => abort.abort();
  }, [round, isLoose]);
  const again = () => setRound(round + 1);
  const { users, failed, isCut } = state;
  if (isLoose || users?.length === 0) {
    const { where, isMeant } = looseSearch(text, session.list?.names ?? []);
    return <Matching query={query} title="Found" where={where} isMeant={isMeant} />;
  }
  return (
    <Panel title="Found" note={users && `${users.length}${isCut ? " and more" : ""}`}>
      {failed && <Failure answer={failed} retry={again} />}
      {!failed && !users && <Loading what="people" />}
      {users && !failed && (
        <>
          <Rows {...{ users, selection }} label="People found" reload={again} />
          <p class="note">
            Exactly this. <a href={addressOf(query, { walk: "1" })}>Look for names and e-mails that begin so</a>
          </p>
        </>
      )}
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
