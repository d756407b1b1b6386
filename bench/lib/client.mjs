// How all that is measured here is asked.

import { Agent, request } from "node:http";
import { ADMIN_TOKEN } from "./worker.mjs";

// The runtime closes a connection that has been idle for 5 s: one that is used at that moment would be reset.
const agent = new Agent({ keepAlive: true, timeout: 3000 });

/**
 * The answer's status, headers and text. A body is JSON unless it is bytes.
 * @param {{ url: string, key: string }} target
 * @param {{ method: string, path: string, body?: unknown, headers?: Record<string, string> }} request
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, text: string }>}
 */
export function send({ url, key }, { method, path, body, headers }) {
  const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const all = { Authorization: `Bearer ${key}`, ...headers };
  if (sent) Object.assign(all, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(sent) });
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers: all, agent }, (answer) => {
      let text = "";
      answer
        .setEncoding("utf8")
        .on("data", (chunk) => (text += chunk))
        .on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    outgoing.on("error", reject).end(sent);
  });
}

/** What the admin is answered. */
export async function admin(url, method, path, body) {
  const { status, text } = await send({ url, key: ADMIN_TOKEN }, { method, path, body });
  if (status >= 300) throw new Error(`${path}: ${text}`);
  return JSON.parse(text);
}

/** A key of a project, which first gets the settings, if there are any. */
export async function keyOf(url, project, settings) {
  if (settings) await admin(url, "PUT", `/v1/projects/${project}`, settings);
  return (await admin(url, "POST", "/v1/keys", { name: "bench", project })).key;
}
