// A call as the curl line that does the same.

/** @type {Record<string, string>} */
const VARIABLE = { key: "ROSTER_KEY", admin: "ROSTER_ADMIN_TOKEN" };

/** A word for a POSIX shell. */
export function quote(word) {
  return /^[\w/:=.,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * `as` says whose token is sent; the line names a variable in its place.
 * @param {import("./api.mjs").Request} request
 * @param {string} origin
 */
export function curlLine({ as = "key", method = "GET", path, headers = {}, body }, origin) {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(quote(origin + path), "-H", `"Authorization: Bearer $${VARIABLE[as]}"`);
  for (const [name, value] of Object.entries(headers)) parts.push("-H", quote(`${name}: ${value}`));
  if (body !== undefined) parts.push("-d", quote(body));
  return parts.join(" ");
}
