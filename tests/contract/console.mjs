// Drives the console in headless Chromium, as an operator would, and prints what was seen as JSON.
// Usage: node console.mjs CHROMIUM URL ADMIN_TOKEN KEY PROJECT
// ROSTER_SHOTS=folder writes a picture of each view, ROSTER_CONSOLE_PICTURE=file the one of README; ROSTER_FLOWS=signingIn,people
// runs these flows alone.

import { join } from "node:path";
import { admin, projects } from "./console/admin.mjs";
import { activity, asking } from "./console/asking.mjs";
import { exporting, importing } from "./console/files.mjs";
import { moving } from "./console/moving.mjs";
import { erasingMany, filtering, finding, people, refusedStates } from "./console/people.mjs";
import { editing, erasing, makingPerson, naughty } from "./console/person.mjs";
import { signingIn, signingOut } from "./console/signing.mjs";
import { begin } from "./console/visit.mjs";
import { webhooks } from "./console/webhooks.mjs";

const [chromium, server, adminToken, key, project] = process.argv.slice(2);
const shots = process.env.ROSTER_SHOTS;
const visit = await begin({ chromium, server, adminToken, key, project, shots });

/** README's picture, of a person. */
async function portrait({ look, cdp, page, isGone, picture }) {
  const file = process.env.ROSTER_CONSOLE_PICTURE;
  if (!file) return;
  await look(1200, "light", 700);
  await cdp.send("Emulation.setScrollbarsHidden", { hidden: true });
  await page.evaluate(() => {
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    for (const one of document.querySelectorAll("details.curl")) one.removeAttribute("open");
  });
  await isGone(".toast.shown");
  await picture(file);
  await look(1280, "light");
}

const FLOWS = [
  signingIn,
  people,
  finding,
  filtering,
  editing,
  portrait,
  makingPerson,
  naughty,
  erasing,
  erasingMany,
  refusedStates,
  importing,
  asking,
  exporting,
  activity,
  admin,
  webhooks,
  projects,
  moving,
  signingOut,
];

try {
  const only = process.env.ROSTER_FLOWS?.split(",");
  for (const flow of FLOWS) if (!only || only.includes(flow.name)) await flow(visit);
  const hacked = (await visit.page.evaluate(() => window.hacked)) ?? null;
  // The browser counts a refused call as an error too.
  const problems = visit.problems.filter((problem) => !problem.startsWith("Failed to load resource"));
  console.log(JSON.stringify({ ...visit.audit, ...visit.seen, hacked, problems }));
} catch (error) {
  console.error(visit.problems, visit.audit.violations, await visit.textOf("body").catch(() => ""));
  if (shots) await visit.picture(join(shots, "failed.png")).catch(() => {});
  throw error;
} finally {
  await visit.end();
}
