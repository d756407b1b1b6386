// What the peers share: the counter, the key, the statements and the forms of answers. Each remote call waits DELAY_MS
// first, as across an ocean.

import { DurableObject } from "cloudflare:workers";

/** Counts the requests of one project in windows of fixed length. In memory: storage would only make it slower. */
export class Counter extends DurableObject {
  #ends = 0;
  #taken = 0;

  take(limit, windowMs) {
    const now = Date.now();
    if (now >= this.#ends) [this.#ends, this.#taken] = [now + windowMs, 0];
    if (this.#taken < limit) this.#taken++;
    else return { allowed: false, remaining: 0, resetMs: this.#ends - now };
    return { allowed: true, remaining: limit - this.#taken, resetMs: this.#ends - now };
  }
}

async function remote(env, call) {
  if (env.DELAY_MS) await new Promise((resolve) => setTimeout(resolve, env.DELAY_MS));
  return call();
}

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The project of a live key, or null. */
export async function findProject(env, key) {
  const hash = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)));
  const sql =
    "select project from api_keys where hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2)";
  const row = await remote(env, () => env.DB.prepare(sql).bind(hash, Date.now()).first());
  return row?.project ?? null;
}

export function take(env, project, { limit, windowMs }) {
  return remote(env, () => env.COUNTER.getByName(project).take(limit, windowMs));
}

export function quotaOf(env) {
  const [limit, seconds] = env.RATE_LIMIT.split("/").map(Number);
  return { limit, windowMs: seconds * 1000 };
}

const keys = (profile, part) => `(select count(*) from json_each(${profile}, '$.${part}'))`;

const REVISION = `max(
  cast(?5 * 1000 as integer), 1 + ifnull((select max(revision) from changes where project = ?1 and gone = 0), 0)
)`;

/** The merge and the order of Roster's own statement, for a project that is known. */
const UPSERT = `
insert into users (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
select ?1, ?2, ?3, profile, ${keys("profile", "properties")}, ${keys("profile", "origin")}, ${REVISION}, ?5, ?5
from (select json_patch('{"properties":{},"origin":{}}', ?4) as profile)
where true
on conflict (project, external_id) do update set (profile, property_keys, origin_keys, revision, updated_at) = (
    select
        merged, ${keys("merged", "properties")}, ${keys("merged", "origin")},
        iif(merged is not profile, ${REVISION}, revision),
        iif(merged is not profile, max(updated_at, ?5), updated_at)
    from (select json_patch(profile, ?4) as merged)
)
returning id, id = ?3 as created`;

export function storeUser(env, project, { user_id, ...patch }) {
  const values = [project, user_id, `usr_${crypto.randomUUID()}`, JSON.stringify(patch), Date.now()];
  return remote(env, () =>
    env.DB.prepare(UPSERT)
      .bind(...values)
      .first(),
  );
}

const FIND = `
select id, email, phone, profile -> '$.properties' as properties, profile -> '$.origin' as origin,
  created_at, updated_at, revision
from users where project = ?1 and external_id = ?2`;

export function findUser(env, project, id) {
  return remote(env, () => env.DB.prepare(FIND).bind(project, id).first());
}

/** A row as `GET` shows it. */
export const shown = (id, row) => ({
  user_id: row.id,
  external_id: id,
  email: row.email,
  phone: row.phone,
  properties: JSON.parse(row.properties),
  origin: JSON.parse(row.origin),
  created_at: new Date(row.created_at).toISOString(),
  updated_at: new Date(row.updated_at).toISOString(),
});

export const stored = (id, row) => ({
  success: true,
  user_id: row.id,
  external_id: id,
  message: "User created/updated successfully",
});

const PHRASES = { 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests" };

export const refused = (status, code, message, details) => ({
  success: false,
  error: PHRASES[status],
  message,
  code,
  details,
});

export function budget({ limit, windowMs }, { remaining, resetMs }) {
  const seconds = Math.ceil(resetMs / 1000);
  return {
    "X-RateLimit-Limit": String(limit),
    "X-RateLimit-Remaining": String(remaining),
    "X-RateLimit-Reset": String(Math.ceil((Date.now() + resetMs) / 1000)),
    "RateLimit-Policy": `"users";q=${limit};w=${windowMs / 1000}`,
    RateLimit: `"users";r=${remaining};t=${seconds}`,
  };
}

export function log(request_id, method, route, status, begun, more = {}) {
  console.log(JSON.stringify({ request_id, method, route, status, duration_ms: Date.now() - begun, ...more }));
}
