// Reads an account by Cloudflare's API. Nothing here changes anything: that is wrangler's.

import { execFileSync } from "node:child_process";
import { Mistake } from "./steps.mjs";

const API = process.env.CLOUDFLARE_API_BASE_URL ?? "https://api.cloudflare.com/client/v4";
const PERMISSIONS = [
  { key: "workers_scripts", type: "edit" },
  { key: "d1", type: "edit" },
  { key: "account_settings", type: "read" },
];
const GROUPS = encodeURIComponent(JSON.stringify(PERMISSIONS));
const DASHBOARD = "https://dash.cloudflare.com";
const HOW_TO_LOG_IN = `Run \`npx wrangler login\`, or make a token here and set CLOUDFLARE_API_TOKEN to it:
${DASHBOARD}/?to=/:account/api-tokens&permissionGroupKeys=${GROUPS}&name=roster`;

const NONE = undefined;
/** So Cloudflare answers to a wrong account id as well. */
const UNKNOWN_ROUTE = 7003;

export class Account {
  #token;

  constructor(token, id) {
    this.#token = token;
    this.id = id;
  }

  /** The account of wrangler.toml, of the environment, or else the only one. */
  static async open(accountId) {
    const token = tokenOfEnvironment() || tokenOfLogin();
    if (!token) throw new Mistake(`No one is logged in to Cloudflare. ${HOW_TO_LOG_IN}`);
    const account = new Account(token, accountId || process.env.CLOUDFLARE_ACCOUNT_ID);
    account.id ||= await account.#onlyAccount();
    // Wrangler is to mean the same.
    process.env.CLOUDFLARE_ACCOUNT_ID = account.id;
    return account;
  }

  async #onlyAccount() {
    const accounts = (await this.#read("/accounts", "list its account")) ?? [];
    if (accounts.length === 1) return accounts[0].id;
    const listed = accounts.map(({ id, name }) => `  ${id}  ${name}`).join("\n");
    throw new Mistake(
      `Set CLOUDFLARE_ACCOUNT_ID to your account's id:\n${listed || "  (it is in the dashboard's address)"}`,
    );
  }

  /** The account's part of workers.dev. */
  async subdomain() {
    const found = await this.#read(`/accounts/${this.id}/workers/subdomain`, "read Workers");
    if (found?.subdomain) return found.subdomain;
    throw new Mistake(
      `The account has no subdomain of workers.dev yet. Choose one, once:\n${DASHBOARD}/${this.id}/workers/onboarding`,
    );
  }

  async database(name) {
    return this.#read(`/accounts/${this.id}/d1/database/${name}`, "use D1");
  }

  async bookmark({ uuid }) {
    return (await this.#read(`/accounts/${this.id}/d1/database/${uuid}/time_travel/bookmark`, "use D1")).bookmark;
  }

  /** The Worker as it serves now, or nothing. */
  async worker(name) {
    const service = await this.#read(`/accounts/${this.id}/workers/services/${name}`, "read Workers");
    if (!service) return NONE;
    const scripts = `/accounts/${this.id}/workers/scripts/${name}`;
    const secrets = (await this.#read(`${scripts}/secrets`, "read Workers")) ?? [];
    return {
      objectsTag: service.default_environment.script.migration_tag,
      hasAdminToken: secrets.some((secret) => secret.name === "ADMIN_TOKEN"),
      deployments: (await this.#read(`${scripts}/deployments`, "read Workers"))?.deployments ?? [],
    };
  }

  async version(worker, id) {
    return this.#read(`/accounts/${this.id}/workers/scripts/${worker}/versions/${id}`, "read Workers");
  }

  async #read(path, purpose) {
    console.log(`$ curl -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" '${API}${path}'`);
    const headers = { Authorization: `Bearer ${this.#token}` };
    const answer = await fetch(API + path, { headers, signal: AbortSignal.timeout(30_000) }).catch(
      ({ cause, message }) => {
        throw new Mistake(
          `Cloudflare can't be reached: ${cause?.message ?? message}. Nothing was changed by this call.`,
        );
      },
    );
    const { success, result, errors } = await answer.json().catch(() => ({}));
    if (success) return result;
    if (answer.status === 404 && !errors?.some(({ code }) => code === UNKNOWN_ROUTE)) return NONE;
    const reason = errors?.map(({ code, message }) => `${message} (${code})`).join(", ") ?? "no reason";
    if ([401, 403].includes(answer.status))
      throw new Mistake(`The token may not ${purpose}: ${reason}. ${HOW_TO_LOG_IN}`);
    throw new Mistake(`Cloudflare answers ${answer.status} to GET ${path}: ${reason}. Run the same command again.`);
  }
}

/** Whether anyone is logged in. */
export const isLoggedIn = () => Boolean(tokenOfEnvironment() || tokenOfLogin());

/** An account that has nothing yet. */
export const EMPTY_ACCOUNT = {
  subdomain: async () => "<subdomain>",
  database: async () => NONE,
  worker: async () => NONE,
};

const tokenOfEnvironment = () => process.env.CLOUDFLARE_API_TOKEN;

/** Of `wrangler login`, if someone did. */
function tokenOfLogin() {
  /** @type {import("node:child_process").ExecFileSyncOptionsWithStringEncoding} */
  const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  try {
    return JSON.parse(execFileSync("wrangler", ["auth", "token", "--json"], options)).token;
  } catch {
    // It prints no JSON.
    return NONE;
  }
}
