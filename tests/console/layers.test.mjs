// Imports run one way: the frame, its views, their parts, the data.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const CONSOLE = new URL("../../web/console/", import.meta.url);
/** Each folder, and what it may import from. */
const MAY_IMPORT = { views: ["views", "parts", "data"], parts: ["parts", "data"], data: ["data"] };

test("views import parts and data, parts import data, and nothing runs back up", () => {
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    for (const file of readdirSync(new URL(`${folder}/`, CONSOLE))) {
      const text = readFileSync(new URL(`${folder}/${file}`, CONSOLE), "utf8");
      for (const [, path] of text.matchAll(/ from "(\.[^"]+)";/g)) {
        const [, home] =
          new URL(path, new URL(`${folder}/${file}`, CONSOLE)).pathname.match(/.*\/console\/(\w+)\//) ?? [];
        assert.ok(allowed.includes(home), `${folder}/${file} imports ${path}`);
      }
    }
  }
});

test("no two files of the console import each other", () => {
  const files = Object.keys(MAY_IMPORT).flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, CONSOLE)).map((file) => new URL(`${folder}/${file}`, CONSOLE).href),
  );
  const importsOf = (file) =>
    [...readFileSync(new URL(file), "utf8").matchAll(/ from "(\.[^"]+)";/g)].map(
      ([, path]) => new URL(path, file).href,
    );
  /** Walks from a file, and returns the path that comes back to one that is on it. */
  const circle = (file, path = []) => {
    if (path.includes(file)) return [...path, file];
    for (const next of importsOf(file)) {
      const found = circle(next, [...path, file]);
      if (found) return found;
    }
    return undefined;
  };
  for (const file of files) assert.equal(circle(file), undefined);
});
