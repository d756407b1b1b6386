// What becomes of the people, as it happens.

import { useEffect, useRef, useState } from "preact/hooks";
import { changesPath, MOST_CHANGES, rest, withPage } from "../data/following.mjs";
import { number } from "../data/text.mjs";
import { useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { Empty, Loading } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { href } from "../parts/route.mjs";
import { None, Table } from "../parts/table.jsx";
import { Time } from "../parts/time.jsx";

/** @import { Answer } from "../data/api.mjs" */
/** @import { Change } from "../data/following.mjs" */

/** Seconds until a page that nobody sees is looked at again. */
const HIDDEN_REST = 3;

const WORDS = { created: "Created", changed: "Changed", deleted: "Deleted" };

const COLUMNS = [
  { label: "User id", kind: "id", cell: ({ id }) => <a href={href(["people", id])}>{id}</a> },
  { label: "What", cell: ({ what }) => <span class="badge">{WORDS[what]}</span> },
  { label: "E-mail", cell: ({ email }) => email ?? <None /> },
  { label: "When", cell: ({ at }) => <Time value={at} /> },
];

/**
 * Follows from now on while it is not paused, and goes on without a gap.
 * @param {boolean} isPaused
 */
function useChanges(isPaused) {
  const { call } = useConsole();
  const [changes, setChanges] = useState(/** @type {Change[]} */ ([]));
  const [answer, setAnswer] = useState(/** @type {Answer | undefined} */ (undefined));
  const [round, setRound] = useState(0);
  const cursor = useRef(/** @type {string | undefined} */ (undefined));
  useEffect(() => {
    if (isPaused) return;
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const look = async () => {
      let seconds = /** @type {number | undefined} */ (HIDDEN_REST);
      if (document.visibilityState === "visible") {
        const seen = await call({ as: "key", path: changesPath(cursor.current) }, abort.signal).catch(() => undefined);
        if (!seen || abort.signal.aborted) return;
        if (seen.status === 200) {
          cursor.current = seen.tree.get("pagination").get("next_cursor");
          setChanges((before) => withPage(before, seen.tree.get("changes")));
        }
        setAnswer(seen);
        seconds = rest(seen);
      }
      if (seconds !== undefined) timer = setTimeout(look, seconds * 1000);
    };
    look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [isPaused, round]);
  // Only a cursor that can't be used is given up: all else goes on where it was.
  const begin = () => {
    if (answer?.status === 410 || answer?.status === 400) cursor.current = undefined;
    setAnswer(undefined);
    setRound((round) => round + 1);
  };
  return { changes, answer, path: changesPath(cursor.current), begin };
}

export function Activity() {
  const [isPaused, setPaused] = useState(false);
  const { changes, answer, path, begin } = useChanges(isPaused);
  return (
    <Page
      title="Activity"
      lead="What becomes of the people in this project, from now on."
      actions={
        <button type="button" onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Go on" : "Pause"}
        </button>
      }
    >
      <Panel title="Latest" note={isPaused ? "Paused: what comes meanwhile is shown when it goes on" : noteOf(changes)}>
        {!answer && <Loading what="changes" />}
        {answer?.error && <Failure answer={answer} retry={begin} />}
        {answer && !answer.error && changes.length === 0 && (
          <Empty title="Nothing has changed yet">
            <p>Whoever is created, changed or deleted from now on appears here, the latest first.</p>
          </Empty>
        )}
        {changes.length > 0 && (
          <Table label="Latest changes" columns={COLUMNS} rows={changes} id={(change) => change.number} />
        )}
        <Curl request={{ as: "key", path }} />
      </Panel>
    </Page>
  );
}

/** @param {Change[]} changes */
const noteOf = ([latest]) =>
  latest &&
  (latest.number > MOST_CHANGES ? `The latest ${MOST_CHANGES} of ${number(latest.number)}` : `${latest.number}`);
