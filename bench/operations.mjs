// What is measured: each operation's requests, and how many of them are under way at once.

const USERS = 100;
const BATCH = 100;

/** A user as apps send it. A new `n` changes one property. */
const user = (i, n) => ({
  user_id: `user_${i % USERS}`,
  email: `user${i % USERS}@example.com`,
  properties: { name: "John Doe", plan: "premium", signup_date: "2023-06-15", n },
  origin: { channel: "ios-app", campaign: "spring-launch" },
});

const upsert = (body) => ({ method: "POST", path: "/v1/users", body });

/** Request `i` of a run; no two runs have the same `n`. */
const change = (i, n) => upsert(user(i, n + i));
const again = (i) => upsert(user(i, 0));
const read = (i) => ({ method: "GET", path: `/v1/users/user_${i % USERS}` });
const batch = (i, n) => ({
  method: "POST",
  path: "/v1/users/batch",
  body: { users: Array.from({ length: BATCH }, (_, place) => user(place, n + i)) },
});

/** Stores all users as `again` sends them. */
export const setUp = Array.from({ length: USERS }, (_, i) => again(i));

export const operations = [
  { name: "upsert that changes a property", atOnce: 1, request: change },
  { name: "upsert that changes a property", atOnce: 16, request: change },
  { name: "upsert of the same body again", atOnce: 1, request: again, setUp },
  { name: "upsert of the same body again", atOnce: 16, request: again, setUp },
  { name: "read", atOnce: 1, request: read },
  { name: "read", atOnce: 16, request: read },
  { name: `batch of ${BATCH}, each changes a property`, atOnce: 1, request: batch },
];
