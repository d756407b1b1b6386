// What is said in place of data, or beside it.

import { useEffect, useRef, useState } from "preact/hooks";

/** @import { ComponentChildren as Children } from "preact" */

/** @param {{ kind?: "info" | "good" | "bad", title: string, children?: Children, actions?: Children }} props */
export function Notice({ kind = "info", title, children, actions }) {
  const notice = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => notice.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div ref={notice} class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <div>
        <strong>{title}</strong>
        {children && <div class="notice-text">{children}</div>}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

/**
 * Bars in the place of what is awaited, and a word if it takes long.
 * @param {{ what: string }} props
 */
export function Loading({ what }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 3000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading {what}</span>
      <i />
      <i />
      <i />
      {isSlow && <p class="note">Roster is slow to answer. Still waiting for {what}.</p>}
    </div>
  );
}

/** @param {{ title: string, children: Children }} props */
export function Empty({ title, children }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}
