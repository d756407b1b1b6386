//! The header that says who calls.

use super::memory::{ADMIN_TOKEN, KEY, Memory};
use roster::key::ApiKey;

/// The first byte chooses between a call of a key and one of the admin, the rest is the header.
pub fn take(input: &[u8]) {
    let Some((choice, header)) = input.split_first() else { return };
    let Ok(header) = std::str::from_utf8(header) else { return };
    let as_admin = choice & 1 == 1;
    let (path, secret) = if as_admin { ("/v1/keys", ADMIN_TOKEN) } else { ("/v1/users", KEY) };

    let memory = Memory::new();
    let answer = memory.send_as(header, "GET", path, "");

    let token = token(header);
    let expected = match token {
        None => (401, Some("MISSING_AUTH")),
        Some(token) if token == secret => (200, None),
        Some(_) => (401, Some("INVALID_API_KEY")),
    };
    assert_eq!((answer.reply.status, answer.code), expected);
    // What was never made is refused without asking.
    let is_key = !as_admin && token.is_some_and(|token| ApiKey::parse(token).is_ok());
    assert_eq!(memory.store.look_ups.get(), usize::from(is_key));
    // It says nothing of what was sent: another refused header is answered to the letter as this one is.
    let other = match token {
        None => "Basic of another",
        Some(_) => "Bearer of another",
    };
    if answer.reply.status == 401 {
        assert_eq!(answer, Memory::new().send_as(other, "GET", path, ""));
    } else {
        assert!(!format!("{answer:?}").contains(secret));
    }
}

/// The token behind the scheme, read another way than the product does.
fn token(header: &str) -> Option<&str> {
    let header = header.trim();
    let scheme = header.get(..6).filter(|scheme| scheme.eq_ignore_ascii_case("bearer"))?;
    let rest = &header[scheme.len()..];
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim())
}
