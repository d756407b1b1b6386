// JSON Merge Patch (RFC 7396) on the values of lossless.mjs.

import { equal } from "./lossless.mjs";

/** What the patch makes of the target. */
export function apply(target, patch) {
  if (!(patch instanceof Map)) return patch;
  const merged = new Map(target instanceof Map ? target : []);
  for (const [name, value] of patch) {
    if (value === null) merged.delete(name);
    else merged.set(name, apply(merged.get(name), value));
  }
  return merged;
}

/** The smallest patch that makes `after` of `before`. A null in `after` means that the member is to go. */
export function diff(before, after) {
  const patch = new Map();
  for (const name of before.keys()) if ((after.get(name) ?? null) === null) patch.set(name, null);
  for (const [name, value] of after) {
    if (value === null) continue;
    const old = before.get(name);
    if (!(value instanceof Map && old instanceof Map)) {
      if (!equal(old, value)) patch.set(name, value);
      continue;
    }
    const inner = diff(old, value);
    if (inner.size > 0) patch.set(name, inner);
  }
  return patch;
}

/** Each member that differs: `{path, before, after}`, where undefined means that it is not there. */
export function changes(before, after, path = []) {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap((name) => {
    const [old, now, here] = [before.get(name), after.get(name), [...path, name]];
    if (old instanceof Map && now instanceof Map) return changes(old, now, here);
    return equal(old, now) ? [] : [{ path: here, before: old, after: now }];
  });
}
