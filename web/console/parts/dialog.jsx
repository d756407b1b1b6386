// A question that is answered before anything else.

import { useId, useLayoutEffect, useRef } from "preact/hooks";

/** @import { ComponentChildren } from "preact" */

/**
 * A modal dialog: the browser keeps the focus in it, and gives it back.
 * @param {{ title: string, onClose: () => void, children: ComponentChildren }} props
 */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.current?.showModal();
    /** @type {HTMLElement | null | undefined} */ (dialog.current?.querySelector("input, .actions button"))?.focus();
    return () => {
      if (before?.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </div>
      {children}
    </dialog>
  );
}
