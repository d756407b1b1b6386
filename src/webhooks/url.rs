//! The rule of URLs: which ones a webhook may call.

use crate::bounds::MAX_WEBHOOK_URL_BYTES;
use crate::rule::BrokenRule;

const RULE: &str = "Must be an https URL of a public host name, without user name, password and fragment, on port 443";
const RULE_HERE: &str =
    "Must be an https URL of a public host name, as a deployment takes it, or an http URL of localhost or 127.0.0.1";

/// Checks a URL. Where webhooks may be insecure, http on loopback passes too, on any port.
///
/// It is stricter than the URL Standard, so that every reader of a URL that passes finds the same host in it.
pub fn check(url: &str, allow_insecure: bool) -> Result<(), BrokenRule> {
    if url.len() > MAX_WEBHOOK_URL_BYTES {
        return Err(BrokenRule::new(format!("Must have at most {MAX_WEBHOOK_URL_BYTES} bytes")));
    }
    let is_right = is_public(url) || allow_insecure && is_loopback(url);
    if is_right { Ok(()) } else { Err(BrokenRule::new(if allow_insecure { RULE_HERE } else { RULE })) }
}

fn is_public(url: &str) -> bool {
    let Some((authority, rest)) = split(url, "https://") else { return false };
    let host = authority.strip_suffix(":443").unwrap_or(authority);
    is_plain(rest) && is_name(host)
}

fn is_loopback(url: &str) -> bool {
    let Some((authority, rest)) = split(url, "http://") else { return false };
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_plain(rest) && is_port && matches!(host, "localhost" | "127.0.0.1")
}

/// The authority, and what stands behind it.
fn split<'u>(url: &'u str, scheme: &str) -> Option<(&'u str, &'u str)> {
    let rest = url.strip_prefix(scheme)?;
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// What a path and a query may hold: nothing that some readers drop, and others take for the end of the host.
fn is_plain(rest: &str) -> bool {
    rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'<' | b'>' | b'"' | b'`'))
}

/// A host name of two labels or more. The last one begins with a letter, or it would be an IP address (URL Standard section
/// 3.5), and is not one of those that no public name ends in.
fn is_name(host: &str) -> bool {
    const PRIVATE: [&str; 6] = ["localhost", "local", "internal", "lan", "home", "arpa"];
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
        && !PRIVATE.iter().any(|private| last.eq_ignore_ascii_case(private))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_calls_https_on_a_public_name_alone() {
        for url in [
            "https://example.com",
            "https://example.com/",
            "https://example.com:443/hooks?a=b&c=%20",
            "https://hooks.EXAMPLE.co.uk/a/b",
            "https://xn--bcher-kva.example/x",
            "https://example.com/@user:8443/..",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        for url in [
            "",
            "example.com",
            "http://example.com/",
            "HTTPS://example.com/",
            "https:/example.com/",
            "https:///example.com/",
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://example.com:8443/",
            "https://example.com:/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://1.2.3.0x7f/",
            "https://1.2.3.4./",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://localhost/",
            "https://a.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://metadata.google.INTERNAL/",
            "https://1.0.0.127.in-addr.arpa/",
            "https://intranet/",
            "https://example.com./",
            "https://a..b.com/",
            "https://-a.com/",
            "https://exa%6dple.com/",
            "https://b\u{fc}cher.example/",
            "https://example.com\\@evil.example/",
            "https://example.com/a b",
            "https://example.com/\t",
            "https://example.com/#part",
            "https://example.com\n",
            "ftp://example.com/",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            assert!(check(url, false).is_err(), "{url}");
            assert!(check(url, true).is_err(), "{url}");
        }
        assert!(check(&format!("https://example.com/{}", "a".repeat(MAX_WEBHOOK_URL_BYTES)), false).is_err());
        assert!(check(&format!("https://{}.com/", "a".repeat(64)), false).is_err());
    }

    #[test]
    fn loopback_passes_where_webhooks_may_be_insecure() {
        for url in ["http://localhost/", "http://127.0.0.1:8080/a?b", "http://localhost:1"] {
            assert_eq!((check(url, true), check(url, false).is_err()), (Ok(()), true), "{url}");
        }
        for url in [
            "http://127.0.0.2/",
            "http://localhost:/",
            "http://localhost:x/",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "http://10.0.0.1/",
            "http://0/",
            "http://example.com/",
        ] {
            assert!(check(url, true).is_err(), "{url}");
        }
    }
}
