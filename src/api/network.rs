//! Where a call comes from, as far as somebody who sends made-up keys can be told by it.

use std::net::IpAddr;

/// An IPv4 address, or the first 64 bits of an IPv6 one, of which one client can have all the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(String);

impl Network {
    /// Calls without an address, or with one that can't be read, count as from one network.
    pub fn of(address: Option<&str>) -> Self {
        Network(
            match address.and_then(|address| address.parse::<IpAddr>().ok()).map(|address| address.to_canonical()) {
                Some(IpAddr::V4(address)) => address.to_string(),
                Some(IpAddr::V6(address)) => {
                    let [a, b, c, d, ..] = address.segments();
                    format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
                }
                None => "unknown".into(),
            },
        )
    }

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
            (Some("203.0.113.7"), "203.0.113.7"),
            (Some("::ffff:203.0.113.7"), "203.0.113.7"),
            (Some("2001:db8:0:a1:1:2:3:4"), "2001:db8:0:a1::/64"),
            (Some("2001:0DB8::A1:ffff:ffff:ffff:ffff"), "2001:db8:0:a1::/64"),
            (Some("::1"), "0:0:0:0::/64"),
            (Some("203.0.113.7, 198.51.100.1"), "unknown"),
            (Some(""), "unknown"),
            (None, "unknown"),
        ] {
            assert_eq!(Network::of(address).as_str(), network);
        }
    }
}
