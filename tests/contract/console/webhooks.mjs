// Webhooks: made, paused, replayed, with another secret and deleted on the Worker; and what one in trouble looks like.

const AT = "2026-11-23T12:00:00.000Z";

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

/** Answers as the Worker does where receivers fail. */
function inTrouble(project) {
  const retrying = { users: 2, since: AT, attempts: 2, status: 503, error: null, next_at: AT };
  const webhooks = [
    webhook("whk_01m846878nk6j86x355ge1qwpz", project, {}),
    webhook("whk_02m846878nk6j86x355ge1qwpz", project, {
      ...{ state: "retrying", behind: 312, retrying, batch: 100, events: ["changed"] },
      where: { field: "properties.plan", eq: "premium" },
    }),
    webhook("whk_03m846878nk6j86x355ge1qwpz", project, {
      ...{ state: "disabled", behind: 90_000, given_up: 3, disabled: { reason: "undelivered", at: AT } },
    }),
  ];
  const tested = { status: 200, duration_ms: 120, body: "ok", error: null };
  return (request) => {
    if (!request.url().includes("/v1/webhooks")) return undefined;
    return { status: 200, body: { success: true, ...(request.method() === "POST" ? tested : { webhooks }) } };
  };
}

export async function webhooks(visit) {
  const { page, see, press, fill, view, forge, seen, textOf, isGone, until, api, adminToken, project } = visit;
  const stored = async () =>
    JSON.parse((await api("GET", `/v1/webhooks?project=${project}`, undefined, adminToken)).text);
  const stateOf = (state) =>
    until((state) => document.querySelector(".webhook .state")?.classList.contains(state), state);
  await press("Webhooks");
  await press("Make a webhook");
  await press("Make webhook");
  await see("An address that begins with https://");
  await fill("URL", "http://192.0.2.1/");
  await fill("Project", project);
  await press("Make webhook");
  await see("INVALID_VALUE");
  await view("webhook-refused");
  await fill("URL", "https://hooks.example.com/roster");
  await fill("Only those who match", "{");
  await see("Not JSON");
  await view("webhook-make");
  await fill("Only those who match", '{"field":"email","exists":true}');
  await press("Make webhook");
  await see("The webhook is made");
  await view("webhook-made");
  seen.webhookSecrets = [await textOf(".secret code")];
  await press("Done");
  await see("All is delivered");
  seen.webhook = (await stored()).webhooks[0];
  await press("Pause");
  await stateOf("paused");
  seen.pausedWebhook = (await stored()).webhooks[0].state;
  await press("Go on");
  await stateOf("active");
  await press("Replay…");
  await view("webhook-replay");
  // A moment ahead is now, so that nobody is called.
  await page.$eval("dialog input", (field) => {
    field.value = "2999-01-01T00:00";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await press("Send again");
  await isGone("dialog");
  await press("New secret…");
  await press("Make new secret");
  await see("Copy it now");
  seen.webhookSecrets.push(await textOf(".secret code"));
  await press("Done");
  await press("Delete…");
  await fill("Type hooks.example.com to confirm", "hooks.example.com");
  await view("webhook-delete");
  await press("Delete for good");
  await isGone("dialog");
  await until(() => !document.querySelector(".webhook"));
  seen.webhooksLeft = (await stored()).webhooks.length;

  await forge(inTrouble(project));
  await press("Keys");
  await press("Webhooks");
  await see("2 users held back after 2 tries");
  await see("5 minutes behind");
  await view("webhooks");
  await press("Send a test");
  await see("The test was answered 200 in 120 ms");
  await view("webhooks-tested");
  await forge();
}
