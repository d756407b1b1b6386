// One person: what is stored, editing, erasing.

import { NAUGHTIES, NAUGHTY } from "../naughty.mjs";
import { leaving } from "./visit.mjs";

export async function editing(visit) {
  const { page, until, see, press, fill, choose, view, forge, seen, textOf, shows, api, type } = visit;
  await press("Ada Lovelace");
  await see("12345678901234567890123");
  await see("1.10");
  seen.title = await textOf("h1");
  await view("person");
  await press("As curl");
  seen.curl = await textOf("details[open].curl code");
  await press("Change plan: pro");
  await view("person-editing");
  await fill("Value of plan", "enterprise");
  await type("Enter");
  await press("Change beta: true");
  await press("Remove");
  await press("Change price: 1.10");
  await fill("Value of price", "1,10");
  await see("A number, as JSON has it");
  await type("Escape");
  await press("Add to properties");
  await fill("Name of what is added to properties", "plan");
  await see("plan is there already");
  await fill("Name of what is added to properties", "trial");
  await choose("Type of the new member", "number");
  await fill("Value of the new member", "2.50");
  await type("Enter");
  await fill("Add a tag to tags", "poet");
  await type("Enter");
  await until(() => document.querySelectorAll(".changes li").length === 4);
  await press("Remove the tag poet");
  await until(() => document.querySelectorAll(".changes li").length === 3);
  seen.changes = await textOf(".changes");
  await press("As curl");
  seen.editCurl = await textOf(".diff details.curl code");
  await view("person-changed");
  seen.unsaved = await leaving(visit);
  await see("What will change");
  await press("JSON");
  seen.editText = await page.$eval("textarea", (one) => one.value);
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
  await press("JSON");
  await until(() => document.querySelector("textarea")?.value.includes("meanwhile"));
  await press("Save");
  await see("Ada Lovelace is saved");
  await press("Fields");
  await see("enterprise");
}

/** Nobody who is there is changed. */
export async function makingPerson(visit) {
  const { page, see, press, fill, view, type, seen } = visit;
  await press("← People");
  await press("New person");
  await view("person-new");
  await fill("User id", "ada");
  await press("Save");
  await see("There is a person with this id already");
  await view("person-new-taken");
  await fill("User id", "made");
  await press("Add e-mail");
  await fill("Value of E-mail", "not an address");
  await type("Enter");
  await see("email: ");
  await press("Change E-mail: not an address");
  await fill("Value of E-mail", "made@example.com");
  await type("Enter");
  await press("Save");
  await see("Latest change");
  await see("made@example.com");
  seen.made = await page.evaluate(() => location.hash);
}

export async function naughty(visit) {
  const { page, see, press, view, seen, shows } = visit;
  await press("← People");
  await press("naughty");
  await see("Show all");
  await page.$$eval("button.more", (all) => {
    for (const one of all) if (/Show all/.test(one.innerText)) one.click();
  });
  await see("drop table");
  // As names and as values, each to the letter, and no element that a text has made.
  const shown = await Promise.all(
    [".name", ".leaf"].map((part) => page.$$eval(`main .pair ${part}`, (all) => all.map((one) => one.textContent))),
  );
  seen.naughty = shown.map((texts, place) =>
    NAUGHTIES.filter((text) => (place > 0 || text.length <= 128) && !texts.includes(text)),
  );
  seen.elements = (await page.$$("main :is(img, script, a[href^=javascript], b)")).length;
  await view("person-naughty-texts");
  await press("← People");
  await press(`n ${NAUGHTY}`);
  await shows(".profile", "onerror");
  await view("person-naughty");
  seen.images = (await page.$$("main img")).length;
}

export async function erasing(visit) {
  const { page, see, press, fill, view, seen, isGone, type } = visit;
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
