// A project's move to another storage: each of its steps as a slow one shows them, and one on the Worker.

import { refusal } from "./visit.mjs";

const SINCE = new Date().toISOString();
const D1 = { kind: "d1" };
const OBJECTS = { kind: "objects", buckets: 4, jurisdiction: "eu", location: null };

/** Answers as a Worker that moves projects does, a step each time it is asked, once `step.at` is set. */
function double() {
  const steps = [
    { state: "preparing", copied: 0, behind: null, error: null },
    { state: "copying", copied: 40_960, behind: 312, error: "the bucket 2 does not answer" },
    { state: "switching", copied: 100_371, behind: 0, error: null },
    { state: "done", copied: 100_371, behind: null, error: null },
  ];
  const step = { at: -1, isEnded: false };
  /** @type {string[]} */
  const asked = [];
  const moveAt = (at) => ({ from: D1, to: OBJECTS, total: 100_000, since: SINCE, ...steps[at] });
  function respond(request) {
    if (!request.url().endsWith("/move")) return undefined;
    const method = request.method();
    if (method !== "GET") asked.push(`${method} ${request.postData() ?? ""}`);
    if (method === "POST") step.at = 0;
    if (method === "DELETE") step.isEnded = true;
    if (step.at < 0) return refusal(404, "MOVE_NOT_FOUND", "The project was never moved", {});
    const move = { ...moveAt(step.at), ...(step.isEnded && { state: "given up" }) };
    return { status: method === "POST" ? 202 : 200, body: { success: true, move } };
  }
  return { respond, asked, step };
}

export async function moving(visit) {
  const { see, press, choose, view, forge, seen, isGone, api, adminToken, project } = visit;
  const { respond, asked, step } = double();
  await forge(respond);
  await press("Projects");
  await press(project);
  await see("It was never moved");
  await press("Move…");
  await press("4 objects of its own Four times as much of both. A batch is atomic in each.");
  await choose("Jurisdiction", "eu");
  await view("move-begin");
  await press("Move it");
  await isGone("dialog");
  await see("Getting ready");
  step.at = 1;
  await see("40,960 copied, of 100,000 users when it began; 5 minutes behind");
  await see("the bucket 2 does not answer");
  await view("move-copying");
  step.at = 2;
  await see("writes wait for a moment");
  step.at = 3;
  await see("Moved.");
  await see("4 objects of its own, eu · created");
  await view("move-done");
  await press("Move…");
  await press("Move it");
  await see("Getting ready");
  await press("Give up…");
  await see("what was copied is removed");
  await press("Give it up");
  await isGone("dialog");
  await see("Given up");
  seen.moveCalls = asked;
  await forge();
  await press("← Projects");
  await press(project);
  await see("It was never moved");
  await press("Move…");
  await press("Move it");
  await see("Moved.");
  await see("Its own object · created");
  seen.movedTo = JSON.parse((await api("GET", `/v1/projects/${project}`, undefined, adminToken)).text).project.storage;
}
