//! The network of a call, by which senders of made-up keys are counted.

use std::net::IpAddr;

/// An IPv4 address, or the first 64 bits of an IPv6 address: one client can own all the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(String);

impl Network {
    /// None if it is no IP address.
    pub fn new(address: &str) -> Option<Self> {
        Some(Network(match address.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }))
    }

    /// The IPv4 address, or the IPv6 prefix with `/64`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_is_known_by_its_first_64_bits() {
        for (address, network) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("2001:db8:0:a1:1:2:3:4", Some("2001:db8:0:a1::/64")),
            ("2001:0DB8::A1:ffff:ffff:ffff:ffff", Some("2001:db8:0:a1::/64")),
            ("::1", Some("0:0:0:0::/64")),
            ("203.0.113.7, 198.51.100.1", None),
            ("", None),
        ] {
            assert_eq!(Network::new(address).as_ref().map(Network::as_str), network);
        }
    }
}
