// The frame of a view.

import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { FIND } from "./route.mjs";

/** @import { ComponentChildren as Children } from "preact" */

/**
 * A view: its heading takes the focus when the reader comes here, but where the box to find somebody does.
 * @param {{ title: string, lead?: Children, back?: Children, actions?: Children, children: Children }} props
 */
export function Page({ title, lead, back, actions, children }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  // Before it is seen: later it would take the focus from where the reader has put it.
  useLayoutEffect(() => {
    document.title = `${title} · Roster console`;
    if (history.state !== FIND) heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <div class="page">
      {back}
      <header class="page-head">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** @param {{ title?: string, note?: Children, actions?: Children, children: Children, class?: string }} props */
export function Panel({ title, note, actions, children, class: kind = "" }) {
  const id = useId();
  return (
    <section class={`panel ${kind}`} aria-labelledby={title && id}>
      {title && (
        <div class="panel-head">
          <h2 id={id}>{title}</h2>
          {note && <p class="note">{note}</p>}
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}
