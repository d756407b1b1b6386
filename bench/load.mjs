// A process that sends requests: its parent tells it what to send, and it answers how that went.

import { Agent, request } from "node:http";
import { operations } from "./operations.mjs";

const agent = new Agent({ keepAlive: true });
/** No two runs send the same bodies. */
let n = 1;

/** `status` is what must be answered, if anything must. */
function send({ url, key }, status, { method, path, body, headers }) {
  const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const all = { Authorization: `Bearer ${key}`, ...headers };
  if (sent) Object.assign(all, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(sent) });
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers: all, agent }, (answer) => {
      let told = "";
      answer.setEncoding("utf8").on("data", (chunk) => (told += chunk)).on("error", reject);
      const isRight = !status || answer.statusCode === status;
      answer.on("end", () => (isRight ? resolve() : reject(new Error(`${answer.statusCode}: ${told}`))));
    });
    outgoing.on("error", reject).end(sent);
  });
}

async function run({ target, operation, seconds }) {
  const { atOnce, request, setUp = [], users, limited } = operations[operation];
  // The floor answers everything with 200.
  const status = target.name === "hello" ? 200 : operations[operation].status;
  const to = limited ? target.limited ?? target : target;
  for (const first of setUp) await send(to, 0, first);
  if (limited) await send(to, 0, request(0, 0));
  const times = [];
  let sent = 0;
  process.send({ begun: true });
  const begun = performance.now();
  const client = async () => {
    let now = performance.now();
    while (now - begun < seconds * 1000) {
      await send(to, status, request(sent++, n));
      const answered = performance.now();
      times.push(answered - now);
      now = answered;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  n += sent;
  const rate = (users * times.length) / ((performance.now() - begun) / 1000);
  times.sort((a, b) => a - b);
  const quantile = (q) => times[Math.floor(times.length * q)];
  return { requests: times.length, rate, p50: quantile(0.5), p99: quantile(0.99) };
}

process.on("message", (told) => {
  run(told).then((result) => process.send({ result }), (error) => process.send({ error: String(error) }));
});
