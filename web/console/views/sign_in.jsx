// Signing in, with an API key or the admin token.

import { useState } from "preact/hooks";
import { identify } from "../data/session.mjs";
import { useConsole } from "../parts/context.mjs";
import { Failure } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { useSubmit } from "../parts/submit.mjs";

const REFUSED = {
  INVALID_API_KEY: "That is neither a key nor the admin token of this Roster.",
  REVOKED_API_KEY: "That key was revoked, or has expired.",
};

/** Why this is not the token that was asked for. */
function problemOf(found, expected) {
  if (found.error && found.status === 401) return REFUSED[found.error.code] ?? found.error.message;
  if (found.error || !expected || found[expected]) return undefined;
  return expected === "key"
    ? "That is the admin token, and not an API key."
    : "That is an API key, and not the admin token.";
}

/** @param {{ label: string, hint?: string, expected?: string }} props */
function TokenForm({ label, hint, expected }) {
  const { add } = useConsole();
  const [token, setToken] = useState("");
  const [isShown, setShown] = useState(false);
  const [problem, setProblem] = useState(/** @type {string | undefined} */ (undefined));
  const { submit, isBusy, refused } = useSubmit(identify);

  async function signIn(event) {
    event.preventDefault();
    const found = token.trim() ? await submit(token.trim()) : {};
    const fault = token.trim() ? problemOf(found, expected) : "Paste a key or the admin token first.";
    setProblem(fault);
    if (!fault && !found.error) add(found);
  }

  return (
    <form onSubmit={signIn} noValidate>
      <Field label={label} hint={hint} error={problem}>
        {(field) => (
          <div class="joined">
            <input
              {...field}
              type={/** @type {"text"} */ (isShown ? "text" : "password")}
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
              {...VERBATIM}
              placeholder={expected === "admin" ? "" : "ros_…"}
            />
            <button type="button" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
              Show
            </button>
          </div>
        )}
      </Field>
      {refused && !problem && <Failure answer={refused} />}
      <button type="submit" class="primary wide" disabled={isBusy}>
        {isBusy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}

export function SignIn() {
  return (
    <main class="sign-in">
      <div class="card">
        <img src="console/icon.svg" alt="" width="40" height="40" />
        <h1>Roster console</h1>
        <p class="lead">Look up people, manage keys and limits, import and export.</p>
        <TokenForm label="API key or admin token" hint="It stays in this tab, and is gone when you close it." />
        <dl class="explain">
          <dt>API key</dt>
          <dd>Shows the people of its project.</dd>
          <dt>Admin token</dt>
          <dd>Shows keys and projects. No key yet? Make one there.</dd>
        </dl>
      </div>
      <p class="note">
        The console calls the public API and nothing else: <a href="./">see the API</a>
      </p>
    </main>
  );
}

const NEEDS = {
  key: [
    "An API key shows this",
    "People belong to a project, and a key opens it. You stay signed in as admin.",
    "API key",
  ],
  admin: [
    "The admin token shows this",
    "Keys and projects are the admin's. You stay signed in with your key.",
    "Admin token",
  ],
};

/** In place of a section that the tokens at hand can't open. */
export function NeedsToken({ as, title }) {
  const [heading, text, label] = NEEDS[as];
  return (
    <Page title={title}>
      <Panel title={heading} class="narrow">
        <p class="lead">{text}</p>
        <TokenForm key={as} label={label} expected={as} />
      </Panel>
    </Page>
  );
}
