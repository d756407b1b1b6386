// A secret that is shown once.

import { Copy } from "./curl.jsx";
import { Notice } from "./notice.jsx";

/** @param {{ secret: string, name: string }} props `name` is what the button copies */
export const Once = ({ secret, name }) => (
  <>
    <Notice kind="good" title="Copy it now: it is shown only this once" />
    <p class="secret">
      <code class="mono">{secret}</code>
      <Copy text={secret} label={`Copy ${name}`} />
    </p>
  </>
);
