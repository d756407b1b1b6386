// The frame: who is signed in, where one is, and what was just done.

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { send } from "./data/api.mjs";
import { keep, restore } from "./data/session.mjs";
import { Console } from "./parts/context.mjs";
import { forgetList, goToFind, href, mayLeave, useRoute } from "./parts/route.mjs";
import { Activity } from "./views/activity.jsx";
import { Audience } from "./views/audience.jsx";
import { Export } from "./views/export.jsx";
import { Import } from "./views/import.jsx";
import { Keys } from "./views/keys.jsx";
import { NewPerson } from "./views/new_person.jsx";
import { People } from "./views/people.jsx";
import { Person } from "./views/person.jsx";
import { Project, Projects } from "./views/projects.jsx";
import { Properties } from "./views/properties.jsx";
import { NeedsToken, SignIn } from "./views/sign_in.jsx";
import { Webhooks } from "./views/webhooks.jsx";

/**
 * Name, heading, whose token it needs.
 * @type {[name: string, title: string, as: "key" | "admin"][]}
 */
const SECTIONS = [
  ["people", "People", "key"],
  ["activity", "Activity", "key"],
  ["audience", "Audience", "key"],
  ["properties", "Properties", "key"],
  ["import", "Import", "key"],
  ["export", "Export", "key"],
  ["keys", "Keys", "admin"],
  ["webhooks", "Webhooks", "admin"],
  ["projects", "Projects", "admin"],
];

export function App() {
  const [session, setSession] = useState(restore);
  const [announcement, announce] = useAnnouncement();
  const latest = useRef(session);
  latest.current = session;

  // Before it is seen: who is shown as signed in is so after a reload too, and who has signed out leaves nothing.
  useLayoutEffect(() => keep(session), [session]);
  const add = useCallback((token) => setSession((session) => ({ ...session, ...token })), []);
  const signOut = useCallback(() => {
    if (!mayLeave()) return;
    setSession({});
    forgetList();
    history.replaceState(null, "", location.pathname);
    dispatchEvent(new Event("hashchange"));
  }, []);
  const call = useCallback((request, signal) => send(request, latest.current[request.as]?.token ?? "", signal), []);
  const shared = useMemo(() => ({ session, add, signOut, call, announce }), [session]);

  return (
    <Console.Provider value={shared}>
      {session.key || session.admin ? <Frame session={session} signOut={signOut} /> : <SignIn />}
      <div class={announcement ? "toast shown" : "toast"} role="status" aria-live="polite">
        {announcement}
      </div>
    </Console.Provider>
  );
}

/** @returns {[announcement: string, announce: (text: string) => void]} */
function useAnnouncement() {
  const [announcement, setAnnouncement] = useState("");
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const announce = useCallback((text) => {
    clearTimeout(timer.current);
    setAnnouncement(text);
    timer.current = setTimeout(() => setAnnouncement(""), 5000);
  }, []);
  return [announcement, announce];
}

function Frame({ session, signOut }) {
  const { path, query } = useRoute();
  useSlash();
  const wanted = SECTIONS.find(([name]) => name === path[0]);
  const [name, title, as] = wanted ?? SECTIONS.find(([, , as]) => session[as]) ?? SECTIONS[0];
  return (
    <div class="frame">
      {/* biome-ignore lint/a11y/useValidAnchor: it leads there, but the address says which section is shown */}
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="side">
        <a class="brand" href={href(["people"])}>
          <img src="console/icon.svg" alt="" width="24" height="24" /> Roster
        </a>
        <nav aria-label="Sections">
          {SECTIONS.map(([section, label]) => (
            <a key={section} href={href([section])} aria-current={section === name ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <Account session={session} signOut={signOut} />
      </header>
      <main id="main" tabIndex={-1}>
        {session[as] ? (
          <View name={name} parameter={wanted && path[1]} query={query} />
        ) : (
          <NeedsToken as={as} title={title} />
        )}
      </main>
    </div>
  );
}

/** The slash brings to the box to find somebody, as it does elsewhere. */
function useSlash() {
  useEffect(() => {
    const follow = (event) => {
      const isTyping = event.target.closest("input, select, textarea, dialog");
      if (event.key !== "/" || event.altKey || event.ctrlKey || event.metaKey || isTyping) return;
      event.preventDefault();
      goToFind();
    };
    addEventListener("keydown", follow);
    return () => removeEventListener("keydown", follow);
  }, []);
}

// A link would lead to another section.
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Account({ session, signOut }) {
  const { key, admin } = session;
  return (
    <div class="account">
      {key && (
        <p>
          <span class="note">Project</span>
          <strong>{key.about.project}</strong>
          <span class="note">with the key {key.about.name}</span>
        </p>
      )}
      {admin && (
        <p>
          <span class="badge">Admin</span>
        </p>
      )}
      <button type="button" class="small" onClick={signOut}>
        Sign out
      </button>
    </div>
  );
}

const KeysOf = ({ query }) => {
  const project = query.get("project") ?? undefined;
  return <Keys key={project} project={project} isMaking={query.has("make")} />;
};

function View({ name, parameter, query }) {
  switch (name) {
    case "people":
      if (query.has("new")) return <NewPerson suggested={query.get("id") ?? ""} />;
      return parameter ? <Person key={parameter} id={parameter} /> : <People query={query} />;
    case "activity":
      return <Activity />;
    case "audience":
      return <Audience key={query.get("filter")} query={query} />;
    case "properties":
      return <Properties />;
    case "import":
      return <Import />;
    case "export":
      return <Export key={String(query)} query={query} />;
    case "keys":
      return <KeysOf query={query} />;
    case "webhooks":
      return <Webhooks key={query.get("project")} project={query.get("project") ?? undefined} />;
    default:
      return parameter ? <Project key={parameter} name={parameter} /> : <Projects />;
  }
}
