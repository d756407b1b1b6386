// Webhooks: made, tested, paused, replayed, with another secret, deleted; and a Roster that has none.

import { refusal } from "./visit.mjs";

const AT = "2026-11-23T12:00:00.000Z";
const SECRET = `whsec_${"A".repeat(43)}=`;

const webhook = (id, project, news) => ({
  ...{ webhook_id: id, project, url: `https://${id.slice(4, 9)}.example.com/roster`, events: ["changed", "deleted"] },
  ...{
    where: null,
    batch: 1,
    state: "active",
    behind: null,
    retrying: null,
    disabled: null,
    given_up: 0,
    created_at: AT,
  },
  ...news,
});

/** Answers as a Worker with webhooks does, and writes down what was asked. */
function double(project) {
  const retrying = { users: 2, since: AT, attempts: 2, status: 503, error: null, next_at: AT };
  let hooks = [
    webhook("whk_01m846878nk6j86x355ge1qwpz", project, {}),
    webhook("whk_02m846878nk6j86x355ge1qwpz", project, {
      ...{ state: "retrying", behind: 312, retrying, batch: 100, events: ["changed"] },
      where: { field: "properties.plan", eq: "premium" },
    }),
    webhook("whk_03m846878nk6j86x355ge1qwpz", project, {
      ...{ state: "disabled", behind: 90_000, given_up: 3, disabled: { reason: "undelivered", at: AT } },
    }),
  ];
  /** @type {string[]} */
  const asked = [];
  const answer = (body, status = 200) => ({ status, body: { success: true, ...body } });
  function respond(request) {
    const [, id, action] = /\/v1\/webhooks(?:\/([^/?]+))?(?:\/(\w+))?/.exec(request.url()) ?? [];
    if (!request.url().includes("/v1/webhooks")) return undefined;
    const method = request.method();
    const body = request.postData();
    if (method !== "GET") asked.push([method, action ?? "", body ?? ""].join(" "));
    const shown = { webhook: hooks.find((one) => one.webhook_id === id) };
    if (method === "GET") return answer(id ? shown : { webhooks: hooks });
    if (action === "test") return answer({ status: 200, duration_ms: 120, body: "ok", error: null });
    if (action === "rotate") return answer({ webhook_id: id, secret: SECRET, message: "" });
    if (action === "replay") return answer(shown);
    if (method === "DELETE") hooks = hooks.filter((one) => one.webhook_id !== id);
    if (method === "PATCH")
      hooks = hooks.map((one) =>
        one.webhook_id === id ? { ...one, state: JSON.parse(body).paused ? "paused" : "active" } : one,
      );
    return method === "POST"
      ? answer({ webhook_id: "whk_4", project, secret: SECRET, message: "" }, 201)
      : answer(shown);
  }
  return { respond, asked };
}

export async function webhooks(visit) {
  const { see, press, fill, view, forge, seen, textOf, isGone, until, project } = visit;
  await forge((request) =>
    request.url().includes("/v1/webhooks") ? refusal(404, "NOT_FOUND", "There is no such route", {}) : undefined,
  );
  await press("Webhooks");
  await see("This Roster has no webhooks");
  await view("webhooks-none");
  const { respond, asked } = double(project);
  await forge(respond);
  await press("Keys");
  await press("Webhooks");
  await see("2 users held back after 2 tries");
  await see("5 minutes behind");
  await view("webhooks");
  await press("Send a test");
  await see("The test was answered 200 in 120 ms");
  await view("webhooks-tested");
  await press("Pause");
  await until(() => document.querySelector(".webhook .state")?.classList.contains("paused"));
  await press("Go on");
  await until(() => document.querySelector(".webhook .state")?.classList.contains("active"));
  await press("Replay…");
  await view("webhook-replay");
  await press("Send again");
  await isGone("dialog");
  await press("New secret…");
  await press("Make new secret");
  await see("Copy it now");
  seen.newSecret = await textOf(".secret code");
  await press("Done");
  await press("Make a webhook");
  await press("Make webhook");
  await see("An address that begins with https://");
  await fill("URL", "https://new.example.com/");
  await fill("Only those who match", "{");
  await see("Not JSON");
  await view("webhook-make");
  await fill("Only those who match", '{"field":"email","exists":true}');
  await press("Make webhook");
  await see("The webhook is made");
  await view("webhook-made");
  await press("Done");
  await press("Delete…");
  await fill("Type 01m84.example.com to confirm", "01m84.example.com");
  await view("webhook-delete");
  await press("Delete for good");
  await isGone("dialog");
  await until(() => document.querySelectorAll(".webhook").length === 2);
  seen.webhookCalls = asked.map((call) => call.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, "TIME"));
  await forge();
}
