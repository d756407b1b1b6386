// What is stored of a person, each part in a panel, with what it will become.

import { Copy, Curl } from "../parts/curl.jsx";
import { Panel } from "../parts/page.jsx";
import { Time } from "../parts/time.jsx";
import { Members, Value } from "./fields.jsx";

/** @import { Draft } from "./draft.jsx" */

const CONTACTS = [
  ["email", "E-mail"],
  ["phone", "Phone"],
];

/**
 * The parts that can be edited, as fields. Without `mayWrite` they are there to read.
 * @param {{ draft: Draft, mayWrite: boolean, first?: import("preact").ComponentChildren }} props
 */
export function Parts({ draft: { shown, before, set }, mayWrite, first }) {
  const change = mayWrite ? set : undefined;
  const members = (name) => ({
    members: shown.get(name) ?? new Map(),
    before: before.get(name),
    path: [name],
    set: change,
  });
  const size = (name) => (shown.get(name)?.size > 0 ? String(shown.get(name).size) : undefined);
  return (
    <>
      <Panel title="Contacts">
        {first}
        <ul class="tree">
          {CONTACTS.map(([name, label]) => (
            <li key={name} class={shown.get(name) === before.get(name) ? "pair" : "pair changed"}>
              <span class="name">{label}</span>
              <Value
                label={label}
                value={shown.get(name)}
                before={before.get(name)}
                path={[name]}
                set={change}
                types={["text"]}
              />
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title="Properties" note={size("properties")}>
        <Members {...members("properties")} empty="No properties are stored." />
      </Panel>
      <Panel title="Came from" note={size("origin") ?? "What came first, as the app sent it"}>
        <Members {...members("origin")} empty="Nothing is stored of where this user came from." />
      </Panel>
    </>
  );
}

/** What Roster knows of a person, which nobody edits. */
export function Facts({ user, etag, request }) {
  const facts = [
    ["User id", user.get("external_id"), true],
    ["Roster's id", user.get("user_id"), true],
    ["Created", <Time value={user.get("created_at")} exact />],
    ["Latest change", <Time value={user.get("updated_at")} exact />],
    ["Revision", <span class="mono">{etag.replace(/^W\//, "").replaceAll('"', "")}</span>],
  ];
  return (
    <Panel title="About" class="facts">
      <dl class="pairs">
        {facts.map(([name, value, isCopied]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {isCopied ? (
                <span class="value">
                  <span class="mono">{value}</span>
                  <Copy text={value} name={`Copy ${name}`} />
                </span>
              ) : (
                value
              )}
            </dd>
          </div>
        ))}
      </dl>
      <Curl request={request} />
    </Panel>
  );
}
