// Lists of people: finding, walking, erasing those who are selected, and what is shown when a call fails.

import { NAUGHTIES, NAUGHTY } from "../naughty.mjs";
import { refusal } from "./visit.mjs";

const FOUND = 'table[aria-label="People found"]';

/** As text, since JavaScript can't hold these numbers. */
const ADA = `{"user_id":"ada","email":"ada@example.com","phone":"+4915112345678","properties":{
  "name":"Ada Lovelace","plan":"pro","seats":12345678901234567890123,"price":1.10,"beta":true,"tags":["early","math"],
  "address":{"city":"London","geo":{"lat":51.5,"lon":-0.12}}},
  "origin":{"channel":"ios-app","campaign":"spring-launch"}}`;

export async function people(visit) {
  const { page, see, press, view, api, elsewhere } = visit;
  await see("Nobody yet");
  await view("people-empty");
  await api("POST", "/v1/users", ADA);
  const [name, note] = [`n ${NAUGHTY}`, { [NAUGHTY]: NAUGHTY, deep: { [NAUGHTY]: [NAUGHTY, { [NAUGHTY]: NAUGHTY }] } }];
  await api("POST", "/v1/users", { user_id: NAUGHTY, properties: { name, ...note }, origin: note });
  await api("POST", "/v1/users", {
    user_id: "naughty",
    properties: Object.fromEntries(NAUGHTIES.map((text, i) => [`n${i}`, text])),
    origin: Object.fromEntries(NAUGHTIES.filter((text) => [...text].length <= 128).map((text) => [text, 1])),
  });
  const users = Array.from({ length: 40 }, (_, i) => ({
    user_id: `user_${100 + i}`,
    email: `person${i}@example.com`,
    properties: { plan: i % 3 ? "free" : "pro" },
  }));
  await api("POST", "/v1/users/batch", { users });
  await elsewhere();
  await press("People");
  await see("user_100");
  await view("people");
  await press("Next");
  await see("user_139");
  await page.reload();
  await see("user_139");
  await press("Previous");
  await see("ada@example.com");
  await page.goBack();
  await see("user_139");
  await page.goBack();
  await see("ada@example.com");
}

const rowsOf = (page, table) => page.$$eval(`${table} tbody tr`, (rows) => rows.length);

/** By the one box: exactly, else by how a name or an e-mail begins. */
export async function finding(visit) {
  const { page, see, press, fill, view, seen, shows, isGone, type, api, until, forge } = visit;
  const { user_id: ownId } = JSON.parse((await api("GET", "/v1/users/ada")).text).user;
  seen.found = [];
  for (const text of [
    ...["ada", ownId, "ADA@Example.com", "+49 (151) 123-456.78", "0049 151 12345678"],
    ...["0151 12345678", "lovelace", "ada love", "ada@"],
  ]) {
    await fill("Find a person", text);
    await type("Enter");
    await shows(FOUND, "ada@example.com");
    seen.found.push(await rowsOf(page, FOUND));
    if (text === "ada") await view("people-found");
    await press("Clear");
    await isGone(FOUND);
  }
  await fill("Find a person", "person1");
  await type("Enter");
  await see("11 found among");
  await view("people-found-loosely");
  await page.reload();
  await see("11 found among");
  await fill("Find a person", "nobody@example.com");
  await type("Enter");
  await see("Nobody is found by this");
  await view("people-nobody");
  await press("Clear");
  await see("Page 1");

  // From anywhere, by keys alone.
  await press("Import");
  await see("Drop a file here");
  await type("/");
  await until(() => document.activeElement?.matches("[data-find]"));
  await page.keyboard.sendCharacter("person1");
  await type("Enter");
  await see("11 found among");
  const focused = () => page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).innerText);
  await type("ArrowDown");
  await type("ArrowDown");
  await type("ArrowUp");
  await type("ArrowDown");
  seen.walkedTo = await focused();
  await type("Enter");
  await see("Latest change");
  seen.opened = await page.$eval("h1", (heading) => heading.innerText);
  await type("Escape");
  await see("11 found among");
  await type("ArrowDown");
  await type("Escape");
  await until(() => document.activeElement?.matches("[data-find]"));
  await type("Escape");
  await see("Page 1");

  // A long walk shows what it finds, and stops.
  let calls = 0;
  const user = JSON.parse((await api("GET", "/v1/users/user_100")).text).user;
  await forge((request) => {
    if (!request.url().endsWith("/v1/users/query")) return undefined;
    calls += 1;
    const pagination = { limit: 25, has_more: true, next_cursor: `c${calls}` };
    const users = calls === 1 ? [user] : [];
    return calls > 2
      ? { after_ms: 60_000 }
      : { status: 200, body: { success: true, users, examined: 20_000, pagination } };
  });
  await fill("Find a person", "perso");
  await type("Enter");
  await see("1 found among 40,000 so far");
  await view("people-looking");
  await press("Stop");
  await see("1 found among 40,000 when it was stopped");
  await forge();
  await press("Clear");
}

/** Conditions, what is counted, and columns: kept by the address, and for the tab. */
export async function filtering(visit) {
  const { page, see, press, fill, choose, view, seen, shows, isGone, textOf } = visit;
  await press("Filter");
  await fill("Field", "properties.plan");
  await choose("Test", "eq");
  await fill("Value", "free");
  await press("Show these");
  await see("Page 1");
  await press("Next");
  await see("1 found among");
  await see("Page 2");
  await page.goBack();
  await see("25 found among");
  await fill("Value", "pro");
  await press("Show these");
  await see("15 found among");
  await press("Count");
  await see("15 in all");
  await view("people-filter");
  await page.reload();
  await see("15 found among");
  await press("Select this page");
  await see("15 selected");
  await press("Columns");
  await see("Columns beside the person");
  await isGone(".loading");
  await press("properties.plan");
  await view("people-columns");
  await press("Show");
  await isGone("dialog");
  await shows(FOUND, "pro");
  seen.columns = await textOf(`${FOUND} thead`);
  await press("Ada Lovelace");
  await see("Latest change");
  await press("← People");
  await see("15 found among");
  await press("Show everybody");
  await see("Page 1");
}

/** Over two pages, and nobody else. */
export async function erasingMany(visit) {
  const { page, see, press, fill, view, seen, isGone, tick, api, elsewhere } = visit;
  const ids = Array.from({ length: 30 }, (_, i) => `gone_${i + 10}`);
  await api("POST", "/v1/users/batch", { users: ids.map((user_id) => ({ user_id })) });
  await elsewhere();
  await press("People");
  await see("ada@example.com");
  await press("Select this page");
  await press("Next");
  await see("gone_39");
  await tick("Select gone_39");
  await press("Previous");
  await see("ada@example.com");
  await tick("Select ada");
  await see("25 selected");
  await view("people-selected");
  await press("Erase those selected…");
  await see("Everything that is stored of 25 users goes");
  await view("erase-many");
  await fill("Type 25 to confirm", "24");
  seen.eraseManyOff = await page.$$eval(
    "dialog button",
    (buttons) => buttons.find((one) => one.innerText === "Erase for good")?.disabled,
  );
  await fill("Type 25 to confirm", "25");
  await press("Erase for good");
  await see("25 users erased");
  await view("erased-many");
  await press("Close");
  await isGone("dialog");
  const left = await api("GET", "/v1/users?limit=100");
  seen.leftOver = JSON.parse(left.text)
    .users.map(({ external_id }) => external_id)
    .filter((id) => /^gone_/.test(id));
}

export async function refusedStates(visit) {
  const { see, press, view, forge, elsewhere } = visit;
  /** @type {[name: string, answer: object, words: string][]} */
  const states = [
    [
      "busy",
      refusal(503, "SERVICE_UNAVAILABLE", "The store is busy", { "Retry-After": "3" }),
      "Roster's store is busy",
    ],
    [
      "limited",
      refusal(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", { "Retry-After": "45" }),
      "Too many requests just now",
    ],
    [
      "forbidden",
      {
        status: 403,
        body: { code: "INSUFFICIENT_PERMISSIONS", message: "m", details: { required_permission: "users:read" } },
      },
      "may not do that",
    ],
    ["revoked", refusal(401, "REVOKED_API_KEY", "The key is revoked"), "not accepted any more"],
    ["unreachable", { fails: true }, "Roster can't be reached"],
    ["slow", { after_ms: 8000 }, "Roster is slow to answer"],
  ];
  for (const [name, answer, words] of states) {
    await forge(() => answer);
    await elsewhere();
    await press("People");
    await see(words);
    await view(`people-${name}`);
  }
  await forge();
  await elsewhere();
}
