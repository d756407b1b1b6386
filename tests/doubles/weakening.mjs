// The edge as it is before a Worker: it compresses answers, and therefore weakens their ETags. For tests only.

import { once } from "node:events";
import { createServer, request } from "node:http";
import { createGzip } from "node:zlib";

/**
 * Starts it on a port of its own before the server at `origin`.
 * @param {string} origin
 */
export async function weakening(origin) {
  const edge = createServer((asked, answer) => {
    const { method, url, headers } = asked;
    const call = request(new URL(url ?? "/", origin), {
      method,
      headers: { ...headers, "accept-encoding": "identity" },
    });
    call.on("response", (answered) => {
      const { etag, "content-length": _, "transfer-encoding": __, ...kept } = answered.headers;
      const hasBody = method !== "HEAD" && answered.statusCode !== 204 && answered.statusCode !== 304;
      const weak = etag && { etag: etag.startsWith("W/") ? etag : `W/${etag}` };
      answer.writeHead(answered.statusCode ?? 502, {
        ...kept,
        ...weak,
        ...(hasBody && { "content-encoding": "gzip" }),
      });
      if (hasBody) answered.pipe(createGzip()).pipe(answer);
      else answer.end();
    });
    call.on("error", () => answer.destroy());
    asked.pipe(call);
  });
  edge.listen(0, "127.0.0.1");
  await once(edge, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (edge.address());
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      edge.close();
      edge.closeAllConnections();
    },
  };
}
