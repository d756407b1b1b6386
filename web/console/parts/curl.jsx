// Texts to copy, the curl line of a call above all.

import { curlLine } from "../data/curl.mjs";
import { useConsole } from "./context.mjs";

/** @import { ComponentChildren } from "preact" */
/** @import { Request } from "../data/api.mjs" */

/** @param {{ text: string, label?: string, name?: string }} props `name` says what is copied, where there are many */
export function Copy({ text, label = "Copy", name }) {
  const { announce } = useConsole();
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      announce("Copied");
    } catch {
      announce("The browser did not allow it: select the text and copy it");
    }
  }
  return (
    <button type="button" class={name ? "small quiet copy" : "small"} aria-label={name} onClick={copy}>
      {label}
    </button>
  );
}

/**
 * A text to the letter; the keyboard scrolls it.
 * @param {{ label: string, children: ComponentChildren }} props
 */
export function Code({ label, children }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: else no key could scroll what is wider than its place
    <pre tabIndex={0} role="group" aria-label={label}>
      <code>{children}</code>
    </pre>
  );
}

/**
 * The same by curl.
 * @param {{ request: Request }} props
 */
export function Curl({ request }) {
  const line = curlLine(request, location.origin);
  return (
    <details class="curl">
      <summary>As curl</summary>
      <div class="curl-line">
        <Code label="The curl line">{line}</Code>
        <Copy text={line} label="Copy line" />
      </div>
    </details>
  );
}
