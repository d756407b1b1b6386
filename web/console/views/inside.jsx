// What is in a project: its people, if a key of it is at hand, its keys and its webhooks.

import { plain } from "../data/lossless.mjs";
import { count } from "../data/text.mjs";
import { requests } from "../data/webhooks.mjs";
import { useAnswer, useConsole } from "../parts/context.mjs";
import { Failure } from "../parts/failure.jsx";
import { Loading } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { href } from "../parts/route.mjs";
import { isLive, KEYS } from "./keys.jsx";
import { Total } from "./total.jsx";

/** @param {{ name: string }} props */
export function Inside({ name }) {
  return (
    <div class="pair-of-panels">
      <People name={name} />
      <Keys name={name} />
      <Hooks name={name} />
    </div>
  );
}

function People({ name }) {
  const { key } = useConsole().session;
  if (key && key.about.project === name) {
    return (
      <Panel title="People" actions={<Total />}>
        <p>
          <a href={href(["people"])}>See them</a> <span class="note">with the key {key.about.name}</span>
        </p>
      </Panel>
    );
  }
  return (
    <Panel title="People">
      <p class="note">
        A key of this project shows and counts its people; the admin token does not.{" "}
        <a href={href(["keys"], { project: name, make: "key" })}>Make a key to look with</a>
      </p>
    </Panel>
  );
}

function Keys({ name }) {
  const { answer, reload } = useAnswer(KEYS);
  const keys = answer?.status === 200 ? plain(answer.tree.get("keys")).filter(({ project }) => project === name) : [];
  const live = keys.filter(isLive).length;
  return (
    <Panel title="Keys">
      {!answer && <Loading what="the keys" />}
      {answer?.error && <Failure answer={answer} retry={reload} />}
      {answer?.status === 200 && (
        <p>
          <a href={href(["keys"], { project: name })}>{count(live, "live key")}</a>
          {keys.length > live && <span class="note"> and {keys.length - live} revoked or expired</span>}
        </p>
      )}
    </Panel>
  );
}

function Hooks({ name }) {
  const { answer, reload } = useAnswer(requests.list(name));
  const webhooks = answer?.status === 200 ? plain(answer.tree.get("webhooks")) : [];
  const failing = webhooks.filter(({ state }) => state === "retrying" || state === "disabled").length;
  return (
    <Panel title="Webhooks">
      {!answer && <Loading what="the webhooks" />}
      {answer?.error && <Failure answer={answer} retry={reload} />}
      {answer?.status === 200 && (
        <p>
          <a href={href(["webhooks"], { project: name })}>{count(webhooks.length, "webhook")}</a>
          {failing > 0 && <span class="note">, and {failing} can't deliver just now</span>}
        </p>
      )}
    </Panel>
  );
}
