// Every operation on every target, in turn, in rounds: what else the machine does meets all of them alike. Writes the
// figures to bench/results.json and the tables into BENCHMARKS.md. Usage: make bench, or BENCH_ROUNDS=9 make bench

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { operations } from "./operations.mjs";
import { close, targets } from "./targets.mjs";
import { ROOT } from "./worker.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const TABLES = /(?<=<!-- Written by make bench. -->\n)[^]*(?=<!-- The end of what it writes. -->)/;

const load = fork(`${ROOT}bench/load.mjs`);

async function measure(target, operation, seconds) {
  load.send({ ...target.opened, operation, seconds });
  const [{ result, error }] = await once(load, "message");
  if (error) throw new Error(`${target.name}, ${operations[operation].name}: ${error}`);
  return result;
}

/** Middle, least and most of some numbers. */
function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], least: sorted[0], most: sorted.at(-1) };
}

/** The rounds' figures of an operation on a target, and its rate as a multiple of the first target's in the same round. */
function summary(rounds, first) {
  const all = (name) => spread(rounds.map((round) => round[name]));
  const ratio = spread(rounds.map(({ rate }, round) => rate / first[round].rate));
  return { rate: all("rate"), p50: all("p50"), p99: all("p99"), ratio };
}

function table({ name, atOnce, figures }) {
  const lines = figures.map(({ target, rate, p50, p99, ratio }) => {
    const times = `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})`;
    return `| ${target} | ${Math.round(rate.median)} | ${p50.median.toFixed(2)} | ${p99.median.toFixed(2)} | ${times} |`;
  });
  return [`**${name}, ${atOnce} at once**`, "", `| | requests/s | p50, ms | p99, ms | times ${targets[0].name} |`, "|---|---|---|---|---|", ...lines, ""].join("\n");
}

const rounds = operations.map(() => targets.map(() => []));
try {
  for (const target of targets) target.opened = await target.open();
  for (let round = -1; round < ROUNDS; round++) {
    for (const operation of operations.keys()) {
      for (let turn = 0; turn < targets.length; turn++) {
        // Each target has each place in turn. The round before the first only warms up.
        const which = (turn + round + targets.length) % targets.length;
        const result = await measure(targets[which], operation, round < 0 ? SECONDS / 4 : SECONDS);
        if (round >= 0) rounds[operation][which].push(result);
      }
    }
    if (round >= 0) console.error(`round ${round + 1} of ${ROUNDS}`);
  }
} finally {
  load.kill();
  await close();
}

const measured = operations.map(({ name, atOnce }, operation) => ({
  name,
  atOnce,
  figures: targets.map(({ name }, which) => ({ target: name, ...summary(rounds[operation][which], rounds[operation][0]) })),
}));
const machine = `${cpus().length} × ${cpus()[0].model.trim()}, ${process.platform} ${process.arch}`;
const version = (name) => JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, "utf8")).version;
const setting = { machine, workerd: version("workerd"), miniflare: version("miniflare"), node: process.version, rounds: ROUNDS, seconds: SECONDS };
writeFileSync(`${ROOT}bench/results.json`, `${JSON.stringify({ setting, measured }, null, 1)}\n`);
const head = `${machine}; workerd ${setting.workerd}, Node.js ${setting.node}; ${ROUNDS} rounds of ${SECONDS} s each.\n`;
const tables = [head, ...measured.map(table)].join("\n");
console.log(tables);
const document = readFileSync(`${ROOT}BENCHMARKS.md`, "utf8");
writeFileSync(`${ROOT}BENCHMARKS.md`, document.replace(TABLES, () => `\n${tables}\n`));
