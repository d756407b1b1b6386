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
  const { page, see, press, fill, view, seen, shows, type, api, elsewhere } = visit;
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
  await press("Previous");
  await see("ada@example.com");
  seen.found = [];
  for (const text of ["ada", "ada@example.com", "+4915112345678"]) {
    await fill("Find by user id, e-mail or phone", text);
    await type("Enter");
    await shows(FOUND, "ada@example.com");
    seen.found.push(await page.$$eval(`${FOUND} tbody tr`, (rows) => rows.length));
    if (text === "ada") await view("people-found");
    await press("Clear");
  }
  await fill("Find by user id, e-mail or phone", "nobody@example.com");
  await type("Enter");
  await see("Nobody here has exactly this");
  await view("people-nobody");
  await press("Clear");
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
