// One person: what is stored, editing, erasing.

import { NAUGHTIES, NAUGHTY } from "../naughty.mjs";

export async function editing(visit) {
  const { page, until, see, press, fill, view, forge, seen, textOf, shows, api } = visit;
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

export async function naughty(visit) {
  const { page, see, press, view, seen, shows } = visit;
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
