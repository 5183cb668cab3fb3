//! Names and addresses of servers, and patterns of them.
//!
//! **Invariant:** a host has one spelling: lower case, no dot at its end, and an address only
//! in its usual form. What a lenient parser could take for an address (`127.1`,
//! `2130706433`, `0x7f.0.0.1`, `0177.0.0.1`) is neither a name nor an address here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::InvalidGrant;

/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 253;
/// Bytes between two dots at most.
const LABEL_BYTES_MAX: usize = 63;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, in lower case.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Which hosts a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// All: `*`.
    Any,
    /// All names below this one, which itself is not meant: `*.example.com`.
    Below(String),
    /// This one.
    One(Host),
}

impl Host {
    /// Reads a host as it stands in a URL.
    pub fn parse(text: &str) -> Result<Self, InvalidGrant> {
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self::Address(address.into())).ok_or_else(|| {
                invalid(text, "write an IPv6 address in brackets, such as [2001:db8::1]")
            });
        }
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(Self::Address(address.into())),
            Err(_) => name(text).map(Self::Name),
        }
    }
}

impl HostPattern {
    /// Reads a pattern: a host, `*.` before a name, or `*`.
    pub fn parse(text: &str) -> Result<Self, InvalidGrant> {
        if text == "*" {
            return Ok(Self::Any);
        }
        match text.strip_prefix("*.") {
            Some(parent) => name(parent).map(Self::Below),
            None => Host::parse(text).map(Self::One),
        }
    }

    /// Whether it is for this host.
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(parent), Host::Name(name)) => is_below(name, parent),
            (Self::Below(_), Host::Address(_)) => false,
            (Self::One(one), host) => one == host,
        }
    }

    /// Whether it is for every host that another pattern is for.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            (_, Self::One(host)) => self.matches(host),
            (Self::Below(parent), Self::Below(other)) => parent == other || is_below(other, parent),
            (Self::One(_), Self::Below(_)) => false,
        }
    }
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
}

fn name(text: &str) -> Result<String, InvalidGrant> {
    if text.is_empty() {
        return Err(invalid(text, "name a host"));
    }
    if !text.is_ascii() {
        return Err(invalid(text, "write an international name in its ASCII form, xn--..."));
    }
    if text.contains(['/', ':', '@']) {
        return Err(invalid(text, "write the host alone, without scheme, user, port and path"));
    }
    let name = text.to_ascii_lowercase();
    let well_formed = name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label);
    if !well_formed {
        return Err(invalid(text, "use letters, digits, - and dots between them"));
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if numeric {
        return Err(invalid(text, "write an IPv4 address as four decimal numbers"));
    }
    Ok(name)
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(known)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn invalid(text: &str, hint: &str) -> InvalidGrant {
    let shown: String = text.chars().take(NAME_BYTES_MAX).collect();
    InvalidGrant(format!("{shown:?} is no host: {hint}"))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(parent) => write!(f, "*.{parent}"),
            Self::One(host) => host.fmt(f),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidGrant;

    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        Self::parse(&text)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(text: &str) -> Host {
        Host::parse(text).expect(text)
    }

    fn pattern(text: &str) -> HostPattern {
        HostPattern::parse(text).expect(text)
    }

    #[test]
    fn a_host_has_one_spelling() {
        assert_eq!(host("API.Example.COM"), Host::Name("api.example.com".into()));
        assert_eq!(host("10.0.0.1"), Host::Address([10, 0, 0, 1].into()));
        assert_eq!(host("[0:0::1]").to_string(), "[::1]");
    }

    #[test]
    fn what_could_be_taken_for_an_address_is_no_name() {
        for text in [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "127.0.0.01",
            "1.2.3.4.5",
            "1.2.3.256",
            "a.0x1",
            "256",
            "1.1",
            "::1",
            "[::1",
            "[fe80::1%eth0]",
            "[1.2.3.4]",
        ] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_told_why() {
        for (text, hint) in [
            ("", "name a host"),
            ("user@example.com", "without scheme, user"),
            ("example.com:80", "without scheme, user, port"),
            ("https://example.com", "without scheme"),
            ("ex\u{e4}mple.com", "xn--"),
            ("a..b", "use letters"),
            ("example.com.", "use letters"),
            (".example.com", "use letters"),
            ("-a.example", "use letters"),
            ("a b", "use letters"),
            ("a\r\nb", "use letters"),
            ("a*.example.com", "use letters"),
        ] {
            let error = HostPattern::parse(text).expect_err(text).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn a_pattern_of_names_below_is_not_for_the_name_itself_nor_for_look_alikes() {
        let below = pattern("*.example.com");
        assert!(below.matches(&host("a.example.com")) && below.matches(&host("a.b.example.com")));
        for other in ["example.com", "badexample.com", "example.com.evil.org", "10.0.0.1"] {
            assert!(!below.matches(&host(other)), "{other}");
        }
    }

    #[test]
    fn a_name_that_begins_with_digits_is_a_name() {
        assert!(Host::parse("1.example").is_ok() && Host::parse("0x.example").is_ok());
    }

    proptest! {
        #[test]
        fn what_covers_matches_whatever_is_matched(
            one in "(\\*\\.)?([ab]\\.){0,2}[abc]", other in "(\\*\\.)?([ab]\\.){0,2}[abc]",
            name in "([ab]\\.){0,3}[abc]",
        ) {
            let (one, other, name) = (pattern(&one), pattern(&other), host(&name));
            if one.covers(&other) && other.matches(&name) {
                prop_assert!(one.matches(&name));
            }
        }

        #[test]
        fn a_host_that_is_read_back_is_the_same(text in "[a-zA-Z0-9_.-]{1,20}") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert_eq!(Host::parse(&host.to_string()).expect("again"), host);
            }
        }
    }
}
