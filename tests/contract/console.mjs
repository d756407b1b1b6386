// Drives the console in headless Chromium, as an operator would, and prints what was seen as JSON.
// Usage: node console.mjs CHROMIUM URL ADMIN_TOKEN KEY PROJECT
// ROSTER_SHOTS=folder writes a picture of each view, ROSTER_CONSOLE_PICTURE=file the one of README.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "./chromium.mjs";

const [chromium, url, adminToken, key, project] = process.argv.slice(2);
const shots = process.env.ROSTER_SHOTS;
const { send, on, evaluate, until, problems, close } = await open(chromium);
const folder = await mkdtemp(join(tmpdir(), "console-"));
const seen = { violations: [], widths: {} };
const NAUGHTY = `<img src=x onerror="window.hacked=1">`;
/** What has been read as markup, code, a template, a path or nothing somewhere: here it is text. */
const NAUGHTIES = [
  NAUGHTY,
  "<script>window.hacked=1</script>",
  "</span></li><script>window.hacked=1</script>",
  "<svg/onload=window.hacked=1>",
  `"><a href="javascript:window.hacked=1">x</a>`,
  `' onfocus='window.hacked=1' autofocus='`,
  "javascript:window.hacked=1",
  "<!-- -->",
  "]]>",
  "&lt;b&gt; &amp;amp;",
  "${window.hacked=1}",
  "{{constructor.constructor('window.hacked=1')()}}",
  "<%= 7 * 7 %>",
  "$(touch x)",
  "`x`",
  "'; drop table users; --",
  "../../etc/passwd",
  "%00%3Cb%3E",
  "\\u003cb\\u003e",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "toString",
  "null",
  "undefined",
  "NaN",
  "0",
  "-0",
  "1e1000",
  "true",
  "[object Object]",
  "Ω≈ç√∫˜µ≤≥÷",
  "田中さんにあげて下さい",
  "مُنَاقَشَة",
  "\u202eright to left",
  "a\u200bb\u200dc",
  "Z̮̞̠͙͔ͅḀ̗̞͈̻̗L͍̫͍̻̦G̞̯̰̥O̬͖",
  "👩‍👩‍👧‍👦 🏳️‍🌈",
  "\u0007bell",
  "x".repeat(300),
];

const json = JSON.stringify;
/** What a person would click by its words, or its accessible name. */
const control = (name) =>
  `[...document.querySelectorAll("dialog[open]")].concat(document).flatMap((root) => [...root.querySelectorAll("button, a, summary, label.choice")])
    .find((one) => (one.getAttribute("aria-label") ?? one.innerText.trim()) === ${json(name)} && !one.disabled && one.checkVisibility())`;
const named = (label) =>
  `([...document.querySelectorAll("dialog[open] label, label")].find((one) => one.innerText.trim() === ${json(label)})?.control
    ?? document.querySelector('[aria-label=' + ${json(json(label))} + ']'))`;

async function press(name) {
  await until(control(name));
  await evaluate(`(() => { const one = ${control(name)}; one.focus(); one.click(); })()`);
}

const see = (text) => until(`document.body.innerText.includes(${json(text)})`);

/** Types into a field, over what stands there. */
async function fill(label, text) {
  await until(named(label));
  await evaluate(`(${named(label)}.focus(), ${named(label)}.select())`);
  await send("Input.insertText", { text });
  if (text === "") await type("Delete");
}

async function choose(label, value) {
  await until(named(label));
  await evaluate(
    `(() => { const one = ${named(label)}; one.value = ${json(value)}; one.dispatchEvent(new Event("change", { bubbles: true })); })()`,
  );
}

const CODES = { Tab: 9, Enter: 13, Escape: 27, Delete: 46, " ": 32 };
async function type(name, text) {
  const key = { key: name, code: name, windowsVirtualKeyCode: CODES[name], text };
  await send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
  await send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
}
const enter = () => type("Enter", "\r");

async function look(width, scheme) {
  await send("Emulation.setEmulatedMedia", {
    features: [
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ],
  });
  await send("Emulation.setDeviceMetricsOverride", {
    width,
    height: width < 640 ? 844 : 900,
    deviceScaleFactor: 1,
    mobile: width < 640,
  });
}

const axe = await readFile("node_modules/axe-core/axe.min.js", "utf8");

/** Holds a view against axe and the width of a phone, in light and dark, and takes its pictures. */
async function view(name) {
  for (const [width, scheme] of [
    [390, "light"],
    [390, "dark"],
    [1440, "dark"],
    [1440, "light"],
    [1920, "light"],
  ]) {
    if (!shots && (width > 1440 || (width === 390) !== (scheme === "dark"))) continue;
    await look(width, scheme);
    await evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    if (!(await evaluate("typeof axe"))?.startsWith("obj")) await evaluate(`${axe}; 0`);
    const found = await evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).slice(0, 3).join(" | ")))`);
    seen.violations.push(
      ...(found ?? ["axe did not run"]).map((violation) => `${name} ${width} ${scheme}: ${violation}`),
    );
    if (width === 390) seen.widths[name] = await evaluate("document.documentElement.scrollWidth");
    if (shots) await picture(join(shots, `${name}-${width}-${scheme}.png`));
  }
  await look(1440, "light");
}

async function picture(file) {
  const { data } = await send("Page.captureScreenshot", {});
  await writeFile(file, data, "base64");
}

let forged;
on("Fetch.requestPaused", ({ requestId, request }) => {
  const found = forged?.(request);
  if (!found) return send("Fetch.continueRequest", { requestId });
  if (found.fails) return send("Fetch.failRequest", { requestId, errorReason: "ConnectionRefused" });
  if (found.after_ms)
    return setTimeout(() => send("Fetch.continueRequest", { requestId }).catch(() => {}), found.after_ms);
  const { status, body, headers = {} } = found;
  const responseHeaders = Object.entries({ "Content-Type": "application/json", ...headers }).map(([name, value]) => ({
    name,
    value,
  }));
  return send("Fetch.fulfillRequest", {
    requestId,
    responseCode: status,
    responseHeaders,
    body: Buffer.from(json(body)).toString("base64"),
  });
});
/** Answers each call of the API with what `answer(request)` says, if that is something, until this is called with nothing. */
async function forge(answer) {
  forged = answer;
  await (answer ? send("Fetch.enable", { patterns: [{ urlPattern: "*/v1/*" }] }) : send("Fetch.disable"));
}
const refusal = (status, code, message, headers) => ({
  status,
  headers,
  body: { success: false, error: "", message, code },
});

const api = async (method, path, body, token = key) => {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${token}` },
    body: body && json(body),
  });
  return { status: answer.status, text: await answer.text() };
};

async function downloaded(name) {
  for (let i = 0; i < 200; i += 1) {
    if ((await readdir(folder)).includes(name)) return readFile(join(folder, name), "utf8");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} was not saved`);
}

async function chooseFile(name, text) {
  const path = join(folder, name);
  await writeFile(path, text);
  await until(`document.querySelector("input[type=file]")`);
  const { root } = await send("DOM.getDocument");
  const { nodeId } = await send("DOM.querySelector", { nodeId: root.nodeId, selector: "input[type=file]" });
  await send("DOM.setFileInputFiles", { nodeId, files: [path] });
}

async function dropFile(name, text) {
  const path = join(folder, name);
  await writeFile(path, text);
  const [x, y] = await evaluate(
    `(({ x, y }) => [x + 60, y + 60])(document.querySelector(".drop").getBoundingClientRect())`,
  );
  for (const type of ["dragEnter", "dragOver", "drop"])
    await send("Input.dispatchDragEvent", { type, x, y, data: { items: [], files: [path], dragOperationsMask: 1 } });
}

async function signIn(label, token) {
  await fill(label, token);
  await press("Sign in");
}

/** What the page puts off to its next frame waits for a second, so that what is seen can be held against what is done. */
async function holdTimers() {
  await evaluate(`window.timer = setTimeout, window.frame = requestAnimationFrame, window.requestAnimationFrame = () => 0,
    window.setTimeout = (run, ms = 0, ...rest) => timer(run, ms + 1000, ...rest), 0`);
  return () => evaluate("window.setTimeout = timer, window.requestAnimationFrame = frame, 0");
}

async function elsewhere() {
  await press("Export");
  await see("in one file that can be imported again");
}

/** By the keyboard alone. */
async function signingIn() {
  await look(1440, "light");
  await send("Page.navigate", { url: `${url}/console` });
  await see("Roster console");
  await view("sign-in");
  await signIn("API key or admin token", "ros_wrong");
  await see("neither a key nor the admin token");
  await view("sign-in-refused");
  await evaluate("window.isOld = true");
  await send("Page.reload");
  await until(`!window.isOld && ${control("Sign in")}`);
  const release = await holdTimers();
  await type("Tab");
  await send("Input.insertText", { text: key });
  await type("Tab");
  await type("Tab");
  await enter();
  await see("Everybody in this project");
  seen.storage = await evaluate(
    `[localStorage.length, Object.keys(sessionStorage).join(), location.href.includes("ros_"), document.cookie]`,
  );
  await release();
}

async function people() {
  await see("Nobody yet");
  await view("people-empty");
  const big = `{"user_id":"ada","email":"ada@example.com","phone":"+4915112345678","properties":{"name":"Ada Lovelace","plan":"pro","seats":12345678901234567890123,"price":1.10,"beta":true,"tags":["early","math"],"address":{"city":"London","geo":{"lat":51.5,"lon":-0.12}}},"origin":{"channel":"ios-app","campaign":"spring-launch"}}`;
  await fetch(`${url}/v1/users`, { method: "POST", headers: { Authorization: `Bearer ${key}` }, body: big });
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
    await enter();
    await until(`document.querySelector('table[aria-label="People found"]')?.innerText.includes("ada@example.com")`);
    seen.found.push(await evaluate(`document.querySelectorAll('table[aria-label="People found"] tbody tr').length`));
    if (text === "ada") await view("people-found");
    await press("Clear");
  }
  await fill("Find by user id, e-mail or phone", "nobody@example.com");
  await enter();
  await see("Nobody here has exactly this");
  await view("people-nobody");
  await press("Clear");
}

async function text(label, value) {
  await until(named(label));
  await evaluate(`(${named(label)}.focus(), ${named(label)}.select())`);
  await send("Input.insertText", { text: value });
}

async function editing() {
  await press("ada");
  await see("12345678901234567890123");
  await see("1.10");
  await view("person");
  await press("As curl");
  seen.curl = await evaluate(`document.querySelector("details[open].curl code").innerText`);
  await press("Edit");
  const before = await evaluate(`document.querySelector("textarea").value`);
  seen.editText = before;
  await text("The profile as JSON", before.replace('"pro"', '"enterprise"').replace('"beta": true,', '"trial": 2.50,'));
  await until(`document.querySelectorAll(".changes li").length === 3`);
  seen.changes = await evaluate(`document.querySelector(".changes").innerText`);
  await press("As curl");
  seen.editCurl = await evaluate(`document.querySelector(".edit details.curl code").innerText`);
  await view("edit");
  await press("Merge patch");
  seen.patch = await evaluate(`document.querySelector("textarea").value`);
  await text("The merge patch as JSON", "{");
  await see("Not JSON");
  await view("edit-broken");
  await text("The merge patch as JSON", seen.patch);
  let sent;
  await api("POST", "/v1/users", { user_id: "ada", properties: { plan: "free", meanwhile: true } });
  await forge((request) => {
    if (request.method === "POST") sent = request.headers["If-Match"];
  });
  await press("Save");
  await see("Somebody else changed this user meanwhile");
  seen.ifMatch = sent;
  await view("edit-conflict");
  await forge();
  await press("Load what is stored now");
  await until(`document.querySelector(".changes").innerText.includes("free")`);
  await press("Profile");
  await until(`document.querySelector("textarea").value.includes("meanwhile")`);
  await press("Save");
  await see("ada is saved");
  await see("enterprise");
}

async function naughty() {
  await press("← People");
  await press("naughty");
  await see("drop table");
  // As names and as values, each to the letter, and no element that a text has made.
  const shown = await evaluate(
    `[".name", ".leaf"].map((part) => [...document.querySelectorAll("main .pair " + part)].map((one) => one.textContent))`,
  );
  seen.naughty = shown.map((texts, place) =>
    NAUGHTIES.filter((text) => (place > 0 || text.length <= 128) && !texts.includes(text)),
  );
  seen.made = await evaluate(`document.querySelectorAll("main :is(img, script, a[href^=javascript], b)").length`);
  await view("person-naughty-texts");
  await press("← People");
  await press(NAUGHTY);
  await until(`document.querySelector(".tree")?.innerText.includes("onerror")`);
  await view("person-naughty");
  seen.images = await evaluate(`document.querySelectorAll("main img").length`);
}

async function erasing() {
  await press("Erase…");
  await see("It can't be undone");
  await view("erase");
  seen.focusInDialog = await evaluate(`document.querySelector("dialog").contains(document.activeElement)`);
  seen.eraseOff = await evaluate(
    `[...document.querySelectorAll("dialog button")].find((one) => one.innerText === "Erase for good").disabled`,
  );
  await type("Escape");
  await until(`!document.querySelector("dialog")`);
  seen.focusBack = await evaluate("document.activeElement.innerText");
  await press("Erase…");
  await fill("Type the user id to confirm", NAUGHTY);
  await press("Erase for good");
  await see("is erased");
}

async function refusedStates() {
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
  await until(`document.querySelector(".records")?.innerText.includes('"Full name": "Name, 0"')`);
  await view("import-map");
  seen.mapping = await evaluate(`document.querySelector(".records pre").innerText`);
  await press("Import 1,101 users");
  await see("1,099 stored");
  await see("Correct those that were refused");
  await view("import-done");
  await press("Download as NDJSON");
  await press("Download as CSV");
  seen.refusedNdjson = await downloaded("people.refused.ndjson");
  seen.refusedCsv = await downloaded("people.refused.csv");
  await press("Import another file");
  await chooseFile("more.ndjson", `{"user_id":"imp_7","properties":{"n":12345678901234567890123}}\n`);
  await press("Import 1 user");
  await see("1 user stored");
  await press("Import another file");
  await chooseFile("wrong.csv", Buffer.from([0xff, 0xfe, 0x41]));
  await see("not UTF-8");
  await view("import-wrong");
}

async function exporting() {
  await press("Export");
  await view("export");
  await press("Export as a file");
  await until(`document.body.innerText.includes("people exported")`);
  seen.ndjson = (await downloaded(`${project}.ndjson`).catch(() => downloaded("users.ndjson")))
    .split("\n")
    .find((line) => line.includes('"ada"'));
  await evaluate(`document.querySelectorAll("input[type=radio]")[1].click()`);
  await press("Export as a file");
  const table = await downloaded(`${project}.csv`).catch(() => downloaded("users.csv"));
  seen.csvHeader = table.split("\n")[0];
}

async function admin() {
  await press("Keys");
  await see("The admin token shows this");
  await view("needs-admin");
  await signIn("Admin token", adminToken);
  await see("Who may call");
  await until(`document.querySelector('table[aria-label="API keys"]')`);
  await press("Make a key");
  await fill("Name", `console ${NAUGHTY}`);
  await fill("Project", project);
  await choose("Expires", "30");
  await view("key-make");
  await press("Make key");
  await see("Copy it now");
  await view("key-made");
  seen.madeKey = await evaluate(`document.querySelector(".secret code").innerText`);
  await press("Done");
  await until(`!document.querySelector("dialog")`);
  seen.workedBefore = (await api("GET", "/v1/users?limit=1", undefined, seen.madeKey)).status;
  await until(`document.querySelector('table[aria-label="API keys"]').innerText.includes("console <img")`);
  await view("keys");
  await press(`Revoke console ${NAUGHTY}`);
  await see("is refused at once");
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
  await until(control(project));
  await view("projects");
  await forge((request) =>
    request.url.endsWith("/usage") ? refusal(503, "SERVICE_UNAVAILABLE", "busy", { "Retry-After": "1" }) : undefined,
  );
  await press(project);
  await see("The limiter doesn't answer just now");
  await view("project-busy");
  const body = () => ({
    success: true,
    usage: { users: usage(500, slots()), batch: usage(100, slots().slice(0, 5)), ingest: usage(600, []) },
  });
  await forge((request) => (request.url.endsWith("/usage") ? { status: 200, body: body() } : undefined));
  await see("of 500 booked in the last 60 s");
  seen.bars = await evaluate(`document.querySelectorAll(".bars rect").length`);
  await view("project");
  const limit = `document.querySelector('form[aria-label="Limit for users"]')`;
  await evaluate(`(${limit}.querySelector("input").focus(), ${limit}.querySelector("input").select())`);
  await send("Input.insertText", { text: "750" });
  await until(`!${limit}.querySelector("button.primary").disabled`);
  await enter();
  await see("The limit for users is set");
  await until(`${limit}?.innerText.includes("Its own")`);
  await forge((request) => (request.url.endsWith("/usage") ? refusal(404, "NOT_FOUND", "no") : undefined));
  await press("← Projects");
  await press(project);
  await see("No picture of the last window");
  await view("project-no-usage");
  await forge();
  await press("← Projects");
  await press(project);
  await see("booked in the last");
  seen.usage = await evaluate(`document.querySelector(".policy")?.innerText`);
}

async function signingOut() {
  await press("Sign out");
  await see("API key or admin token");
  seen.left = await evaluate(`sessionStorage.length`);
}

/** README's picture, of a person. */
async function portrait(file) {
  await look(1200, "light");
  await send("Emulation.setScrollbarsHidden", { hidden: true });
  await send("Emulation.setDeviceMetricsOverride", { width: 1200, height: 700, deviceScaleFactor: 1, mobile: false });
  await evaluate(`document.activeElement.blur()`);
  await until(`!document.querySelector(".toast.shown")`);
  await picture(file);
  await look(1440, "light");
}

try {
  if (shots) await mkdir(shots, { recursive: true });
  await send("DOM.enable");
  await send("Emulation.setFocusEmulationEnabled", { enabled: true });
  await send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  await signingIn();
  await people();
  await editing();
  if (process.env.ROSTER_CONSOLE_PICTURE) await portrait(process.env.ROSTER_CONSOLE_PICTURE);
  await naughty();
  await erasing();
  await refusedStates();
  await importing();
  await exporting();
  await admin();
  await projects();
  await signingOut();
  seen.hacked = (await evaluate("window.hacked")) ?? null;
  // A refusal of a call is told as an error too.
  seen.problems = problems.filter((problem) => !problem.startsWith("Failed to load resource"));
  console.log(json(seen));
} catch (error) {
  console.error(problems, seen.violations, await evaluate("document.body.innerText").catch(() => ""));
  if (shots) await picture(join(shots, "failed.png")).catch(() => {});
  throw error;
} finally {
  await close();
  await rm(folder, { recursive: true, force: true });
}
