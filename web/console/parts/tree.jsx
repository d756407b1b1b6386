// A JSON value to read: names, values and digits as they are stored, and nothing of them as markup.

import { Digits, stringify } from "../data/lossless.mjs";

function kindOf(value) {
  if (value instanceof Digits) return "number";
  return value === null ? "null" : typeof value;
}

const isNested = (value) => (value instanceof Map ? value.size > 0 : Array.isArray(value) && value.length > 0);

/** @param {{ value: any, isClipped?: boolean }} props */
export function Leaf({ value, isClipped = false }) {
  const isText = typeof value === "string" && value !== "";
  return <span class={`leaf ${kindOf(value)}${isClipped ? " clip" : ""}`}>{isText ? value : stringify(value)}</span>;
}

function Branch({ name, value }) {
  if (!isNested(value)) {
    return (
      <li class="pair">
        <span class="name">{name}</span> <Leaf value={value} />
      </li>
    );
  }
  const size = value instanceof Map ? `${value.size} in it` : `${value.length} in a list`;
  return (
    <li>
      <details open>
        <summary>
          <span class="name">{name}</span> <span class="note">{size}</span>
        </summary>
        <Tree value={value} />
      </details>
    </li>
  );
}

export function Tree({ value }) {
  const entries = [...value.entries()];
  return (
    <ul class="tree">
      {entries.map(([name, item]) => (
        <Branch key={name} name={String(name)} value={item} />
      ))}
    </ul>
  );
}
