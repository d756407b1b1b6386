//! Users and filters by chance.

use fastrand::Rng;
use roster::json;
use roster::time::Timestamp;

/// Keys and steps of pointers: quotes, dots, brackets, indices and names that look like them.
pub const KEYS: [&str; 14] = ["a", "b", "a.b", "\"", "\\", "[0]", "0", "1", "01", "-1", "$", "é\n", "\\u0061", "#-1"];
/// Texts: what SQLite takes for a number or a moment, and what it may stop at.
pub const TEXTS: [&str; 16] = [
    "",
    "a",
    "A",
    "ab",
    "a\0b",
    "100",
    "30",
    "1",
    "true",
    "null",
    "é",
    "\u{10ffff}",
    "\u{e000}",
    "%",
    "[1]",
    "{\"a\":1}",
];
pub const MOMENTS: [&str; 34] = [
    "2023-06-01",
    "2023-06-01T00:00:00Z",
    "2023-06-01t00:00:00z",
    "2023-06-01T02:00:00+02:00",
    "2023-05-31T23:59:59.999Z",
    "2023-05-31T23:59:59.9999999Z",
    "2023-06-01T00:00:00.0Z",
    "2023-06-01T00:00:00.1239+00:00",
    "2023-05-31T23:59:60Z",
    "2023-05-31T18:29:60.5-05:30",
    "2023-06-01T05:29:60+05:31",
    "2023-06-01T12:30:60Z",
    "2024-02-29",
    "2023-02-29",
    "0000-01-01",
    "0000-01-01T00:00:00+00:01",
    "1969-12-31T23:59:59.001Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59-00:01",
    "2023-06-01T24:00:00Z",
    "2023-06-01T00:00:00",
    "2023-06-01 00:00:00Z",
    "2023-06-01T00:00Z",
    "2023-06-01T00:00:00.Z",
    "2023-06-01T00:00:00+0200",
    "2023-06-01T00:00:00+24:00",
    "2023-06-01T00:00:00ZZ",
    "2023-06-01\0",
    "2023-06-01T00:00:00Z\0",
    "now",
    "2460000.50",
    "subsec",
    "2023-6-1",
];
pub const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "1.0",
    "10e-1",
    "30",
    "100",
    "0.1",
    "1e-1",
    "1.5",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "12345678901234567890123",
    "1e300",
    "1e400",
    "-1e400",
];
pub const EMAILS: [&str; 3] = ["Ann@Example.com", "ann@example.com", "b@c"];
pub const PHONES: [&str; 2] = ["+12345", "+4915123456"];
pub const TIMES: [u64; 4] = [0, 1_685_577_600_000, 1_685_577_600_001, 253_402_300_799_999];

pub fn one<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

pub fn any_scalar(rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => one(rng, &["true", "false"]).to_owned(),
        1..=3 => one(rng, &NUMBERS).to_owned(),
        4 => json::string(one(rng, &MOMENTS)),
        _ => json::string(one(rng, &TEXTS)),
    }
}

pub fn any_value(rng: &mut Rng, levels: u8) -> String {
    match rng.u8(0..10) {
        0 => "null".to_owned(),
        1..=3 if levels > 0 => {
            let items: Vec<_> = (0..rng.usize(0..4)).map(|_| any_value(rng, levels - 1)).collect();
            format!("[{}]", items.join(","))
        }
        4..=6 if levels > 0 => any_object(rng, levels - 1),
        _ => any_scalar(rng),
    }
}

pub fn any_object(rng: &mut Rng, levels: u8) -> String {
    let mut keys = KEYS;
    rng.shuffle(&mut keys);
    let count = rng.usize(0..7);
    let members: Vec<_> =
        keys[..count].iter().map(|key| format!("{}:{}", json::string(key), any_value(rng, levels))).collect();
    format!("{{{}}}", members.join(","))
}

pub fn any_field(rng: &mut Rng) -> String {
    let section = one(rng, &["properties", "origin"]);
    match rng.u8(0..10) {
        0..=2 => one(rng, &["user_id", "email", "phone", "created_at", "updated_at"]).to_owned(),
        3..=5 => format!("{section}.{}", one(rng, &KEYS)),
        _ => {
            let steps = (0..rng.usize(1..4)).map(|_| format!("/{}", json::pointer_step(one(rng, &KEYS))));
            format!("/{section}{}", steps.collect::<String>())
        }
    }
}

pub fn any_filter(rng: &mut Rng, levels: u8) -> String {
    let many = |rng: &mut Rng| (0..rng.usize(1..4)).map(|_| any_filter(rng, levels - 1)).collect::<Vec<_>>().join(",");
    match rng.u8(0..8) {
        0 if levels > 0 => format!("{{\"all\":[{}]}}", many(rng)),
        1 if levels > 0 => format!("{{\"any\":[{}]}}", many(rng)),
        2 | 3 if levels > 0 => format!("{{\"not\":{}}}", any_filter(rng, levels - 1)),
        _ => {
            let field = any_field(rng);
            let scalar = |rng: &mut Rng| match field.as_str() {
                "email" if rng.bool() => json::string(one(rng, &["ANN@example.com", "b@c"])),
                "phone" if rng.bool() => json::string(one(rng, &["+1 (23) 45", "+4915123456"])),
                "created_at" if rng.bool() => json::string(&Timestamp::from_ms(TIMES[rng.usize(..4)]).to_string()),
                _ => any_scalar(rng),
            };
            let test = match rng.u8(0..14) {
                0 | 1 => format!("\"eq\":{}", scalar(rng)),
                2 => format!("\"ne\":{}", scalar(rng)),
                3 => format!("\"in\":[{}]", (0..rng.usize(1..5)).map(|_| scalar(rng)).collect::<Vec<_>>().join(",")),
                4 => format!("\"exists\":{}", rng.bool()),
                5..=7 => format!("\"{}\":{}", one(rng, &["gt", "gte", "lt", "lte"]), scalar(rng)),
                8..=10 => format!("\"{}\":{}", one(rng, &["since", "before"]), json::string(one(rng, &MOMENTS))),
                11 => format!("\"starts_with\":{}", json::string(one(rng, &TEXTS))),
                12 => format!("\"contains\":{}", json::string(one(rng, &TEXTS))),
                _ => format!("\"has\":{}", any_scalar(rng)),
            };
            format!("{{\"field\":{},{test}}}", json::string(&field))
        }
    }
}

pub struct Stored {
    pub external_id: String,
    pub profile: String,
    pub created_at: u64,
}

pub fn any_user(rng: &mut Rng, i: usize) -> Stored {
    let mut profile = String::from("{");
    if rng.u8(0..3) > 0 {
        profile.push_str(&format!("\"email\":\"{}\",", one(rng, &EMAILS)));
    }
    if rng.bool() {
        profile.push_str(&format!("\"phone\":\"{}\",", one(rng, &PHONES)));
    }
    let [properties, origin] = [(); 2].map(|()| any_object(rng, 4));
    profile.push_str(&format!("\"properties\":{properties},\"origin\":{origin}}}"));
    let name = TEXTS[i % TEXTS.len()].replace('\0', "");
    Stored { external_id: format!("{i:03}{name}"), profile, created_at: TIMES[rng.usize(..TIMES.len())] }
}
