// Renders the contract, in the colours that the reader's system asks for.

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

/** Folds the headers of an answer, of which each status has a dozen and most in common. */
const foldHeaders =
  (Headers, { React: { createElement } }) =>
  (props) =>
    createElement(
      "details",
      { className: "headers-fold" },
      createElement("summary", null, "Headers"),
      createElement(Headers, props),
    );

/** Puts the cursor into the first field, the API key's: each field asks for it, and the last one would have it. */
const focusFirst =
  (Popup, { React: { createElement, useEffect, useRef } }) =>
  (props) => {
    const here = useRef();
    useEffect(() => here.current.querySelector(".auth-container :is(input, button)")?.focus(), []);
    return createElement("div", { ref: here }, createElement(Popup, props));
  };

/**
 * What a field is for, where the renderer does not say it.
 * @type {[string, (field: any) => string | false][]}
 */
const FIELD_NAMES = [
  ["[data-param-name] *", (field) => field.closest("[data-param-name]").dataset.paramName],
  [".content-type", () => "Media type"],
  [".examples-select-element", () => "Example"],
  [".body-param *", () => "Request body"],
  // Its label is there, and empty.
  ["#servers", () => "Server"],
  ["*", (field) => field.labels.length === 0 && (field.placeholder || "Value")],
];

/** Names the fields for a screen reader. */
const nameFields = () => {
  for (const field of document.querySelectorAll("#contract :is(input, select, textarea):not([aria-label])")) {
    const name = FIELD_NAMES.find(([selector]) => field.matches(selector))?.[1](field);
    if (name) field.setAttribute("aria-label", name);
  }
};
const contract = /** @type {Element} */ (document.querySelector("#contract"));
new MutationObserver(nameFields).observe(contract, { childList: true, subtree: true });

window.SwaggerUIBundle({
  url: "openapi.yaml",
  dom_id: "#contract",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  persistAuthorization: false,
  plugins: [{ wrapComponents: { headers: foldHeaders, authorizationPopup: focusFirst } }],
  tryItOutEnabled: true,
  validatorUrl: null,
});
