//! Every bound that a client can meet, once. The messages, the tool and the test of `openapi.yaml` read them here.

use std::ops::RangeInclusive;

/// Bytes of a request body: 100 KiB.
pub const MAX_BODY_BYTES: usize = 102_400;
/// Bytes of a batch's body: 1 MiB.
pub const MAX_BATCH_BYTES: usize = 1_048_576;
/// Users in a batch.
pub const BATCH_USERS: RangeInclusive<usize> = 1..=1000;
/// How often a batch may delete one user: each time may be a statement more.
pub const MAX_DELETIONS_OF_USER: usize = 10;

/// Bytes of a body of Segment's protocol: 2 MiB. Parsed, that may be 46 MB of an isolate's 128.
pub const MAX_INGEST_BYTES: usize = 2_097_152;
/// Bytes of such a body that has its key in it, and is read before anybody knows whose it is: 1 MiB.
pub const MAX_UNAUTHENTICATED_BYTES: usize = 1_048_576;
/// Messages in such a body.
pub const MAX_MESSAGES: usize = 1000;
/// Identifies in such a body beyond which it takes a token of policy `batch` as well.
pub const FREE_IDENTIFIES: usize = 10;

/// Refused messages of such a body that the log names.
pub const MAX_LOGGED_REFUSALS: usize = 10;

/// Characters in the caller's own id of a user, at least 1.
pub const MAX_USER_ID_CHARS: usize = 256;
/// Bytes in an e-mail address (RFC 5321 section 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Digits in a phone number (E.164).
pub const PHONE_DIGITS: RangeInclusive<usize> = 2..=15;
/// Milliseconds by which `as_of` may be ahead of the server's clock: 5 minutes.
pub const MAX_AHEAD_MS: u64 = 300_000;
/// Characters in a name of a member below `properties` or `origin`, at least 1.
pub const MAX_NAME_CHARS: usize = 128;
/// Levels of objects and arrays below `properties` or `origin`.
pub const MAX_NESTING: usize = 8;
/// Members directly in `properties`, and as many in `origin`, after the merge.
pub const MAX_MEMBERS: usize = 300;
/// Members in any object below `properties` or `origin`.
pub const MAX_OBJECT_MEMBERS: usize = 300;
/// Bytes of a whole stored profile as JSON text: 256 KiB.
pub const MAX_PROFILE_BYTES: usize = 262_144;

/// Members of a user whose times are kept. At most 602 of them stand; of those that were removed, the oldest are forgotten.
pub const MAX_MEMBER_TIMES: usize = 1000;

/// For how long a deletion is known at least, to whom follows the changes and to bodies with `as_of`, in milliseconds: 30 days.
pub const DELETION_MS: u64 = 2_592_000_000;

/// Users on a page.
pub const PAGE_USERS: RangeInclusive<u32> = 1..=100;
/// Users on a page if the query has no `limit`.
pub const DEFAULT_PAGE_USERS: u32 = 50;
/// Changes on a page.
pub const PAGE_CHANGES: RangeInclusive<u32> = 1..=1000;
/// Changes on a page if the query has no `limit`.
pub const DEFAULT_PAGE_CHANGES: u32 = 100;
/// Bytes of profiles after which a page ends, at its first user at the earliest: 8 MiB. An isolate holds several copies
/// of them in 128 MB.
pub const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Conditions in a filter.
pub const MAX_CONDITIONS: usize = 20;
/// Levels of a filter; a condition is one.
pub const MAX_FILTER_LEVELS: usize = 4;
/// Filters in an `all` or `any`.
pub const COMBINED_FILTERS: RangeInclusive<usize> = 1..=20;
/// Values of an `in`.
pub const IN_VALUES: RangeInclusive<usize> = 1..=100;

/// Users whom an answer of a query holds.
pub const QUERY_USERS: RangeInclusive<u32> = 1..=1000;
/// Users whom one call examines, at most.
pub const MAX_EXAMINED: u32 = 20_000;
/// Users whom one call examines at once, at most, in all parts of a project together: they may share a processor. A
/// statement also ends after [`MAX_PAGE_BYTES`] of profiles.
pub const MAX_ROUND_USERS: u32 = 1000;
/// Groups of a count in one answer, or names of properties.
pub const MAX_GROUPS: usize = 1000;
/// Bytes of a text that makes a group of its own.
pub const MAX_GROUP_BYTES: usize = 256;
/// Users to read by id at once.
pub const GET_USERS: RangeInclusive<usize> = 1..=100;

/// Users whom a move copies at once.
pub const MOVE_PAGE_USERS: u32 = 512;
/// Bytes of profiles after which a page of a move ends: D1 takes 2 MB at once, and a user may have 1.25 MB.
pub const MOVE_PAGE_BYTES: usize = 524_288;
/// Milliseconds for which a move lets writes wait; then it lets them go on, and begins that part anew.
pub const MAX_FENCED_MS: u64 = 10_000;
/// Milliseconds for which a call waits for the switch of a move; then it is 503.
pub const MAX_SWITCH_WAIT_MS: u64 = 3000;
/// Rows that a statement removes of a place that was left.
pub const REMOVED_ROWS: u32 = 1000;

/// Seconds of `max-age` for which a copy of a user may answer. Below, the truth answers; above counts as the upper bound.
pub const COPY_MAX_AGE_S: RangeInclusive<u32> = 60..=3600;

/// Characters in the name of an API key, at least 1.
pub const MAX_KEY_NAME_CHARS: usize = 100;
/// How far `last_used_at` may lag behind, in milliseconds: one hour.
pub const LAST_USED_STEP_MS: u64 = 3_600_000;
/// Characters in the name of a project, at least 1.
pub const MAX_PROJECT_CHARS: usize = 64;
/// Characters that an admin token has at least.
pub const MIN_ADMIN_TOKEN_CHARS: usize = 16;

/// Requests per window of a rate limit.
pub const RATE_LIMITS: RangeInclusive<u32> = 1..=1_000_000;
/// Length of a rate limit's window in seconds: a second to a day.
pub const RATE_WINDOW_SECONDS: RangeInclusive<u32> = 1..=86_400;
/// Calls with nonexistent keys from one network in [`UNKNOWN_KEYS_WINDOW_MS`]. `[[ratelimits]]` in wrangler.toml has the same number.
pub const MAX_UNKNOWN_KEYS: u32 = 100;
/// Milliseconds in which they are counted, and for which a network is then refused.
pub const UNKNOWN_KEYS_WINDOW_MS: u64 = 60_000;
/// Seconds to wait before a store that is overloaded or away is asked again, as `Retry-After` says them.
pub const STORE_RETRY_AFTER_S: u32 = 1;
/// Webhooks of a project.
pub const MAX_WEBHOOKS: usize = 10;
/// Bytes of the URL that a webhook calls.
pub const MAX_WEBHOOK_URL_BYTES: usize = 2048;
/// Changes in one message of a webhook.
pub const WEBHOOK_BATCH: RangeInclusive<u32> = 1..=100;
/// Seconds between two tries of a message, one after the other: 5 s, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours.
pub const WEBHOOK_RETRY_S: [u64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Milliseconds for which the secret before the latest still signs: a day.
pub const OLD_SECRET_MS: u64 = 86_400_000;
/// Users who are held back at most, before all of a webhook is.
pub const MAX_HELD_BACK: usize = 100;
/// Messages of a webhook in flight.
pub const MAX_IN_FLIGHT: usize = 6;
/// Messages that one alarm of a webhook sends: on the Free plan it may make 50 requests.
pub const MAX_WEBHOOK_REQUESTS: u32 = 40;
/// Bytes of a receiver's answer to a test that are shown: 1 KiB.
pub const MAX_TEST_ANSWER_BYTES: usize = 1024;

/// Seconds for which a browser may remember what CORS allows: a day.
pub const PREFLIGHT_MAX_AGE_S: u32 = 86_400;

/// Faults that an answer lists; it only counts the rest.
pub const MAX_FAULTS: usize = 100;
/// Bytes of the details of faults in one answer: 32 KiB. In a batch, for all its users together.
pub const MAX_DETAILS_BYTES: usize = 32_768;
/// Characters of a name or a pointer that an answer repeats.
pub const MAX_POINTER_CHARS: usize = 200;
