//! The secret of the admin calls.

use crate::bounds::MIN_ADMIN_TOKEN_CHARS;
use sha2::{Digest, Sha256};
use std::fmt;

/// The secret of the admin calls.
pub struct AdminToken(String);

impl AdminToken {
    /// None if the text is too short to be a secret.
    pub fn parse(text: &str) -> Option<Self> {
        (text.chars().count() >= MIN_ADMIN_TOKEN_CHARS).then(|| AdminToken(text.to_owned()))
    }

    /// Compares digests in constant time.
    pub(super) fn is(&self, presented: &str) -> bool {
        let (ours, theirs) = (Sha256::digest(&self.0), Sha256::digest(presented));
        let difference = ours.iter().zip(theirs).fold(0, |bits, (a, b)| bits | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_token_is_long_enough_or_none() {
        assert!(AdminToken::parse("fifteen letters").is_none());
        let token = AdminToken::parse("sixteen letters!").unwrap();
        assert!(token.is("sixteen letters!"));
        assert!(!token.is("sixteen letters?") && !token.is(""));
        assert_eq!(format!("{token:?}"), "AdminToken(***)");
    }
}
