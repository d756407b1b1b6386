// Why a call failed, and the way on.

import { useConsole } from "./context.mjs";
import { Notice } from "./notice.jsx";

/** @type {Record<number, string>} */
const TITLES = {
  0: "Roster can't be reached",
  401: "This key is not accepted any more",
  403: "This key may not do that",
  404: "It is not there",
  429: "Too many requests just now",
  500: "Roster failed",
  503: "Roster's store is busy",
};

const UNKNOWN = { code: "UNREADABLE", message: "Nothing is known of what went wrong.", details: undefined };

/** @import { Answer } from "../data/api.mjs" */

/**
 * What went wrong, and the way on.
 * @param {{ answer: Answer, retry?: () => void }} props
 */
export function Failure({ answer, retry }) {
  const { signOut } = useConsole();
  const { status, error = UNKNOWN, retryAfter = 0, requestId } = answer;
  const permission = error.details?.required_permission;
  return (
    <Notice
      kind="bad"
      title={TITLES[status] ?? "Roster refused this"}
      actions={
        status === 401 ? (
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        ) : (
          retry && (
            <button type="button" onClick={retry}>
              Try again
            </button>
          )
        )
      }
    >
      <p>{permission ? `It needs the scope ${permission}. Sign in with a key that has it.` : error.message}</p>
      <Faults details={error.details} />
      {retryAfter > 0 && <p>The next call is admitted in {retryAfter} s.</p>}
      <p class="note">
        {[status || undefined, error.code, requestId && `request ${requestId}`].filter(Boolean).join(" · ")}
      </p>
    </Notice>
  );
}

function Faults({ details }) {
  if (!details?.errors)
    return details?.issue ? (
      <p>
        {details.pointer ?? details.field}: {details.issue}
      </p>
    ) : null;
  return (
    <ul>
      {details.errors.map(({ field, pointer, issue }) => (
        <li key={pointer + issue}>
          {pointer ?? field}: {issue}
        </li>
      ))}
    </ul>
  );
}

/**
 * Why a write was refused; if somebody else was faster, with the way to see what they did.
 * @param {{ answer: Answer, reload: () => void }} props
 */
export function Refusal({ answer, reload }) {
  if (answer.status !== 412) return <Failure answer={answer} />;
  return (
    <Notice
      kind="bad"
      title="Somebody else changed this user meanwhile"
      actions={
        <button type="button" onClick={reload}>
          Load what is stored now
        </button>
      }
    >
      <p>Nothing was written. Load what is stored now, and decide again; what you typed stays.</p>
    </Notice>
  );
}
