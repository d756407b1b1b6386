"""Calls Roster with the Python client that openapi-generator made."""

import os

from openapi_client import ApiClient, BatchIn, Code, Configuration, UserIn, UsersApi
from openapi_client.exceptions import BadRequestException
from openapi_client.models.error_out import ErrorOut

client = ApiClient(Configuration(host=os.environ["ROSTER_URL"], access_token=os.environ["ROSTER_KEY"]))
users = UsersApi(client)
properties = {"plan": "premium", "address": {"city": "Köln", "geo": [50.9, None, {"exact": True}]}}

# Not one with a slash, which this generator leaves as it is in a path.
stored = users.upsert_user(UserIn(user_id="b?c#é", email="user@example.com", properties=properties))
assert stored.external_id == "b?c#é"
assert users.get_user("b?c#é").user.properties == properties
assert [user.external_id for user in users.list_users(limit=10).users] == ["b?c#é"]
assert users.list_changes().changes[-1].actual_instance.type == "changed"

try:
    users.upsert_user(UserIn(user_id="c"), if_match='"1"')
    raise SystemExit("not refused")
except Exception as refused:
    assert ErrorOut.from_json(refused.body).code is Code.REVISION_CHANGED
assert users.delete_user("b?c#é").deleted
