// Calls Roster with openapi-fetch and the types that openapi-typescript made.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./roster.d.ts";

const { ROSTER_URL, ROSTER_KEY } = process.env;
const roster = createClient<paths>({ baseUrl: ROSTER_URL, headers: { Authorization: `Bearer ${ROSTER_KEY}` } });
const user_id = "a/b?c#é";
const path = { user_id };
const properties = { plan: "premium", address: { city: "Köln", geo: [50.9, null, { exact: true }] } };

const stored = await roster.POST("/v1/users", { body: { user_id, email: "user@example.com", phone: null, properties } });
assert(stored.data);
const success: true = stored.data.success;
assert.equal(success, true);
assert.equal(stored.data.external_id, user_id);

const read = await roster.GET("/v1/users/{user_id}", { params: { path } });
assert(read.data);
assert.deepEqual(read.data.user.properties, properties);
assert.equal(read.data.user.phone?.length, undefined);
assert(!Number.isNaN(Date.parse(read.data.user.updated_at)));

const etag = read.response.headers.get("ETag") ?? "";
const unchanged = await roster.GET("/v1/users/{user_id}", { params: { path, header: { "If-None-Match": etag } } });
assert.equal(unchanged.response.status, 304);
assert.equal(unchanged.data, undefined);

const batch = await roster.POST("/v1/users/batch", { body: { users: [{ user_id }, { user_id: "b", phone: "0" }] } });
assert.equal(batch.response.status, 207);
assert.equal(batch.data?.results[1]?.error?.code, "INVALID_VALUE");

const refusedBatch = await roster.POST("/v1/users/batch", { body: { users: [{ user_id: "b", phone: "0" }] } });
assert(refusedBatch.error && "results" in refusedBatch.error);
assert.equal(refusedBatch.error.failed_count, 1);

const list = await roster.GET("/v1/users", { params: { query: { limit: 10, email: "user@example.com" } } });
assert.deepEqual(list.data?.users.map((user) => user.external_id), [user_id]);
assert.equal(list.data?.pagination.has_more, false);

const refused = await roster.POST("/v1/users", { body: { user_id, email: "nobody" } });
assert.equal(refused.data, undefined);
// @ts-expect-error: The codes are a closed list.
assert(refused.error.code !== "NO_SUCH_CODE");
assert.equal(refused.error.code, "INVALID_VALUE");
assert.equal(refused.error.details?.field, "email");
// @ts-expect-error: The compiler refuses a wrong type, and so does Roster.
const wrongType = await roster.POST("/v1/users", { body: { user_id, email: 3 } });
assert.equal(wrongType.error?.code, "INVALID_TYPE");

({ name: "ci" }) satisfies components["schemas"]["KeyIn"];

const erased = await roster.DELETE("/v1/users/{user_id}", { params: { path } });
assert.equal(erased.data?.deleted, true);
const missing = await roster.GET("/v1/users/{user_id}", { params: { path } });
assert.equal(missing.error?.code, "USER_NOT_FOUND");
