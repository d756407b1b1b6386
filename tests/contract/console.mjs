// Drives the console in headless Chromium, as an operator would, and prints what was seen as JSON.
// Usage: node console.mjs CHROMIUM URL ADMIN_TOKEN KEY PROJECT
// ROSTER_SHOTS=folder writes a picture of each view, ROSTER_CONSOLE_PICTURE=file the one of README.

import { join } from "node:path";
import { weakening } from "../doubles/weakening.mjs";
import { NAUGHTIES, NAUGHTY } from "./naughty.mjs";
import { operator } from "./operator.mjs";

const [chromium, server, adminToken, key, project] = process.argv.slice(2);
const { url, close: closeEdge } = await weakening(server);
const shots = process.env.ROSTER_SHOTS;
const { page, cdp, until, problems, see, press, fill, choose, look, picture, view, audit, forge, ...files } =
  await operator({ chromium, shots });
const { downloaded, chooseFile, dropFile, end } = files;
const seen = {};

const textOf = (selector) => page.$eval(selector, (one) => /** @type {HTMLElement} */ (one).innerText);
const isThere = (selector) => until((selector) => document.querySelector(selector), selector);
const isGone = (selector) => until((selector) => !document.querySelector(selector), selector);
/** Waits until what this selector finds shows this text. */
const shows = (selector, text) =>
  until((selector, text) => document.querySelector(selector)?.innerText.includes(text), selector, text);
/** Not by its place, which may move. */
const tick = async (label) => {
  await isThere(`[aria-label="${label}"]`);
  await page.$eval(`[aria-label="${label}"]`, (box) => /** @type {HTMLElement} */ (box).click());
};
const type = (key) => page.keyboard.press(key);

/** As text, since JavaScript can't hold these numbers. */
const ADA = `{"user_id":"ada","email":"ada@example.com","phone":"+4915112345678","properties":{
  "name":"Ada Lovelace","plan":"pro","seats":12345678901234567890123,"price":1.10,"beta":true,"tags":["early","math"],
  "address":{"city":"London","geo":{"lat":51.5,"lon":-0.12}}},
  "origin":{"channel":"ios-app","campaign":"spring-launch"}}`;
const FOUND = 'table[aria-label="People found"]';
const CHANGES = 'table[aria-label="Latest changes"]';
const KEYS = 'table[aria-label="API keys"]';

const refusal = (status, code, message, headers) => ({
  status,
  headers,
  body: { success: false, error: "", message, code },
});

const api = async (method, path, body, token = key) => {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text() };
};

async function signIn(label, token) {
  await fill(label, token);
  await press("Sign in");
}

/**
 * What the page puts off to its next frame waits for a second, so that what is seen can be held against what is done.
 */
async function holdTimers() {
  await page.evaluate(() => {
    const [timer, frame] = [window.setTimeout, window.requestAnimationFrame];
    window.requestAnimationFrame = () => 0;
    const later = (run, ms = 0, ...rest) => timer(run, ms + 1000, ...rest);
    Object.assign(window, { setTimeout: later });
    window.release = () => Object.assign(window, { setTimeout: timer, requestAnimationFrame: frame });
  });
  return () => page.evaluate(() => void window.release());
}

async function elsewhere() {
  await press("Export");
  await see("All people of this project, in one file.");
}

/** By the keyboard alone. */
async function signingIn() {
  await look(1440, "light");
  await page.goto(`${url}/console`);
  await see("Roster console");
  await view("sign-in");
  await signIn("API key or admin token", "ros_wrong");
  await see("neither a key nor the admin token");
  await view("sign-in-refused");
  await page.reload();
  await until(() => window.operator.control("Sign in"));
  const release = await holdTimers();
  await type("Tab");
  await page.keyboard.sendCharacter(key);
  await type("Tab");
  await type("Tab");
  await type("Enter");
  await see("Everybody in this project");
  seen.storage = await page.evaluate(() => [
    localStorage.length,
    Object.keys(sessionStorage).join(),
    location.href.includes("ros_"),
    document.cookie,
  ]);
  await release();
}

async function people() {
  await see("Nobody yet");
  await view("people-empty");
  await fetch(`${url}/v1/users`, { method: "POST", headers: { Authorization: `Bearer ${key}` }, body: ADA });
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

async function editing() {
  await press("ada");
  await see("12345678901234567890123");
  await see("1.10");
  await view("person");
  await press("As curl");
  seen.curl = await textOf("details[open].curl code");
  await press("Edit");
  const before = await page.$eval("textarea", (one) => one.value);
  seen.editText = before;
  await fill("The profile as JSON", before.replace('"pro"', '"enterprise"').replace('"beta": true,', '"trial": 2.50,'));
  await until(() => document.querySelectorAll(".changes li").length === 3);
  seen.changes = await textOf(".changes");
  await press("As curl");
  seen.editCurl = await textOf(".edit details.curl code");
  await view("edit");
  await press("Merge patch");
  seen.patch = await page.$eval("textarea", (one) => one.value);
  await fill("The merge patch as JSON", "{");
  await see("Not JSON");
  await view("edit-broken");
  await fill("The merge patch as JSON", seen.patch);
  let sent;
  await api("POST", "/v1/users", { user_id: "ada", properties: { plan: "free", meanwhile: true } });
  await forge((request) => {
    if (request.method() === "POST") sent = request.headers()["if-match"];
  });
  await press("Save");
  await see("Somebody else changed this user meanwhile");
  seen.ifMatch = sent;
  await view("edit-conflict");
  await forge();
  await press("Load what is stored now");
  await shows(".changes", "free");
  await press("Profile");
  await until(() => document.querySelector("textarea")?.value.includes("meanwhile"));
  await press("Save");
  await see("ada is saved");
  await see("enterprise");
}

async function naughty() {
  await press("← People");
  await press("naughty");
  await see("drop table");
  // As names and as values, each to the letter, and no element that a text has made.
  const shown = await Promise.all(
    [".name", ".leaf"].map((part) => page.$$eval(`main .pair ${part}`, (all) => all.map((one) => one.textContent))),
  );
  seen.naughty = shown.map((texts, place) =>
    NAUGHTIES.filter((text) => (place > 0 || text.length <= 128) && !texts.includes(text)),
  );
  seen.made = (await page.$$("main :is(img, script, a[href^=javascript], b)")).length;
  await view("person-naughty-texts");
  await press("← People");
  await press(NAUGHTY);
  await shows(".tree", "onerror");
  await view("person-naughty");
  seen.images = (await page.$$("main img")).length;
}

async function erasing() {
  await press("Erase…");
  await see("It can't be undone");
  await view("erase");
  seen.focusInDialog = await page.$eval("dialog", (dialog) => dialog.contains(document.activeElement));
  seen.eraseOff = await page.$$eval(
    "dialog button",
    (buttons) => buttons.find((one) => one.innerText === "Erase for good")?.disabled,
  );
  await type("Escape");
  await isGone("dialog");
  seen.focusBack = await page.evaluate(() => /** @type {HTMLElement | null} */ (document.activeElement)?.innerText);
  await press("Erase…");
  await fill("Type the user id to confirm", NAUGHTY);
  await press("Erase for good");
  await see("is erased");
}

/** Over two pages, and nobody else. */
async function erasingMany() {
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

async function refusedStates() {
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

async function importing() {
  await press("Import");
  await see("Drop a file here");
  await view("import");
  const rows = Array.from(
    { length: 1100 },
    (_, i) => `imp_${i},${i === 7 ? "not an address" : `i${i}@example.com`},1.10,"Name, ${i}",x`,
  );
  await dropFile("people.csv", `id,E-Mail,properties.price,Full name,junk\n${rows.join("\n")}\nshort,row\n`);
  await see("What will be sent");
  await choose("Place of junk", "skip");
  await shows(".records", '"Full name": "Name, 0"');
  await see("2 are refused");
  await view("import-map");
  seen.mapping = await textOf(".records pre");
  await press("Import 1,099 users");
  await see("1,099 stored");
  await see("Correct those that were refused");
  await view("import-done");
  await press("Download to correct");
  seen.refused = await downloaded("people.refused.csv");
  await press("Import another file");
  await chooseFile("more.ndjson", `{"user_id":"imp_7","properties":{"n":12345678901234567890123}}\n`);
  await press("Import 1 user");
  await see("1 user stored");
  await press("Import another file");
  await chooseFile("wrong.xlsx", Buffer.from("PK\x03\x04"));
  await see("this is a workbook");
  await chooseFile("wrong.csv", Buffer.from("user_id;properties.name\nold;J\xf6rg\n", "latin1"));
  await see("line 2 is not UTF-8");
  await view("import-wrong");
  await press("Read it as Windows-1252");
  await shows(".records", "Jörg");
  await press("Another file");
  await chooseFile("quotes.csv", 'user_id,name\nq1,"John\nq2,Jane\n');
  await see("The quote that opens in line 2 is never closed");
  await press("Another file");
  await mailchimp();
  await chooseFile("exported.csv", "user_id,email\n1.23457E+17,\n'exp|1,'exp@example.com\n");
  await see("1 row with a user id such as 1.23457E+17");
  await view("import-doubts");
  seen.offered = await page.$$eval("fieldset label.check", (labels) => {
    for (const label of labels) if (/Drop the apostrophe/.test(label.innerText)) label.click();
    return labels.map((label) => label.innerText.trim());
  });
  await shows(".records", '"exp|1"');
  await press("Import 1 user");
  await see("1 user stored");
  await press("Download to correct");
  seen.refusedId = await downloaded("exported.refused.csv");
  await press("Import another file");
  await largeFile();
}

/** A file of another product: its columns are placed, its phones are chosen for, and leaving while it is sent asks. */
async function mailchimp() {
  const people = Array.from({ length: 3 }, (_, i) => `mc${i}@example.com,Ann,(617) 555-010${i},0213${i},L${i},E${i}`);
  await chooseFile("members.csv", `Email Address,First Name,Phone Number,ZIP,LEID,EUID\n${people.join("\n")}\n`);
  await see("An export of Mailchimp");
  await see("3 phones in another form");
  await see("3 are refused");
  await page.$$eval("input[name=phones]", ([, , keep]) => keep.click());
  await fill("Country code of phones without one", "1");
  await see("3 tidied, 0 kept as text");
  await shows(".records", '"ZIP": "02130"');
  await view("import-product");
  await forge((request) => (request.method() === "POST" ? { after_ms: 60_000 } : undefined));
  await press("Import 3 users");
  await see("0 of 3 users");
  const asked = new Promise((resolve) => page.once("dialog", resolve));
  await page.$eval("nav a", (people) => void setTimeout(() => people.click()));
  const dialog = await asked;
  seen.leaving = dialog.message();
  await dialog.dismiss();
  await see("0 of 3 users");
  await forge();
  await press("Cancel");
  await press("Import another file");
}

/** How long a key waits while a large file is read, in milliseconds. */
async function largeFile() {
  const row = (i) =>
    `big_${i},i${i}@example.com,"Name, ${i}",${i % 97}.50,TRUE,0${1000 + (i % 8999)},${"text ".repeat(17)}`;
  const rows = Array.from({ length: 100_000 }, (_, i) => row(i)).join("\n");
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask" });
  });
  const begun = Date.now();
  await chooseFile("large.csv", `id,E-Mail,Full name,price,active,zip,note\n${rows}\n`);
  await isThere(".records li");
  seen.previewMs = Date.now() - begun;
  await see("Import 100,000 users");
  await fill("Name of note in properties", "remark");
  await shows(".records", '"remark"');
  await see("Import 100,000 users");
  seen.longestTaskMs = await page.evaluate(() => window.longest);
  await press("Another file");
}

async function asking() {
  await press("Properties");
  await see("properties.plan");
  await view("properties");
  seen.names = await page.$$eval('table[aria-label="Names in use"] tbody tr', (rows) => rows.length);
  await press("Audience");
  await see("Whom do these conditions mean");
  await fill("Field", "properties.plan");
  await choose("Test", "eq");
  await fill("Value", "pro");
  await fill("Break down by", "properties.plan");
  await press("Count");
  await isThere('table[aria-label="By properties.plan"]');
  await isThere('table[aria-label="First matches"]');
  await view("audience");
  seen.audience = await textOf('table[aria-label="By properties.plan"] tbody');
  await press("Export these people");
  await see("people exported");
  seen.audienceFile = (await downloaded(`${project}.audience.ndjson`)).trim().split("\n").length;
}

async function exporting() {
  await press("Export");
  await view("export");
  await press("Export as a file");
  await see("people exported");
  const lines = (await downloaded(`${project}.ndjson`)).split("\n");
  seen.ndjson = lines.find((line) => line.includes('"ada"'));
  await page.$$eval("input[type=radio]", ([, csv]) => csv.click());
  await fill("Only these columns", "user_id, zip");
  await see('There is no "zip".');
  await view("export-columns");
  await fill("Only these columns", "properties.plan, user_id, updated_at");
  await press("Export as a file");
  seen.csvHeader = (await downloaded(`${project}.csv`)).split("\n")[0];
  await page.$$eval("input[type=radio]", ([, , spreadsheet]) => spreadsheet.click());
  await page.$eval("fieldset input[type=text]", (field) => field.select());
  await page.keyboard.press("Delete");
  await press("Export as a file");
  seen.spreadsheet = (await downloaded(`${project}.spreadsheet.csv`)).slice(0, 47);
}

async function activity() {
  await press("Activity");
  await see("Nothing has changed yet");
  await view("activity-empty");
  const rows = () => page.$$eval(`${CHANGES} tbody tr`, (rows) => rows.map((row) => row.cells[0].innerText.trim()));
  await api("POST", "/v1/users", { user_id: NAUGHTY, email: "new@example.com" });
  await shows(CHANGES, "new@example.com");
  await api("POST", "/v1/users", { user_id: "imp_9", properties: { changed: true } });
  await api("DELETE", `/v1/users/${encodeURIComponent(NAUGHTY)}`);
  await shows(CHANGES, "Deleted");
  await shows(CHANGES, "Changed");
  await view("activity");
  await press("Pause");
  await api("POST", "/v1/users", { user_id: "imp_10", properties: { paused: true } });
  await see("Paused");
  await view("activity-paused");
  seen.activityPaused = await rows();
  await press("Go on");
  await shows(CHANGES, "imp_10");
  seen.activity = await rows();
  await forge((request) =>
    request.url().includes("/v1/changes") ? refusal(410, "CURSOR_EXPIRED", "Start over", {}) : undefined,
  );
  await see("CURSOR_EXPIRED");
  await view("activity-expired");
  await forge();
  await press("Try again");
  await isGone(".notice.bad");
  await press("imp_10");
  await see("paused");
}

async function admin() {
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

async function projects() {
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
}

async function signingOut() {
  await press("Sign out");
  await see("API key or admin token");
  seen.left = await page.evaluate(() => sessionStorage.length);
}

/** README's picture, of a person. */
async function portrait(file) {
  await look(1200, "light", 700);
  await cdp.send("Emulation.setScrollbarsHidden", { hidden: true });
  await page.evaluate(() => /** @type {HTMLElement | null} */ (document.activeElement)?.blur());
  await isGone(".toast.shown");
  await picture(file);
  await look(1440, "light");
}

try {
  await signingIn();
  await people();
  await editing();
  if (process.env.ROSTER_CONSOLE_PICTURE) await portrait(process.env.ROSTER_CONSOLE_PICTURE);
  await naughty();
  await erasing();
  await erasingMany();
  await refusedStates();
  await importing();
  await asking();
  await exporting();
  await activity();
  await admin();
  await projects();
  await signingOut();
  seen.hacked = (await page.evaluate(() => window.hacked)) ?? null;
  // The browser counts a refused call as an error too.
  seen.problems = problems.filter((problem) => !problem.startsWith("Failed to load resource"));
  console.log(JSON.stringify({ ...audit, ...seen }));
} catch (error) {
  console.error(problems, audit.violations, await textOf("body").catch(() => ""));
  if (shots) await picture(join(shots, "failed.png")).catch(() => {});
  throw error;
} finally {
  await end();
  closeEdge();
}
