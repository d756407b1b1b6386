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
