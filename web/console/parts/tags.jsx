// A list of texts as tags.

import { useState } from "preact/hooks";
import { VERBATIM } from "./field.jsx";

/** Tags that are shown of a long list. */
const SHOWN = 12;

/**
 * @param {{ name: string, tags: string[], setTags?: ((tags: string[]) => void) | undefined }} props without `setTags` they
 *   can't be changed
 */
export function Tags({ name, tags, setTags }) {
  const [isOpen, setOpen] = useState(false);
  const [text, setText] = useState("");
  const shown = isOpen ? tags : tags.slice(0, SHOWN);
  function type(event) {
    if (event.key === "Backspace" && text === "" && tags.length > 0) setTags?.(tags.slice(0, -1));
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (text !== "") setTags?.([...tags, text]);
    setText("");
  }
  return (
    <span class="tags">
      {shown.map((tag, i) => (
        <span class="tag" key={i}>
          <span class="leaf">{tag}</span>
          {setTags && (
            <button
              type="button"
              class="quiet"
              aria-label={`Remove the tag ${tag}`}
              onClick={() => setTags(tags.filter((_, at) => at !== i))}
            >
              ✕
            </button>
          )}
        </span>
      ))}
      {tags.length > shown.length && (
        <button type="button" class="link" onClick={() => setOpen(true)}>
          {tags.length - shown.length} more
        </button>
      )}
      {tags.length === 0 && !setTags && <span class="none">empty list</span>}
      {setTags && (
        <input
          type="text"
          aria-label={`Add a tag to ${name}`}
          placeholder="Add…"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={type}
          {...VERBATIM}
        />
      )}
    </span>
  );
}
