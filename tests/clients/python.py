"""Calls Roster with the client that openapi-python-client made."""

import os
from datetime import timedelta
from typing import Any, Literal, assert_type

from roster_client import AuthenticatedClient
from roster_client.api.users import delete_user, get_user, list_changes, list_users, upsert_user, upsert_users
from roster_client.models import (
    BatchIn,
    BatchOut,
    BatchUserIn,
    ChangedUser,
    ChangesPage,
    Code,
    Deleted,
    ErrorOut,
    FreeForm,
    Upserted,
    UserIn,
    UserOut,
    UserPage,
)

client = AuthenticatedClient(base_url=os.environ["ROSTER_URL"], token=os.environ["ROSTER_KEY"])
user_id = "a/b?c#é"
properties: dict[str, Any] = {"plan": "premium", "address": {"city": "Köln", "geo": [50.9, None, {"exact": True}]}}

user = UserIn(user_id=user_id, email="user@example.com", phone=None, properties=FreeForm.from_dict(properties))
stored = upsert_user.sync(client=client, body=user)
assert isinstance(stored, Upserted)
assert_type(stored.success, Literal[True])
assert stored.external_id == user_id

read = get_user.sync_detailed(user_id, client=client)
assert isinstance(read.parsed, UserOut)
assert read.parsed.user.properties.to_dict() == properties
assert read.parsed.user.phone is None
updated_at = read.parsed.user.updated_at
assert updated_at.utcoffset() == timedelta(0)

unchanged = get_user.sync_detailed(user_id, client=client, if_none_match=read.headers["ETag"])
assert (unchanged.status_code, unchanged.parsed) == (304, None)

refused_user = BatchUserIn(user_id="b", phone="0")
batch = upsert_users.sync_detailed(client=client, body=BatchIn(users=[BatchUserIn(user_id=user_id), refused_user]))
assert batch.status_code == 207 and isinstance(batch.parsed, BatchOut)
assert batch.parsed.results[1].error and batch.parsed.results[1].error.code is Code.INVALID_VALUE

refused_batch = upsert_users.sync(client=client, body=BatchIn(users=[refused_user]))
assert isinstance(refused_batch, BatchOut) and refused_batch.failed_count == 1
no_batch = upsert_users.sync(client=client, body=BatchIn(users=[]))
assert isinstance(no_batch, ErrorOut) and no_batch.code is Code.INVALID_VALUE

followed = list_changes.sync(client=client, since=updated_at - timedelta(milliseconds=1))
assert isinstance(followed, ChangesPage) and isinstance(followed.changes[0], ChangedUser)
page = list_users.sync(client=client, limit=10)
assert isinstance(page, UserPage)
assert [user.external_id for user in page.users] == [user_id]
assert not page.pagination.has_more

refused = upsert_user.sync(client=client, body=UserIn(user_id=user_id, email="nobody"))
assert isinstance(refused, ErrorOut)
assert refused.code is Code.INVALID_VALUE
assert refused.details and refused.details.field == "email"

erased = delete_user.sync(user_id, client=client)
assert isinstance(erased, Deleted) and erased.deleted
missing = get_user.sync(user_id, client=client)
assert isinstance(missing, ErrorOut) and missing.code is Code.USER_NOT_FOUND
