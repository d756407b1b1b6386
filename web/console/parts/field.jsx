// A field of a form.

import { useId } from "preact/hooks";

/** @import { ComponentChildren } from "preact" */

/** Attributes of an input for ids, keys and code: the browser neither completes nor corrects it. */
export const VERBATIM = /** @type {const} */ ({ autoComplete: "off", autoCapitalize: "off", spellcheck: false });

/**
 * A label and what it names; the child gets the id.
 * @param {{
 *   label: string,
 *   hint?: string,
 *   error?: string,
 *   children: (field: { id: string, [attribute: `aria-${string}`]: any }) => ComponentChildren,
 * }} props
 */
export function Field({ label, hint, error, children }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": hint || error ? `${id}-about` : undefined,
        "aria-invalid": error ? "true" : undefined,
      })}
      {(hint || error) && (
        <p id={`${id}-about`} class={error ? "field-error" : "hint"}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}
