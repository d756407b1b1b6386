"""Sends two identifies of one user through an SDK, each of a visit by another campaign: first what is older, and what is
newer once that was answered.

Usage: python python.py SDK HOST KEY TIME, where SDK is segment or rudder, with -gzip behind it to pack bodies, and TIME is
that of the second
"""

import datetime
import json
import sys
import time
import urllib.request

sdk, host, key, later = sys.argv[1:]
options = {"upload_size": 1, "thread": 2, "gzip": sdk.endswith("-gzip"), "on_error": lambda error, batch: print(error)}
if sdk.startswith("segment"):
    from segment.analytics.client import Client

    client = Client(key, host=host, **options)
else:
    from rudderstack.analytics.client import Client

    client = Client(key, host=host, **options)


def answered():
    with urllib.request.urlopen(f"{host}/seen") as seen:
        return len(json.load(seen))


def identify(plan, campaign, moment):
    traits = {"email": "u@example.com", "plan": plan}
    timestamp = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    client.identify("u", traits, context={"campaign": campaign}, timestamp=timestamp)


identify("old", {"name": "spring", "source": "newsletter"}, "2026-01-01T12:00:00.000Z")
while answered() < 1:
    time.sleep(0.02)
identify("new", {"name": "autumn", "medium": "search"}, later)
client.flush()
client.join()
