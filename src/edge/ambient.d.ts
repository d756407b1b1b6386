// What stands in no file of this repository, for the type check of entry.js.

declare module "cloudflare:workers" {
  export class DurableObject {
    constructor(ctx: any, env: any);
    ctx: any;
    env: any;
  }
}

// Of the build.
declare module "*/build/index.js" {
  const Roster: any;
  export default Roster;
  export const LimiterObject: any;
  export const UsersObject: any;
}
