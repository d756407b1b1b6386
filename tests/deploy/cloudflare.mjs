// A fake of Cloudflare on loopback: the calls that wrangler and scripts/ make, an account as plain data (so that it can
// be copied at any call), D1 as SQLite, and the deployed Worker. What it does not know it answers with 7003, so that a
// new wrangler that calls something else fails loudly.

import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

const API = "/client/v4";
export const ACCOUNT_ID = "0123456789abcdef0123456789abcdef";
export const TOKEN = "dummy-token";
export const UNKNOWN_ROUTE = 7003;

export const emptyAccount = () => ({ subdomain: "example", databases: {}, workers: {}, assets: [], lastId: 0 });

class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const NOT_FOUND = {
  worker: () => new Refusal(404, 10007, "This Worker does not exist on your account."),
  service: () => new Refusal(404, 10090, "This service does not exist on this account."),
  database: () => new Refusal(404, 7404, "The database could not be found"),
};

const nextId = (account) => `00000000-0000-4000-8000-${String(++account.lastId).padStart(12, "0")}`;
const momentOf = (id) => new Date(Date.UTC(2026, 0, 1) + Number(id.slice(-12)) * 1000).toISOString();

const databaseById = (account, id) => {
  const found = Object.values(account.databases).find((database) => database.uuid === id);
  if (!found) throw NOT_FOUND.database();
  return found;
};

const worker = (account, name, missing = NOT_FOUND.worker) => {
  const found = account.workers[name];
  if (!found) throw missing();
  return found;
};

/** A database is the list of what was written to it. */
export function open(database) {
  const sqlite = new DatabaseSync(":memory:");
  for (const sql of database.written) sqlite.exec(sql);
  return sqlite;
}

function query(account, [id], { sql }) {
  const database = databaseById(account, id);
  const sqlite = open(database);
  try {
    if (/^\s*(select|pragma)\b/i.test(sql)) return [{ results: sqlite.prepare(sql).all(), success: true, meta: {} }];
    // All of it or nothing, as D1 does.
    sqlite.exec(`begin; ${sql.trim().replace(/;?$/, ";")} commit`);
  } catch (error) {
    throw new Refusal(400, 7500, error.message);
  } finally {
    sqlite.close();
  }
  database.written.push(sql);
  return [{ results: [], success: true, meta: { duration: 0, rows_written: 1, rows_read: 0, size_after: 0 } }];
}

function createDatabase(account, _, { name, primary_location_hint, jurisdiction }) {
  if (account.databases[name]) throw new Refusal(400, 7502, `A database with that name already exists: ${name}`);
  const uuid = nextId(account);
  account.databases[name] = { uuid, name, location: primary_location_hint, jurisdiction, written: [] };
  return account.databases[name];
}

/** A version of a Worker, from what was uploaded. */
function versionOf(account, { metadata, modules }, previous) {
  const { bindings, ...rest } = metadata;
  const before = previous?.bindings ?? [];
  const kept = before.filter(({ type }) => rest.keep_bindings?.includes(type));
  const resolved = bindings.map((binding) => {
    if (binding.type === "d1") databaseById(account, binding.database_id ?? binding.id);
    if (binding.type !== "inherit") return binding;
    const inherited = before.find(({ name }) => name === binding.name);
    if (!inherited) throw new Refusal(400, 10057, `inherit binding '${binding.name}' is invalid`);
    return inherited;
  });
  const all = new Map([...kept, ...resolved].map((binding) => [binding.name, binding]));
  const id = nextId(account);
  return { id, bindings: [...all.values()], metadata: rest, modules, broken: account.nextUploads };
}

const migrationTag = (metadata, before) => metadata.migrations?.new_tag ?? before;

function uploadScript(account, [name], upload) {
  const existing = account.workers[name];
  const { old_tag } = upload.metadata.migrations ?? {};
  if (upload.metadata.migrations && old_tag !== existing?.tag)
    throw new Refusal(400, 10079, "migration tag precondition failed");
  const version = versionOf(account, upload, existing?.versions.at(-1));
  const known = existing ?? { versions: [], deployments: [], subdomain: { enabled: false, previews_enabled: false } };
  known.versions.push(version);
  known.tag = migrationTag(upload.metadata, existing?.tag);
  known.settings = { observability: upload.metadata.observability, tags: upload.metadata.tags };
  account.workers[name] = known;
  addDeployment(account, known, [{ version_id: version.id, percentage: 100 }]);
  return { id: name, tag: name, deployment_id: version.id.replaceAll("-", ""), startup_time_ms: 1 };
}

function uploadVersion(account, [name], upload) {
  const known = worker(account, name);
  if (upload.metadata.migrations)
    throw new Refusal(400, 10211, "migrations must be fully applied with a non-versioned deploy");
  const version = versionOf(account, upload, known.versions.at(-1));
  known.versions.push(version);
  return {
    id: version.id,
    startup_time_ms: 1,
    metadata: { has_preview: false },
    resources: { script: { etag: version.id } },
  };
}

function addDeployment(account, known, versions) {
  for (const { version_id } of versions) {
    if (!known.versions.some(({ id }) => id === version_id)) throw new Refusal(404, 10222, "Version not found");
  }
  if (versions.reduce((sum, { percentage }) => sum + percentage, 0) !== 100) throw new Refusal(400, 10223, "not 100 %");
  const id = nextId(account);
  known.deployments.unshift({
    id,
    versions,
    created_on: momentOf(id),
    source: "wrangler",
    strategy: "percentage",
    annotations: {},
  });
  return known.deployments[0];
}

const shown = (version) => ({
  id: version.id,
  number: Number(version.id.slice(-12)),
  metadata: { created_on: momentOf(version.id), source: "wrangler", author_email: "dev@example.com" },
  annotations: {},
  resources: {
    bindings: version.bindings.map(({ text, ...binding }) =>
      binding.type === "secret_text" ? binding : { ...binding, text },
    ),
    script: { etag: version.id, handlers: ["fetch"] },
    script_runtime: { compatibility_date: version.metadata.compatibility_date },
  },
});

/** @type {[route: string, answer: (account: any, names: any, body: any) => unknown][]} */
const ANSWERS = [
  ["GET /accounts", (account) => [{ id: ACCOUNT_ID, name: "Test" }, ...(account.otherAccounts ?? [])]],
  ["GET /accounts/A/d1/database/*", (account, [name]) => account.databases[name] ?? databaseById(account, name)],
  ["POST /accounts/A/d1/database", createDatabase],
  ["POST /accounts/A/d1/database/*/query", query],
  [
    "GET /accounts/A/d1/database/*/time_travel/bookmark",
    (account, [id]) => ({ bookmark: `bookmark-${databaseById(account, id).written.length}` }),
  ],
  [
    "GET /accounts/A/workers/subdomain",
    ({ subdomain }) => {
      if (!subdomain) throw new Refusal(404, 10007, "You have not registered a workers.dev subdomain");
      return { subdomain };
    },
  ],
  [
    "GET /accounts/A/workers/services/*",
    (account, [name]) => {
      const { tag } = worker(account, name, NOT_FOUND.service);
      return {
        id: name,
        default_environment: {
          environment: "production",
          script: { id: name, tag: name, tags: [], last_deployed_from: "wrangler", migration_tag: tag },
        },
      };
    },
  ],
  [
    "GET /accounts/A/workers/workers/*",
    (account, [name]) => ({ id: name, name, subdomain: worker(account, name).subdomain }),
  ],
  [
    "GET /accounts/A/workers/scripts/*/secrets",
    (account, [name]) =>
      worker(account, name)
        .versions.at(-1)
        .bindings.filter(({ type }) => type === "secret_text")
        .map(({ name, type }) => ({ name, type })),
  ],
  [
    "GET /accounts/A/workers/scripts/*/settings",
    (account, [name]) => ({
      ...worker(account, name).settings,
      bindings: worker(account, name).versions.at(-1).bindings,
    }),
  ],
  ["PUT /accounts/A/workers/scripts/*", uploadScript],
  ["POST /accounts/A/workers/scripts/*/versions", uploadVersion],
  [
    "GET /accounts/A/workers/scripts/*/versions",
    (account, [name]) => ({ items: worker(account, name).versions.map(shown) }),
  ],
  [
    "GET /accounts/A/workers/scripts/*/versions/*",
    (account, [name, id]) => {
      const found = worker(account, name).versions.find((version) => version.id === id);
      if (!found) throw new Refusal(404, 10222, "Version not found");
      return shown(found);
    },
  ],
  [
    "GET /accounts/A/workers/scripts/*/deployments",
    (account, [name]) => ({ deployments: worker(account, name).deployments }),
  ],
  [
    "POST /accounts/A/workers/scripts/*/deployments",
    (account, [name], { versions }) => addDeployment(account, worker(account, name), versions),
  ],
  [
    "PATCH /accounts/A/workers/scripts/*/script-settings",
    (account, [name], settings) => Object.assign(worker(account, name).settings, settings),
  ],
  ["GET /accounts/A/workers/scripts/*/script-settings", (account, [name]) => worker(account, name).settings],
  ["GET /accounts/A/workers/scripts/*/subdomain", (account, [name]) => worker(account, name).subdomain],
  [
    "POST /accounts/A/workers/scripts/*/subdomain",
    (account, [name], body) => Object.assign(worker(account, name).subdomain, body),
  ],
  [
    "POST /accounts/A/workers/scripts/*/assets-upload-session",
    (account, _, { manifest }) => {
      const missing = [...new Set(Object.values(manifest).map(({ hash }) => hash))].filter(
        (hash) => !account.assets.includes(hash),
      );
      return { jwt: "e30.e30.e30", buckets: missing.length ? [missing] : [] };
    },
  ],
  [
    "POST /accounts/A/workers/assets/upload",
    (account, _, { files }) => {
      // A set: wrangler sends them in the order in which it came to read them, which is another one at times.
      account.assets = [...new Set([...account.assets, ...files])].sort();
      return { jwt: "e30.e30.e30" };
    },
  ],
];

const ROUTES = ANSWERS.map(([route, answer]) => {
  const [method, path] = route.split(" ");
  return { method, path: new RegExp(`^${path.replace("/A/", `/${ACCOUNT_ID}/`).replaceAll("*", "([^/]+)")}$`), answer };
});

async function bodyOf(request) {
  const chunks = await request.toArray();
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data"))
    return chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
  const form = await new Response(Buffer.concat(chunks), { headers: { "content-type": type } }).formData();
  if (!form.has("metadata")) return { files: [...form.keys()] };
  const { metadata, ...modules } = Object.fromEntries(
    await Promise.all([...form].map(async ([name, part]) => [name, await bytesOf(part)])),
  );
  const digests = Object.entries(modules).map(([name, bytes]) => `${name} ${hash("sha256", bytes)}`);
  return { metadata: JSON.parse(metadata), modules: digests.sort() };
}

const bytesOf = async (part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(await part.arrayBuffer()));

async function answerApi(account, method, url, request) {
  if (request.headers.authorization !== `Bearer ${account.jwt ?? TOKEN}` && !url.pathname.endsWith("/assets/upload"))
    throw new Refusal(401, 10000, "Authentication error");
  const path = url.pathname.slice(API.length);
  if (account.tokenLacks && path.includes(account.tokenLacks)) throw new Refusal(403, 10000, "Authentication error");
  for (const route of ROUTES) {
    const match = route.method === method && path.match(route.path);
    if (match) return route.answer(account, match.slice(1), await bodyOf(request));
  }
  throw new Refusal(404, UNKNOWN_ROUTE, `Could not route to ${path}, perhaps your object identifier is invalid?`);
}

/**
 * What the Worker of that name on workers.dev answers.
 * @returns {{ status: number, text: string, headers?: object }}
 */
function answerWorker(account, name, path, headers) {
  const known = account.workers[name];
  if (!known?.subdomain.enabled) return { status: 404, text: "There is nothing here yet" };
  const [deployment] = known.deployments;
  const asked = headers["cloudflare-workers-version-overrides"]?.match(/^([\w-]+)="([0-9a-f-]+)"$/);
  const overridden =
    asked?.[1] === name &&
    !account.ignoresOverrides &&
    deployment.versions.find(({ version_id }) => version_id === asked[2]);
  const { version_id } =
    overridden || deployment.versions.reduce((one, other) => (other.percentage > one.percentage ? other : one));
  const version = known.versions.find(({ id }) => id === version_id);
  const hasTraffic = deployment.versions.some((one) => one.version_id === version_id && one.percentage > 0);
  const isBroken = version.broken === "under traffic" ? hasTraffic : version.broken;
  return {
    ...(isBroken ? { status: 500, text: '{"success":false}' } : answerOf(account, version, path)),
    headers: { "X-Roster-Version": version_id },
  };
}

function answerOf(account, version, path) {
  if (path === "/health") return { status: 200, text: JSON.stringify({ status: "ok", version: version.id }) };
  if (path === "/openapi.yaml") return { status: 200, text: "openapi: 3.1.0\n" };
  if (path === "/v1/users") return { status: 401, text: '{"success":false,"code":"MISSING_AUTH"}' };
  if (path !== "/health/ready") return { status: 404, text: '{"success":false}' };
  const { database_id, id } = version.bindings.find(({ type }) => type === "d1");
  try {
    open(databaseById(account, database_id ?? id))
      .prepare("select storage from projects")
      .all();
    return { status: 200, text: '{"status":"ready"}' };
  } catch {
    return { status: 503, text: '{"status":"not ready"}' };
  }
}

/**
 * Serves this account, which calls change. `intervene(call)` is asked before each call, numbered from 1: "500" refuses
 * it, "lost" lets it take effect and loses its answer, "silent" never answers. Afterwards `done` is called.
 */
export async function serve(
  account,
  workerName = "roster",
  intervene = /** @type {(call: any) => string | undefined} */ (() => undefined),
) {
  /** @type {any[]} */
  const calls = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const call = {
      number: calls.length + 1,
      method: request.method,
      path: url.pathname.replace(API, ""),
      isApi: url.pathname.startsWith(API),
    };
    calls.push(call);
    const fault = intervene(call);
    if (fault === "silent") return;
    const send = (status, text, headers = {}) => {
      if (fault === "lost") return response.destroy();
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
    };
    const sendError = (status, code, message) =>
      send(status, JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null }));
    if (fault === "500") return sendError(500, 10013, "An unknown error has occurred");
    if (!call.isApi) {
      const { status, text, headers = {} } = answerWorker(account, workerName, url.pathname, request.headers);
      return send(status, text, headers);
    }
    try {
      const result = await answerApi(account, request.method, url, request);
      intervene({ ...call, done: true });
      send(
        call.path.endsWith("/assets/upload") ? 201 : 200,
        JSON.stringify({
          success: true,
          errors: [],
          messages: [],
          result,
          result_info: { page: 1, per_page: 100, count: 1, total_count: 1 },
        }),
      );
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      call.refused = error.code ?? 0;
      sendError(error.status ?? 500, error.code ?? 0, error.message);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { api: origin + API, origin, calls, close };
}
