// What Rust's build exports, for the type check of entry.js: a copy stands beside build/index.js.

export function __worker_init_state(): any;
export function fetch(request: Request, env: any, ctx: any): Response | Promise<Response>;
export const LimiterObject: any;
export const MoverObject: any;
export const UsersObject: any;
export const WebhookObject: any;
