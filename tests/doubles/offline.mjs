// The Worker as it was built, without a network: what webhooks call is out of reach, at once. For tests only.

export { default, LimiterObject, MoverObject, UsersObject, WebhookObject } from "../../src/edge/entry.js";

globalThis.fetch = () => Promise.reject(new TypeError("no network"));
