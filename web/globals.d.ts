// What other scripts put into a page, for the type check.

interface Window {
  SwaggerUIBundle: (options: object) => void;
}
