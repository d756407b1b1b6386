// A process that sends requests: its parent tells it what to send, and it answers how that went.

import { Agent, request } from "node:http";
import { operations } from "./operations.mjs";

const agent = new Agent({ keepAlive: true });
/** No two runs send the same bodies. */
let n = 1;

function send(url, key, { method, path, body }) {
  const text = body && JSON.stringify(body);
  const headers = { Authorization: `Bearer ${key}` };
  if (text) Object.assign(headers, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers, agent }, (answer) => {
      let told = "";
      answer.setEncoding("utf8").on("data", (chunk) => (told += chunk)).on("error", reject);
      answer.on("end", () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}: ${told}`))));
    });
    outgoing.on("error", reject).end(text);
  });
}

async function run({ url, key, operation, seconds }) {
  const { atOnce, request, setUp = [] } = operations[operation];
  for (const first of setUp) await send(url, key, first);
  const times = [];
  let sent = 0;
  const begun = performance.now();
  const client = async () => {
    let now = performance.now();
    while (now - begun < seconds * 1000) {
      await send(url, key, request(sent++, n));
      const answered = performance.now();
      times.push(answered - now);
      now = answered;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  n += sent;
  const rate = times.length / ((performance.now() - begun) / 1000);
  times.sort((a, b) => a - b);
  const quantile = (q) => times[Math.floor(times.length * q)];
  return { rate, p50: quantile(0.5), p99: quantile(0.99) };
}

process.on("message", (told) => {
  run(told).then((result) => process.send({ result }), (error) => process.send({ error: String(error) }));
});
