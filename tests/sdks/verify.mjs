// Verifies messages of webhooks by the public package. They come as JSON on stdin: a secret, and [headers, body] of each.

import { strict as assert } from "node:assert";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const { secret, messages } = JSON.parse(await text(process.stdin));
const webhook = new Webhook(secret);
for (const [headers, body] of messages) {
  assert.deepEqual(webhook.verify(body, headers), JSON.parse(body));
  assert.throws(() => webhook.verify(`${body} `, headers));
}
console.log(messages.length);
