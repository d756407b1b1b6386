// What is asked before a webhook is made, replayed, deleted, or gets another secret.

import { useState } from "preact/hooks";
import { plain } from "../data/lossless.mjs";
import { bodyOf, EVENTS, requests } from "../data/webhooks.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Curl } from "../parts/curl.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Failure } from "../parts/failure.jsx";
import { Field, VERBATIM } from "../parts/field.jsx";
import { Once } from "../parts/once.jsx";
import { useSubmit } from "../parts/submit.mjs";

/** @import { Webhook, Wish } from "../data/webhooks.mjs" */
/** @typedef {{ webhook: Webhook, onClose: () => void, reload: () => void }} Props */

/** @param {{ title: string, secret: string, note: string, onClose: () => void }} props */
const Secret = ({ title, secret, note, onClose }) => (
  <Dialog title={title} onClose={onClose}>
    <Once secret={secret} name="secret" />
    <p class="note">{note}</p>
    <div class="actions end">
      <button type="button" class="primary" onClick={onClose}>
        Done
      </button>
    </div>
  </Dialog>
);

/** @param {{ project: string | undefined, onClose: () => void, reload: () => void }} props */
export function MakeWebhook({ project = "default", onClose, reload }) {
  const { submit, isBusy, refused } = useSubmit();
  const projects = useAnswer({ as: "admin", path: "/v1/projects" }).answer;
  const [wish, setWish] = useState(
    /** @type {Wish} */ ({ project, url: "", events: EVENTS.map(([name]) => name), where: "", batch: "1" }),
  );
  const [isTried, setTried] = useState(false);
  const [secret, setSecret] = useState(/** @type {string | undefined} */ (undefined));
  const set = (part) => setWish({ ...wish, ...part });
  const { body, problem } = bodyOf(wish);
  const shown = isTried ? problem : {};
  const input = (name) => ({
    type: /** @type {const} */ ("text"),
    value: wish[name],
    onInput: (event) => set({ [name]: event.currentTarget.value }),
    ...VERBATIM,
  });

  async function make(event) {
    event.preventDefault();
    setTried(true);
    if (!body) return;
    const answer = await submit(requests.make(body));
    if (answer.error) return;
    reload();
    setSecret(answer.tree.get("secret"));
  }
  if (secret) {
    const note = "Give it to the server that is called, as a secret: it verifies each message by it.";
    return <Secret title="The webhook is made" secret={secret} note={note} onClose={onClose} />;
  }
  return (
    <Dialog title="Make a webhook" onClose={onClose}>
      <form onSubmit={make} noValidate>
        <Field label="URL" hint="On a public host, by https." error={shown.url}>
          {(field) => <input {...field} {...input("url")} placeholder="https://hooks.example.com/roster" />}
        </Field>
        <Field label="Project">{(field) => <input {...field} {...input("project")} list="webhook-projects" />}</Field>
        <datalist id="webhook-projects">
          {projects?.tree?.get("projects")?.map((one) => (
            <option key={one.get("name")} value={one.get("name")} />
          ))}
        </datalist>
        <fieldset>
          <legend>It gets</legend>
          {EVENTS.map(([name, label]) => (
            <label class="check" key={name}>
              <input
                type="checkbox"
                checked={wish.events.includes(name)}
                onChange={(event) => {
                  const isOn = event.currentTarget.checked;
                  set({
                    events: EVENTS.map(([one]) => one).filter((one) =>
                      one === name ? isOn : wish.events.includes(one),
                    ),
                  });
                }}
              />
              <span>{label}</span>
            </label>
          ))}
          {shown.events && <p class="field-error">{shown.events}</p>}
        </fieldset>
        <Field
          label="Only those who match"
          hint="A filter as JSON; empty: everybody. Deletions always pass. To keep a copy, leave it empty."
          error={shown.where}
        >
          {(field) => (
            <textarea
              {...field}
              class="code"
              rows={2}
              value={wish.where}
              onInput={(event) => set({ where: event.currentTarget.value })}
              {...VERBATIM}
            />
          )}
        </Field>
        <Field label="Changes a message" hint="1 to 100." error={shown.batch}>
          {(field) => <input {...field} {...input("batch")} inputMode="numeric" />}
        </Field>
        {refused && <Failure answer={refused} />}
        {body && <Curl request={requests.make(body)} />}
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {isBusy ? "Making…" : "Make webhook"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** @param {Props} props */
export function RotateWebhook({ webhook: { webhook_id: id }, onClose }) {
  const { submit, isBusy, refused } = useSubmit();
  const [secret, setSecret] = useState(/** @type {string | undefined} */ (undefined));
  const request = requests.rotate(id);
  async function rotate() {
    const answer = await submit(request);
    if (!answer.error) setSecret(plain(answer.tree).secret);
  }
  if (secret) {
    const note = "The one before signs too for 24 hours: give the new one to the server within that time.";
    return <Secret title="The new secret" secret={secret} note={note} onClose={onClose} />;
  }
  return (
    <Dialog title="Make a new secret" onClose={onClose}>
      <p>
        The present secret signs beside the new one for 24 hours. If one was made within the last 24 hours, the oldest
        of them ends now.
      </p>
      {refused && <Failure answer={refused} retry={rotate} />}
      <Curl request={request} />
      <div class="actions end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={isBusy} onClick={rotate}>
          {isBusy ? "Making…" : "Make new secret"}
        </button>
      </div>
    </Dialog>
  );
}

/** A moment as the browser's field has it, in local time. */
const localMinute = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** @param {Props} props */
export function ReplayWebhook({ webhook: { webhook_id: id, url }, onClose, reload }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  const [moment, setMoment] = useState(() => localMinute(Date.now() - 3_600_000));
  const since = Number.isNaN(Date.parse(moment)) ? undefined : new Date(moment).toISOString();
  const request = since && requests.replay(id, since);
  async function replay(event) {
    event.preventDefault();
    if (!request || (await submit(request)).error) return;
    announce(`${url} gets the changes again`);
    reload();
    onClose();
  }
  return (
    <Dialog title="Send changes again" onClose={onClose}>
      <form onSubmit={replay}>
        <p>Every user who changed since then is sent again as they are now, under new ids.</p>
        <Field label="Since" error={request ? undefined : "A date and a time"}>
          {(field) => (
            <input
              {...field}
              type="datetime-local"
              value={moment}
              onInput={(event) => setMoment(event.currentTarget.value)}
            />
          )}
        </Field>
        {refused && <Failure answer={refused} />}
        {request && <Curl request={request} />}
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={!request || isBusy}>
            {isBusy ? "Going back…" : "Send again"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** @param {Props} props */
export function RemoveWebhook({ webhook: { webhook_id: id, url }, onClose, reload }) {
  const { announce } = useConsole();
  const { submit, isBusy, refused } = useSubmit();
  const [typed, setTyped] = useState("");
  const host = URL.canParse(url) ? new URL(url).host : url;
  const request = requests.remove(id);
  async function remove(event) {
    event.preventDefault();
    if ((await submit(request)).error) return;
    announce("The webhook is deleted");
    onClose();
    reload();
  }
  return (
    <Dialog title="Delete this webhook" onClose={onClose}>
      <form onSubmit={remove}>
        <p>
          Nothing more is sent to <strong class="mono">{url}</strong>, what is not delivered yet included. It can't be
          undone.
        </p>
        <Field label={`Type ${host} to confirm`}>
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
        {refused && <Failure answer={refused} />}
        <Curl request={request} />
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Keep
          </button>
          <button type="submit" class="danger-solid" disabled={typed.trim() !== host || isBusy}>
            {isBusy ? "Deleting…" : "Delete for good"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
