// What Rust's build exports, for the type check of entry.js: a copy stands beside build/index.js.

declare const Roster: any;
export default Roster;
export const LimiterObject: any;
export const UsersObject: any;
