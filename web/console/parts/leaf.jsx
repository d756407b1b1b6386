// A JSON value to read: its text and digits as they are stored, and nothing of them as markup.

import { Digits, stringify } from "../data/lossless.mjs";

function kindOf(value) {
  if (value instanceof Digits) return "number";
  return value === null ? "null" : typeof value;
}

const isContainer = (value) => value instanceof Map || Array.isArray(value);
/** A list of objects or of lists takes lines of its own. */
const indentOf = (value) => (Array.isArray(value) && value.some(isContainer) ? "  " : "");

/**
 * @param {{ value: any, clip?: "clip" | "clip long" }} props how much of a long text is shown; all, if nothing is said
 */
export function Leaf({ value, clip }) {
  const isText = typeof value === "string" && value !== "";
  return (
    <span class={`leaf ${kindOf(value)} ${clip ?? ""}`}>{isText ? value : stringify(value, indentOf(value))}</span>
  );
}
