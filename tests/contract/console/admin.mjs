// The admin's views: keys and projects.

import { NAUGHTY } from "../naughty.mjs";
import { refusal } from "./visit.mjs";

const KEYS = 'table[aria-label="API keys"]';

export async function admin(visit) {
  const {
    page,
    see,
    press,
    fill,
    choose,
    view,
    seen,
    textOf,
    isThere,
    isGone,
    shows,
    api,
    signIn,
    adminToken,
    project,
  } = visit;
  await press("Keys");
  await see("The admin token shows this");
  await view("needs-admin");
  await signIn("Admin token", adminToken);
  await see("Who may call");
  await isThere(KEYS);
  await press("Make a key");
  await fill("Name", `console ${NAUGHTY}`);
  await fill("Project", project);
  await choose("Expires", "30");
  await view("key-make");
  await press("Make key");
  await see("Copy it now");
  await view("key-made");
  seen.madeKey = await textOf(".secret code");
  await press("Done");
  await isGone("dialog");
  seen.workedBefore = (await api("GET", "/v1/users?limit=1", undefined, seen.madeKey)).status;
  await shows(KEYS, "console <img");
  await view("keys");
  // Roster writes down the use of a key after it has answered.
  let used;
  do {
    const { keys } = JSON.parse((await api("GET", "/v1/keys", undefined, adminToken)).text);
    used = keys.find(({ prefix }) => seen.madeKey.startsWith(prefix))?.last_used_at;
  } while (!used);
  await page.reload();
  await see("within the hour");
  await press(`Revoke console ${NAUGHTY}`);
  await see("is refused at once");
  await see("It was last used within the hour");
  await view("key-revoke");
  await press("Revoke key");
  await see("is revoked");
  seen.workedAfter = (await api("GET", "/v1/users?limit=1", undefined, seen.madeKey)).status;
}

const slots = () =>
  Array.from({ length: 40 }, (_, i) => ({
    at: new Date(Date.now() - i * 1500).toISOString(),
    booked: 1 + ((i * 7) % 11),
  }));
const usage = (limit, slots) => ({ limit, window_seconds: 60, slots });

export async function projects(visit) {
  const { page, until, see, press, view, forge, seen, textOf, isThere, shows, type, api, adminToken, project } = visit;
  await api("PUT", "/v1/projects/elsewhere", {}, adminToken);
  await press("Projects");
  await until((name) => window.operator.control(name), project);
  await view("projects");
  await forge((request) =>
    request.url().endsWith("/usage") ? refusal(503, "SERVICE_UNAVAILABLE", "busy", { "Retry-After": "1" }) : undefined,
  );
  await press(project);
  await see("The limiter doesn't answer just now");
  await view("project-busy");
  const body = () => ({
    success: true,
    usage: {
      users: usage(500, slots()),
      batch: usage(100, slots().slice(0, 5)),
      ingest: usage(600, []),
      query: usage(60, []),
    },
  });
  await forge((request) => (request.url().endsWith("/usage") ? { status: 200, body: body() } : undefined));
  await see("of 500 booked in the last 60 s");
  seen.bars = (await page.$$(".bars rect")).length;
  await view("project");
  const limit = 'form[aria-label="Limit for users"]';
  await page.$eval(`${limit} input`, (field) => {
    field.focus();
    field.select();
  });
  await page.keyboard.sendCharacter("750");
  await isThere(`${limit} button.primary:enabled`);
  await type("Enter");
  await see("The limit for users is set");
  await shows(limit, "Its own");
  await forge();
  await press("← Projects");
  await press(project);
  await see("booked in the last");
  seen.usage = await textOf(".policy");
  await press("Count");
  await see("in all");
  await view("project-counted");
  await press("1 live key");
  await see(`Keys of ${project}`);
  await view("keys-of-project");
  await press(`← ${project}`);
  await see("with the key");
  await press("See them");
  await see("Everybody in this project");
  await page.goBack();
  await see("with the key");
  await press("Projects");
  await press("elsewhere");
  await press("Make a key to look with");
  await see("Make a key");
  seen.preset = await page.$eval("dialog input[list]", (field) => field.value);
  await press("Cancel");
  await press("← elsewhere");
  await see("the admin token does not");
  await view("project-without-key");
}
