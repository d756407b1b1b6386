"""Verifies messages of webhooks by the public package. They come as JSON on stdin: a secret, and [headers, body] of each."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

sent = json.load(sys.stdin)
webhook = Webhook(sent["secret"])
for headers, body in sent["messages"]:
    assert webhook.verify(body, headers) == json.loads(body)
    try:
        webhook.verify(body + " ", headers)
    except WebhookVerificationError:
        continue
    sys.exit("a changed body was taken for the one that was signed")
print(len(sent["messages"]))
