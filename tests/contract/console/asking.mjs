// Questions about all people, and their latest changes.

import { NAUGHTY } from "../naughty.mjs";
import { refusal } from "./visit.mjs";

const CHANGES = 'table[aria-label="Latest changes"]';

export async function asking(visit) {
  const { page, see, press, fill, choose, view, downloaded, seen, textOf, isThere, project } = visit;
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

export async function activity(visit) {
  const { page, see, press, view, forge, seen, isGone, shows, api } = visit;
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
