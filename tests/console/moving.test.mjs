// A project's move in the console: where it goes, and how far it is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText, STATES, storageText } from "../../web/console/data/moving.mjs";

test("a storage is said as people say it", () => {
  assert.equal(storageText({ kind: "d1" }), "D1, shared");
  assert.equal(storageText({ kind: "objects", buckets: 1, jurisdiction: null, location: null }), "Its own object");
  assert.equal(
    storageText({ kind: "objects", buckets: 4, jurisdiction: "eu", location: "weur" }),
    "4 objects of its own, eu",
  );
  assert.equal(storageText({ kind: "objects", buckets: 16, location: "weur" }), "16 objects of its own, weur");
});

test("it is said how far a move is, and only what is not switched yet can be given up", () => {
  const move = {
    ...{ state: "copying", from: { kind: "d1" }, to: { kind: "d1" } },
    ...{ total: 1000, since: "", error: null },
  };
  assert.equal(progressText({ ...move, copied: 0, behind: null }), "0 copied, of 1,000 users when it began");
  assert.equal(
    progressText({ ...move, copied: 1200, behind: 3 }),
    "1,200 copied, of 1,000 users when it began; 3 s behind",
  );
  assert.deepEqual(
    Object.keys(STATES).filter((state) => STATES[state].mayEnd),
    ["preparing", "copying"],
  );
});
