//! Signatures by Standard Webhooks 1.0: HMAC-SHA256 over id, time and body.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

const PREFIX: &str = "whsec_";
/// Bytes of a secret: as many as the hash has (RFC 2104 section 3).
const SECRET_BYTES: usize = 32;
/// Bytes that SHA-256 takes at once.
const BLOCK_BYTES: usize = 64;

/// What messages are signed with: `whsec_`, and 32 bytes in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// Makes one. `fill` must fill the slice with bytes from a cryptographic source.
    pub fn generate(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        fill(&mut bytes);
        Secret(format!("{PREFIX}{}", Base64::encode_string(&bytes)))
    }

    /// The secret in the clear, for the answer to the call that made it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The signature of a message that is sent at a second since 1970.
    pub fn sign(&self, id: &str, second: u64, body: &str) -> String {
        let key = Base64::decode_vec(self.0.trim_start_matches(PREFIX)).unwrap_or_default();
        let signature = hmac(&key, &[id, ".", &second.to_string(), ".", body]);
        format!("v1,{}", Base64::encode_string(&signature))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// HMAC-SHA256 (RFC 2104) of some texts, one behind the other.
fn hmac(key: &[u8], texts: &[&str]) -> [u8; 32] {
    let mut block = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = texts.iter().fold(Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)), Sha256::chain_update);
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 4231, section 4: those of its cases whose data is text.
    #[test]
    fn hmac_is_that_of_rfc_4231() {
        for (key, data, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                "This is a test using a larger than block-size key and a larger than block-size data. \
                 The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ] {
            assert_eq!(hex(&hmac(&key, &[data])), expected, "{data}");
            let (one, other) = data.split_at(3);
            assert_eq!(hex(&hmac(&key, &[one, other])), expected, "{data}");
        }
    }

    /// The example that the public libraries test themselves by.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_has_256_bits_and_is_not_shown() {
        let secret = Secret::generate(|bytes| bytes.fill(0xfb));
        assert_eq!(secret.reveal(), "whsec_+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
