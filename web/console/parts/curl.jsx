// Texts to copy, the curl line of a call above all.

import { curlLine } from "../data/curl.mjs";
import { useConsole } from "./context.mjs";

export function Copy({ text, label = "Copy" }) {
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
    <button type="button" class="small" onClick={copy}>
      {label}
    </button>
  );
}

/** The same by curl. */
export function Curl({ request }) {
  const line = curlLine(request, location.origin);
  return (
    <details class="curl">
      <summary>As curl</summary>
      <div class="curl-line">
        <pre tabIndex={0} aria-label="The curl line">
          <code>{line}</code>
        </pre>
        <Copy text={line} label="Copy line" />
      </div>
    </details>
  );
}
