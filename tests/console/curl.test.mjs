// Curl lines, held against a real shell.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { curlLine, quote } from "../../web/console/data/curl.mjs";

/** The words that a shell makes of a line, its variables replaced. */
function words(line) {
  const env = { ROSTER_KEY: "K", ROSTER_ADMIN_TOKEN: "A" };
  const text = execFileSync(
    "/bin/sh",
    ["-c", `for word in "$@"; do printf '%s\\0' "$word"; done`.replace('"$@"', line)],
    { env, encoding: "utf8" },
  );
  return text.split("\0").slice(0, -1);
}

test("a shell reads back what was quoted", () => {
  const naughty = [
    "",
    "a b",
    "it's",
    `'`,
    `''"`,
    "$HOME",
    "`id`",
    "\\",
    "a\nb",
    "*",
    "!x",
    "é😀",
    "-x",
    "{a,b}",
    "#",
    "<img src=x onerror=alert(1)>",
    "~",
    "a&&b",
  ];
  assert.deepEqual(words(naughty.map(quote).join(" ")), naughty);
  assert.equal(quote("https://a.example/v1/users?limit"), "'https://a.example/v1/users?limit'");
  assert.equal(quote("https://a.example/v1/users"), "https://a.example/v1/users");
});

test("a line has method, URL, headers and body, and a variable for the key", () => {
  const line = curlLine(
    {
      as: "key",
      method: "POST",
      path: "/v1/users/it's%20me",
      headers: { "If-Match": '"r 1"' },
      body: `{"user_id": "it's $ROSTER_KEY"}`,
    },
    "https://a.example",
  );
  assert.deepEqual(words(line), [
    "curl",
    "-X",
    "POST",
    "https://a.example/v1/users/it's%20me",
    "-H",
    "Authorization: Bearer K",
    "-H",
    'If-Match: "r 1"',
    "-d",
    `{"user_id": "it's $ROSTER_KEY"}`,
  ]);
  assert.deepEqual(words(curlLine({ as: "admin", path: "/v1/keys" }, "http://a")), [
    "curl",
    "http://a/v1/keys",
    "-H",
    "Authorization: Bearer A",
  ]);
});
