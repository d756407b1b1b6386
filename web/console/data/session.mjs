// Who is signed in: an API key, the admin token, or both. Kept for this tab alone.

import { send } from "./api.mjs";
import { plain } from "./lossless.mjs";

const STORE = "roster-console";

/** `{key?: {token, about?}, admin?: {token}}`, where `about` is what `GET /v1/key` says. */
export function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

export function keep(session) {
  try {
    if (session.key || session.admin) sessionStorage.setItem(STORE, JSON.stringify(session));
    else sessionStorage.removeItem(STORE);
  } catch {
    // Without storage it lasts until the page is left.
  }
}

/** Finds out what a token is: `{key}` or `{admin}` as in a session, or `{refused}` with the answer that says why. */
export async function identify(token) {
  // No header can hold it, so it is neither.
  if (!/^[!-~]+$/.test(token)) return { refused: { status: 401, error: { code: "INVALID_API_KEY", message: "" } } };
  return token.startsWith("ros_") ? identifyKey(token) : identifyAdmin(token);
}

async function identifyKey(token) {
  const answer = await send({ path: "/v1/key" }, token);
  if (answer.status === 200) return { key: { token, about: plain(answer.tree.get("key")) } };
  if (answer.status !== 404) return { refused: answer };
  // An older Roster, which can't say what a key may do.
  const page = await send({ path: "/v1/users?limit=1" }, token);
  return page.status === 200 || page.status === 403 ? { key: { token } } : { refused: page };
}

async function identifyAdmin(token) {
  const answer = await send({ path: "/v1/projects" }, token);
  return answer.status === 200 ? { admin: { token } } : { refused: answer };
}
