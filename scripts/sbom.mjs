// Prints what a deployed Roster consists of, as a CycloneDX 1.6 bill of materials: the crates in the Worker, and the
// files of others in its page and its console. What only builds or tests it is not in it.
// Usage: node scripts/sbom.mjs

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** `name version` → SHA-256 of the crate. */
function checksums() {
  const packages = readFileSync("Cargo.lock", "utf8").split("[[package]]\n").slice(1);
  const field = (text, name) => text.match(new RegExp(`^${name} = "(.*)"$`, "m"))?.[1];
  return new Map(packages.map((text) => [`${field(text, "name")} ${field(text, "version")}`, field(text, "checksum")]));
}

function crates() {
  const options = ["--package", "roster", "--target", "wasm32-unknown-unknown", "--edges", "normal,no-proc-macro"];
  const tree = execFileSync("cargo", ["tree", "--locked", ...options, "--prefix", "none", "--format", "{p}|{l}"], {
    encoding: "utf8",
  });
  const lines = new Set(
    tree
      .trim()
      .split("\n")
      .map((line) => line.replace(" (*)", "")),
  );
  const known = checksums();
  return [...lines].map((line) => {
    const [, name, version, license] = line.match(/^(\S+) v(\S+).*\|(.*)$/) ?? [];
    const checksum = known.get(`${name} ${version}`);
    return component("cargo", name, version, license, checksum && ["SHA-256", checksum]);
  });
}

/** A package of npm whose files are served. */
function served(name) {
  const { version, license, integrity } = JSON.parse(readFileSync("package-lock.json", "utf8")).packages[
    `node_modules/${name}`
  ];
  const digest = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  return component("npm", name, version, license, ["SHA-512", digest]);
}

function component(registry, name, version, license, hash) {
  const licenses = license ? { licenses: [{ expression: license.replaceAll("/", " OR ") }] } : {};
  const hashes = hash ? { hashes: [{ alg: hash[0], content: hash[1] }] } : {};
  const purl = `pkg:${registry}/${name}@${version}`;
  return { type: "library", "bom-ref": purl, name, version, ...hashes, ...licenses, purl };
}

const [roster, ...others] = crates();
const components = [...others, served("swagger-ui-dist"), served("preact"), served("papaparse")].sort((a, b) =>
  a.purl < b.purl ? -1 : 1,
);
const bom = {
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: { component: { ...roster, type: "application" } },
  components,
};
console.log(JSON.stringify(bom, null, 2));
