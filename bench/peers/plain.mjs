// The peer without a framework, written for speed.

import { budget, findProject, findUser, log, quotaOf, refused, shown, stored, storeUser, take } from "./common.mjs";

export { Counter } from "./common.mjs";

const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const PHONE = /^\+[1-9]\d{1,14}$/;
const MAX_BODY_BYTES = 100 * 1024;

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === "string";
const isFree = (value) => isObject(value) && Object.keys(value).every((key) => key.length >= 1 && key.length <= 128);

/** By member: whether its type and then its value are right. */
const RULES = {
  user_id: [isText, (id) => id.length >= 1 && id.length <= 256 && !/\p{Cc}/u.test(id)],
  email: [
    (email) => email === null || isText(email),
    (email) => email === null || (email.length <= 254 && EMAIL.test(email)),
  ],
  phone: [(phone) => phone === null || isText(phone), (phone) => phone === null || PHONE.test(phone)],
  properties: [isObject, isFree],
  origin: [isObject, isFree],
};

function faultsOf(user) {
  const faults = [];
  if (!("user_id" in user)) faults.push(["MISSING_FIELD", "user_id"]);
  for (const [name, value] of Object.entries(user)) {
    const [isType, isValue] = RULES[name] ?? [];
    if (!isType) faults.push(["UNKNOWN_FIELD", name]);
    else if (!isType(value)) faults.push(["INVALID_TYPE", name]);
    else if (!isValue(value)) faults.push(["INVALID_VALUE", name]);
  }
  return faults;
}

class Refusal {
  constructor(status, code, message, /** @type {any} */ { details, headers } = {}) {
    Object.assign(this, { status, body: refused(status, code, message, details), headers });
  }
}

async function admit(request, env, context) {
  const key = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  const challenge = { headers: { "WWW-Authenticate": "Bearer" } };
  if (!key) throw new Refusal(401, "MISSING_AUTH", "Send the header Authorization: Bearer YOUR_API_KEY", challenge);
  context.project = await findProject(env, key);
  if (!context.project) throw new Refusal(401, "INVALID_API_KEY", "No such API key", challenge);
  const quota = quotaOf(env);
  const verdict = await take(env, context.project, quota);
  context.budget = budget(quota, verdict);
  if (verdict.allowed) return;
  const headers = { "Retry-After": String(Math.ceil(verdict.resetMs / 1000)) };
  throw new Refusal(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", { details: { limit: quota.limit }, headers });
}

async function upsert(request, env, context) {
  await admit(request, env, context);
  const text = await request.text();
  if (text.length > MAX_BODY_BYTES) throw new Refusal(413, "PAYLOAD_TOO_LARGE", "Body is too large");
  let user;
  try {
    user = JSON.parse(text);
  } catch {
    throw new Refusal(400, "INVALID_REQUEST", "Body is not JSON");
  }
  if (!isObject(user)) throw new Refusal(400, "INVALID_REQUEST", "Body is not an object");
  const faults = faultsOf(user);
  if (faults.length > 0) {
    const errors = faults.map(([issue, field]) => ({ field, issue }));
    throw new Refusal(400, faults[0][0], `Invalid value for field: ${faults[0][1]}`, {
      details: { ...errors[0], errors },
    });
  }
  const row = await storeUser(env, context.project, user);
  const headers = {
    Location: `/v1/users/${encodeURIComponent(user.user_id)}`,
    "X-User-Created": String(row.created === 1),
  };
  return { status: 200, body: stored(user.user_id, row), headers };
}

async function read(request, env, context, id) {
  await admit(request, env, context);
  const row = await findUser(env, context.project, id);
  if (!row) throw new Refusal(404, "USER_NOT_FOUND", `No such user: ${id}`);
  return { status: 200, body: { success: true, user: shown(id, row) }, headers: { ETag: `"${row.revision}"` } };
}

function respond(request, env, context) {
  const { pathname } = new URL(request.url);
  if (pathname === "/health") return { status: 200, body: { status: "ok" } };
  if (request.method === "POST" && pathname === "/v1/users") return upsert(request, env, context);
  if (request.method === "GET" && pathname.startsWith("/v1/users/"))
    return read(request, env, context, decodeURIComponent(pathname.slice(10)));
  throw new Refusal(404, "NOT_FOUND", "No such route");
}

export default {
  async fetch(request, env) {
    const [begun, id] = [Date.now(), crypto.randomUUID()];
    /** @type {{ project?: string, budget?: object }} */
    const context = {};
    let answer;
    try {
      answer = await respond(request, env, context);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      answer = thrown;
    }
    log(id, request.method, new URL(request.url).pathname, answer.status, begun, { project: context.project });
    const headers = {
      ...answer.headers,
      ...context.budget,
      "Content-Type": "application/json",
      "X-Request-Id": id,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers": "X-Request-Id, X-User-Created, ETag",
    };
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers });
  },
};
