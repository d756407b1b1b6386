// Stands between an SDK and Roster. Answers the first requests that carry messages with 503, passes the others on, and
// answers at GET /seen what it has seen. Also serves pages with SDKs for browsers. Its first line on standard output is
// its port.
// Usage: node gate.mjs ROSTER_URL FAILURES

import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { basename } from "node:path/posix";

const [roster, failures] = process.argv.slice(2);
/** Where the files of each SDK for browsers are. */
const SCRIPTS = {
  segment: new URL("node_modules/@segment/analytics-next/dist/umd/", import.meta.url),
  rudder: new URL("node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/", import.meta.url),
};
/** Path and status of each request that carried messages, and how many users Roster says it stored. */
const seen = [];

function passOn(incoming, outgoing, body) {
  const { method, url, headers } = incoming;
  const forwarded = request(
    roster + url,
    { method, headers: { ...headers, host: new URL(roster).host, "accept-encoding": "identity" } },
    (answer) => {
      const chunks = [];
      answer
        .on("data", (chunk) => chunks.push(chunk))
        .on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if (method === "POST") seen.push([url, answer.statusCode, JSON.parse(text).stored ?? 0]);
          // Roster answers with the host by which it was asked, which is not this one.
          delete answer.headers["content-length"];
          outgoing.writeHead(answer.statusCode, answer.headers);
          outgoing.end(text.replace(/"apiHost":"[^"]*"/, `"apiHost":"${headers.host}/v1"`));
        });
    },
  );
  forwarded.end(body);
}

const server = createServer(async (incoming, outgoing) => {
  const { url = "" } = incoming;
  const { pathname } = new URL(url, "http://gate");
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const answer = (status, type, body) => outgoing.writeHead(status, { "content-type": type }).end(body);
  if (url === "/seen") return answer(200, "application/json", JSON.stringify(seen));
  const [, sdk, file] = pathname.split("/");
  if (file === "page.html") return answer(200, "text/html", `<script src="/${sdk}/index.js"></script>`);
  if (url.endsWith(".js")) return answer(200, "text/javascript", await readFile(new URL(basename(url), SCRIPTS[sdk])));
  if (incoming.method === "GET" && !url.startsWith("/v1/")) return answer(404, "text/plain", "");
  if (incoming.method === "POST" && seen.length < Number(failures)) {
    seen.push([url, 503, 0]);
    const headers = { "content-type": "application/json", "access-control-allow-origin": "*", "retry-after": "1" };
    return outgoing
      .writeHead(503, headers)
      .end(JSON.stringify({ success: false, message: "Try again", code: "SERVICE_UNAVAILABLE" }));
  }
  passOn(incoming, outgoing, Buffer.concat(chunks));
});
server.listen(0, "127.0.0.1", () => console.log(/** @type {import("node:net").AddressInfo} */ (server.address()).port));
// It ends when whoever started it does.
process.stdin.resume().on("end", () => process.exit());
