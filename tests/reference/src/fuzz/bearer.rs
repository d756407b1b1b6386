//! The header that says who calls.

use super::client::{ADMIN_TOKEN, Client, KEY};
use roster::key::ApiKey;

/// The first byte chooses between a call of a key and one of the admin, the rest is the header.
pub fn take(input: &[u8]) {
    let Some((choice, header)) = input.split_first() else { return };
    let Ok(header) = std::str::from_utf8(header) else { return };
    let as_admin = choice & 1 == 1;
    let (path, secret) = if as_admin { ("/v1/keys", ADMIN_TOKEN) } else { ("/v1/users", KEY) };

    let (handled, hops) = Client::new().send_as(header, "GET", path, "");

    let token = token(header);
    let expected = match token {
        None => (401, Some("MISSING_AUTH")),
        Some(token) if token == secret => (200, None),
        Some(_) => (401, Some("INVALID_API_KEY")),
    };
    assert_eq!((handled.reply.status, handled.code), expected);
    // What was never made is refused without asking anybody.
    let is_key = !as_admin && token.is_some_and(|token| token.parse::<ApiKey>().is_ok());
    assert!(as_admin || is_key == (hops > 0));
    // It says nothing of what was sent: another refused header of its kind is answered to the letter as this one is.
    let other = match token {
        None => "Basic of another".to_owned(),
        Some(KEY) => format!("Bearer {KEY}"),
        Some(ADMIN_TOKEN) => format!("Bearer {ADMIN_TOKEN}"),
        Some(token) if as_admin && token.parse::<ApiKey>().is_ok() => format!("Bearer {KEY}"),
        Some(_) => "Bearer of another".to_owned(),
    };
    if handled.reply.status == 401 {
        assert_eq!(handled, Client::new().send_as(&other, "GET", path, "").0);
    } else {
        assert!(!format!("{handled:?}").contains(secret));
    }
}

/// The token behind the scheme, read another way than the product does.
fn token(header: &str) -> Option<&str> {
    let header = header.trim();
    let scheme = header.get(..6).filter(|scheme| scheme.eq_ignore_ascii_case("bearer"))?;
    let rest = &header[scheme.len()..];
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim())
}
