// A file before it is sent: which column goes where, what is to be decided, and what will be sent.

import { useEffect, useState } from "preact/hooks";
import { count, number } from "../data/text.mjs";
import { Code } from "../parts/curl.jsx";
import { Empty, Notice } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";
import { Columns } from "./columns.jsx";
import { Decisions } from "./decisions.jsx";

/** @import { Survey } from "../data/import_file.mjs" */

/**
 * What every record of the file becomes by this plan: first of a part of them, then of all.
 * @returns {Survey | undefined}
 */
function useSurvey(thread, plan) {
  const [survey, setSurvey] = useState(/** @type {Survey | undefined} */ (undefined));
  useEffect(() => {
    let isLatest = true;
    const take = (news) => isLatest && news && setSurvey(news);
    setSurvey((before) => before && { ...before, isDone: false });
    thread.ask("survey", plan, take).then(take);
    return () => {
      isLatest = false;
    };
  }, [thread, plan]);
  return survey;
}

export function Mapping({ thread, about, plan, setPlan, onSend, onCancel }) {
  const survey = useSurvey(thread, plan);
  return (
    <>
      {about.product && (
        <Notice title={`An export of ${about.product}`}>
          Its columns have their places already. Change what you want otherwise.
        </Notice>
      )}
      {plan.columns && (
        <Columns
          about={about}
          columns={plan.columns}
          types={survey?.columns}
          setColumns={(columns) => setPlan({ ...plan, columns })}
        />
      )}
      {survey && (
        <Decisions survey={survey} choices={plan.choices} setChoices={(choices) => setPlan({ ...plan, choices })} />
      )}
      <Sending name={about.name} survey={survey} onSend={onSend} onCancel={onCancel} />
    </>
  );
}

/** What will be sent, and what won't. */
function Sending({ name, survey, onSend, onCancel }) {
  const { wrong, total = 0, refused = 0, first = [], faults = [], isDone = false } = survey ?? {};
  const good = total - refused;
  return (
    <Panel title="What will be sent" note={name}>
      {wrong && (
        <Notice kind="bad" title="Not yet">
          {wrong}
        </Notice>
      )}
      {isDone && total === 0 && !wrong && (
        <Empty title="No user in this file">
          <p>It has a header, and no row.</p>
        </Empty>
      )}
      {!wrong && total > 0 && (
        <p role="status">
          <strong>{count(good, "user")}</strong> {good === 1 ? "is" : "are"} ready
          {refused > 0 && ` · ${number(refused)} ${refused === 1 ? "is" : "are"} refused`}
          {!isDone && " · still checking…"}
        </p>
      )}
      {faults.length > 0 && <Faults faults={faults} total={refused} />}
      {first.length > 0 && (
        <ol class="records">
          {first.map((record) => (
            <Preview key={record.line} record={record} />
          ))}
        </ol>
      )}
      <p class="note">
        Who is there already is merged: what the file leaves out stays. Refused rows come back as a file to correct.
      </p>
      <div class="actions end">
        <button type="button" onClick={onCancel}>
          Another file
        </button>
        <button type="button" class="primary" disabled={!isDone || !good} onClick={() => onSend(total)}>
          {isDone && good > 0 ? `Import ${count(good, "user")}` : "Import"}
        </button>
      </div>
    </Panel>
  );
}

function Faults({ faults, total }) {
  return (
    <Notice
      title={total > faults.length ? `The first ${faults.length} of ${number(total)} that are refused` : "Refused"}
    >
      <ul>
        {faults.map(({ line, reason, text }) => (
          <li key={line}>
            Line {line}: {reason} <span class="mono clip">{text}</span>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Preview({ record: { line, json } }) {
  return (
    <li>
      <span class="note">Line {line}</span>
      <Code label={`User of line ${line}`}>{json}</Code>
    </li>
  );
}
