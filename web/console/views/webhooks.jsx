// Webhooks: who is called when somebody changes, and how far behind each is.

import { useState } from "preact/hooks";
import { plain } from "../data/lossless.mjs";
import { lag, requests, trouble } from "../data/webhooks.mjs";
import { useConsole } from "../parts/context.mjs";
import { Code, Copy, Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { useLive } from "../parts/live.mjs";
import { Empty, Loading, Notice } from "../parts/notice.jsx";
import { Page, Panel } from "../parts/page.jsx";
import { href } from "../parts/route.mjs";
import { useSubmit } from "../parts/submit.mjs";
import { Time } from "../parts/time.jsx";
import { MakeWebhook, RemoveWebhook, ReplayWebhook, RotateWebhook } from "./webhook_dialogs.jsx";

/** @import { Webhook } from "../data/webhooks.mjs" */

const EVERY_MS = 5000;

/** @param {{ project: string | undefined }} props those of a project, or all */
export function Webhooks({ project }) {
  const request = requests.list(project);
  const { answer, reload } = useLive(request, () => EVERY_MS);
  const [isMaking, setMaking] = useState(false);
  /** @type {Webhook[] | undefined} */
  const webhooks = answer?.status === 200 ? plain(answer.tree.get("webhooks")) : undefined;
  return (
    <Page
      title={project === undefined ? "Webhooks" : `Webhooks of ${project}`}
      lead="Roster calls your server when somebody changes."
      back={
        project !== undefined && (
          <a class="back" href={href(["projects", project])}>
            ← {project}
          </a>
        )
      }
      actions={
        webhooks && (
          <button type="button" class="primary" onClick={() => setMaking(true)}>
            Make a webhook
          </button>
        )
      }
    >
      {(!webhooks || webhooks.length === 0) && (
        <Panel>
          {!answer && <Loading what="the webhooks" />}
          {answer?.error && <Failure answer={answer} retry={reload} />}
          {webhooks && (
            <Empty title="Nobody is called yet">
              <p>
                A webhook begins at now.{" "}
                <button type="button" class="link" onClick={() => setMaking(true)}>
                  Make the first
                </button>
              </p>
            </Empty>
          )}
        </Panel>
      )}
      {webhooks?.map((webhook) => (
        <Card key={webhook.webhook_id} webhook={webhook} reload={reload} />
      ))}
      <Curl request={request} />
      {isMaking && <MakeWebhook project={project} onClose={() => setMaking(false)} reload={reload} />}
    </Page>
  );
}

const STATES = { active: "Active", retrying: "Trying again", paused: "Paused", disabled: "Disabled" };
const DIALOGS = { replay: ReplayWebhook, rotate: RotateWebhook, remove: RemoveWebhook };

/** @param {{ webhook: Webhook, reload: () => void }} props */
function Card({ webhook, reload }) {
  const { webhook_id: id, project, url, events, where, batch, state, retrying, created_at } = webhook;
  const [doing, setDoing] = useState(/** @type {keyof typeof DIALOGS | undefined} */ (undefined));
  const Doing = doing && DIALOGS[doing];
  const fault = trouble(webhook);
  return (
    <Panel title={url} class="webhook">
      <p class="facts-line">
        <span class={`state ${state}`}>{STATES[state]}</span>
        <span>{lag(webhook)}</span>
        <a href={href(["projects", project])}>{project}</a>
        {events.map((event) => (
          <span class="badge" key={event}>
            {event}
          </span>
        ))}
        {batch > 1 && <span class="badge">up to {batch} a message</span>}
        <span class="note">
          made <Time value={created_at} />
        </span>
      </p>
      {where && <Code label="Whom it is about">{JSON.stringify(where)}</Code>}
      {fault && (
        <div class={state === "disabled" ? "notice bad" : "notice"}>
          <div>
            <strong>{fault}</strong>
            {retrying && (
              <p>
                The next try is due <Time value={retrying.next_at} exact />.
              </p>
            )}
          </div>
        </div>
      )}
      <Actions webhook={webhook} reload={reload} open={setDoing} />
      <p class="value note">
        <span class="mono">{id}</span>
        <Copy text={id} name={`Copy ${id}`} />
      </p>
      {Doing && <Doing webhook={webhook} onClose={() => setDoing(undefined)} reload={reload} />}
    </Panel>
  );
}

function Actions({ webhook: { webhook_id: id, url, state }, reload, open }) {
  const { announce } = useConsole();
  const test = useSubmit();
  const pause = useSubmit();
  const [tested, setTested] = useState(/** @type {any} */ (undefined));
  const isOff = state === "paused" || state === "disabled";

  async function send() {
    setTested(undefined);
    const answer = await test.submit(requests.test(id));
    if (!answer.error) setTested(plain(answer.tree));
  }
  async function turn() {
    if ((await pause.submit(requests.pause(id, !isOff))).error) return;
    announce(isOff ? "It goes on" : "It is paused");
    reload();
  }
  return (
    <>
      <div class="actions" role="group" aria-label={`What to do with ${url}`}>
        <button type="button" class="small" disabled={test.isBusy} onClick={send}>
          {test.isBusy ? "Sending…" : "Send a test"}
        </button>
        <button type="button" class="small" disabled={pause.isBusy} onClick={turn}>
          {isOff ? "Go on" : "Pause"}
        </button>
        <button type="button" class="small" onClick={() => open("replay")}>
          Replay…
        </button>
        <button type="button" class="small" onClick={() => open("rotate")}>
          New secret…
        </button>
        <button type="button" class="small danger" onClick={() => open("remove")}>
          Delete…
        </button>
      </div>
      {test.refused && <Failure answer={test.refused} retry={send} />}
      {pause.refused && <Failure answer={pause.refused} retry={turn} />}
      {tested && <Tested tested={tested} />}
    </>
  );
}

function Tested({ tested: { status, duration_ms, body, error } }) {
  const isGood = status >= 200 && status < 300;
  return (
    <Notice
      kind={isGood ? "good" : "bad"}
      title={status === null ? `No answer: ${error}` : `The test was answered ${status} in ${duration_ms} ms`}
    >
      {body && <Code label="The first of the answer">{body}</Code>}
    </Notice>
  );
}
