// What is measured: each target's Worker, and the key by which it is called. The first is what others are compared with.

import { ADMIN_TOKEN, start } from "./worker.mjs";

let roster;

/** A project of one Roster that all of them share. */
async function project(name, storage) {
  const { url } = await (roster ??= start());
  const call = async (method, path, body) => {
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  if (storage) await call("PUT", `/v1/projects/${name}`, { storage });
  const { key } = await call("POST", "/v1/keys", { name: "bench", project: name });
  return { url, key };
}

export const targets = [
  { name: "Roster on D1", open: () => project("d1") },
  { name: "Roster on 1 object", open: () => project("objects-1", { kind: "objects", buckets: 1 }) },
  { name: "Roster on 4 objects", open: () => project("objects-4", { kind: "objects", buckets: 4 }) },
];

/** Ends what the targets opened. */
export const close = async () => (await roster)?.miniflare.dispose();
