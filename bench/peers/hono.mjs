// The peer as an app team would write it: Hono, its own middleware, and zod.

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { requestId } from "hono/request-id";
import { z } from "zod";
import { budget, findProject, findUser, log, quotaOf, refused, shown, stored, storeUser, take } from "./common.mjs";

export { Counter } from "./common.mjs";

const Free = z.record(z.string().min(1).max(128), z.any());
const User = z.strictObject({
  user_id: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^\p{Cc}]*$/u),
  email: z.email({ pattern: z.regexes.html5Email }).max(254).nullish(),
  phone: z
    .string()
    .regex(/^\+[1-9]\d{1,14}$/)
    .nullish(),
  properties: Free.optional(),
  origin: Free.optional(),
});

/** @type {Hono<any>} */
const app = new Hono();

app.use(cors({ origin: "*", exposeHeaders: ["X-Request-Id", "X-User-Created", "ETag"] }));
app.use(requestId());
app.use(async (c, next) => {
  const begun = Date.now();
  await next();
  c.header("Cache-Control", "no-store");
  c.header("X-Content-Type-Options", "nosniff");
  log(c.get("requestId"), c.req.method, c.req.routePath, c.res.status, begun, { project: c.get("project") });
});
app.get("/health", (c) => c.json({ status: "ok" }));

app.use("/v1/users/*", async (c, next) => {
  const [, key] = c.req.header("Authorization")?.match(/^Bearer +(\S+)$/i) ?? [];
  if (!key)
    return c.json(refused(401, "MISSING_AUTH", "Send the header Authorization: Bearer YOUR_API_KEY"), 401, {
      "WWW-Authenticate": "Bearer",
    });
  const project = await findProject(c.env, key);
  if (!project)
    return c.json(refused(401, "INVALID_API_KEY", "No such API key"), 401, { "WWW-Authenticate": "Bearer" });
  c.set("project", project);
  const quota = quotaOf(c.env);
  const verdict = await take(c.env, project, quota);
  for (const [name, value] of Object.entries(budget(quota, verdict))) c.header(name, value);
  if (verdict.allowed) return next();
  c.header("Retry-After", String(Math.ceil(verdict.resetMs / 1000)));
  return c.json(refused(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", { limit: quota.limit }), 429);
});

app.post("/v1/users", bodyLimit({ maxSize: 100 * 1024 }), async (/** @type {any} */ c) => {
  let body;
  try {
    body = await c.req.json();
  } catch {
    return c.json(refused(400, "INVALID_REQUEST", "Body is not JSON"), 400);
  }
  const parsed = User.safeParse(body);
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), issue: message }));
    return c.json(
      refused(400, codeOf(parsed.error.issues[0], body), `Invalid value for field: ${errors[0].field}`, {
        ...errors[0],
        errors,
      }),
      400,
    );
  }
  const row = await storeUser(c.env, c.get("project"), parsed.data);
  c.header("Location", `/v1/users/${encodeURIComponent(parsed.data.user_id)}`);
  c.header("X-User-Created", String(row.created === 1));
  return c.json(stored(parsed.data.user_id, row));
});

const codeOf = (/** @type {any} */ { code, path: [name] }, body) =>
  code === "unrecognized_keys"
    ? "UNKNOWN_FIELD"
    : code !== "invalid_type"
      ? "INVALID_VALUE"
      : name in body
        ? "INVALID_TYPE"
        : "MISSING_FIELD";

app.get("/v1/users/:id", async (c) => {
  const id = /** @type {string} */ (c.req.param("id"));
  const row = await findUser(c.env, c.get("project"), id);
  if (!row) return c.json(refused(404, "USER_NOT_FOUND", `No such user: ${id}`), 404);
  c.header("ETag", `"${row.revision}"`);
  return c.json({ success: true, user: shown(id, row) });
});

app.notFound((c) => c.json(refused(404, "NOT_FOUND", "No such route"), 404));

export default app;
