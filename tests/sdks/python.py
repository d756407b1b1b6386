"""Sends two identifies of one user through an SDK: first what is older, and what is newer once that was answered.

Usage: python python.py SDK HOST KEY, where SDK is segment or rudder, with -gzip behind it to pack bodies
"""

import datetime
import json
import sys
import time
import urllib.request

sdk, host, key = sys.argv[1:]
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


def identify(plan, microsecond):
    moment = datetime.datetime(2026, 1, 1, 12, 0, 0, microsecond, datetime.timezone.utc)
    client.identify("u", {"email": "u@example.com", "plan": plan}, timestamp=moment)


identify("old", 0)
while answered() < 1:
    time.sleep(0.02)
identify("new", 1000)
client.flush()
client.join()
