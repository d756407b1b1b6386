// Every operation on every target, in turn, in rounds: what else the machine does meets all of them alike. Writes the
// tables into bench/README.md. Usage: make bench; ONLY='read|401' measures those operations alone, and writes nothing.

import { fork } from "node:child_process";
import { on } from "node:events";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { publish, spread, table, times } from "./lib/document.mjs";
import { operations } from "./lib/operations.mjs";
import { cpuMs, runtime } from "./lib/processor.mjs";
import { open } from "./lib/targets.mjs";
import { ROOT } from "./lib/worker.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 0.5);
const ONLY = new RegExp(process.env.ONLY ?? "");

const { miniflare, targets } = await open();
const load = fork(`${ROOT}bench/lib/load.mjs`);
/** @type {AsyncIterator<any>} */
const told = on(load, "message");
const pid = runtime();

async function measure(target, operation, seconds) {
  const next = async () => {
    const { error, ...message } = (await told.next()).value[0];
    if (error) throw new Error(`${target.name}, ${operations[operation].name}: ${error}`);
    return message;
  };
  load.send({ target, operation, seconds });
  await next();
  const before = cpuMs(pid);
  const { result } = await next();
  return { ...result, cpu: pid && (cpuMs(pid) - before) / result.requests };
}

const names = targets.map(({ name }) => name);
const chosen = operations.map((_, operation) => operation).filter((operation) => ONLY.test(operations[operation].name));
const meets = (operation) => targets.filter(({ name }) => operations[operation].on.test(name));
/** By operation and target: its figures in each round. */
/** @type {Record<string, any[]>[]} */
const rounds = operations.map(() => Object.fromEntries(names.map((name) => [name, []])));

try {
  for (let round = -1; round < ROUNDS; round++) {
    for (const operation of chosen) {
      const meeting = meets(operation);
      for (let turn = 0; turn < meeting.length; turn++) {
        // Each target has each place in turn. The round before the first only warms up.
        const target = meeting[(turn + round + meeting.length) % meeting.length];
        const result = await measure(target, operation, round < 0 ? SECONDS / 4 : SECONDS);
        if (round >= 0) rounds[operation][target.name].push(result);
      }
    }
    if (round >= 0) console.error(`round ${round + 1} of ${ROUNDS}`);
  }
} finally {
  load.kill();
  await miniflare.dispose();
}

/**
 * A target's figures, and its rate and time of a processor as multiples of what it is compared with, round by round.
 */
function figuresOf(operation, target) {
  const [own, other] = [rounds[operation][target], rounds[operation][operations[operation].beside]];
  const all = (name) => spread(own.map((round) => round[name]));
  const ratio = (name) => spread(own.map((round, i) => round[name] / other[i][name]));
  const figures = { target, rate: all("rate"), p50: all("p50"), p99: all("p99"), ratio: ratio("rate") };
  return pid ? { ...figures, cpu: all("cpu"), cpuRatio: ratio("cpu") } : figures;
}

const measured = chosen.map((operation) => {
  const { name, atOnce, users, beside } = operations[operation];
  return { name, atOnce, users, beside, figures: meets(operation).map(({ name }) => figuresOf(operation, name)) };
});

function section({ name, atOnce, users, beside, figures }) {
  const head = ["", `${users > 1 ? "users" : "requests"}/s`, "p50, ms", "p99, ms", `times ${beside}`];
  if (figures[0].cpu) head.push("CPU, ms", `times ${beside}`);
  const rows = figures.map(({ target, rate, p50, p99, cpu, ratio, cpuRatio }) => {
    const cells = [target, Math.round(rate.median), p50.median.toFixed(2), p99.median.toFixed(2), times(ratio)];
    return [...cells, ...(cpu ? [cpu.median.toFixed(2), times(cpuRatio)] : [])];
  });
  return `**${name}, ${atOnce} at once**\n\n${table(head, rows)}\n`;
}

const machine = `${cpus().length} × ${cpus()[0].model.trim()}, ${process.platform} ${process.arch}`;
const version = (name) => JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, "utf8")).version;
const versions = ["workerd", "hono", "zod"].map((name) => `${name} ${version(name)}`).join(", ");
const head = `${machine}; Node.js ${process.version}, ${versions}; ${ROUNDS} rounds of ${SECONDS} s each.\n`;
const text = [head, ...measured.map(section)].join("\n");
if (process.env.ONLY) console.log(text);
else publish("run", text);
