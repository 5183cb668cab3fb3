//! Where a webhook's messages go, read so that nobody can read it otherwise.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::grants::{Host, Scheme};

/// Bytes of a URL at most.
pub const URL_BYTES_MAX: usize = 2_000;
/// Characters of one that are shown.
const SHOWN_MAX: usize = 100;

/// An address of `http` or `https`, without a user and without a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl {
    /// Encrypted or not.
    pub scheme: Scheme,
    /// The server.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// The path and the query, beginning with a slash.
    pub path: String,
}

/// Not a URL that messages can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} cannot be sent to: {problem}")]
pub struct InvalidUrl {
    url: String,
    problem: String,
}

impl WebhookUrl {
    /// The host, and the port where it is not the usual one: what stands in the header `Host`.
    pub fn authority(&self) -> String {
        match self.port == self.scheme.default_port() {
            true => self.host.to_string(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// It without path and query, which may hold what is not for everyone.
    pub fn origin(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}", self.authority())
    }
}

impl FromStr for WebhookUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = |problem: String| {
            // A user's password is not repeated.
            let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
            InvalidUrl { url: shown.chars().take(SHOWN_MAX).collect(), problem }
        };
        let told = |problem: &str| invalid(problem.to_owned());
        if text.len() > URL_BYTES_MAX {
            return Err(invalid(format!("use at most {URL_BYTES_MAX} bytes")));
        }
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
        if !text.bytes().all(is_plain) {
            return Err(told("write what is no plain ASCII as %XX, and names as xn--..."));
        }
        if text.contains('#') {
            return Err(told("leave out the part behind #, which no server gets"));
        }
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err(told("begin it with https:// or http://"));
        };
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(told("leave out the user: receivers know messages by their signature"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let host = Host::parse(host).map_err(|error| invalid(error.to_string()))?;
        let port = match port {
            None => scheme.default_port(),
            Some(port) => read_port(port).ok_or_else(|| told("its port is no number"))?,
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { scheme, host, port, path: format!("{slash}{path}") })
    }
}

fn read_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| digits)
}

impl TryFrom<String> for WebhookUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<WebhookUrl, InvalidUrl> {
        text.parse()
    }

    #[test]
    fn a_url_is_taken_apart_and_put_together() {
        for (text, whole) in [
            ("https://A.example.com", "https://a.example.com/"),
            ("https://a.example:443/x?y=z", "https://a.example/x?y=z"),
            ("http://a.example:8080?q", "http://a.example:8080/?q"),
            ("http://[::1]:9/", "http://[::1]:9/"),
            ("http://10.0.0.1/a%20b", "http://10.0.0.1/a%20b"),
        ] {
            let url = read(text).expect(text);
            assert_eq!(url.to_string(), whole);
            assert_eq!(read(whole), Ok(url));
        }
        assert_eq!(read("https://a.example/secret").expect("good").origin(), "https://a.example");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for bad in [
            "",
            "ftp://a.example/",
            "a.example",
            "https://",
            "https:///x",
            "https://user:pass@a.example/",
            "https://a.example:0/",
            "https://a.example:099/",
            "https://a.example:/",
            "https://127.1/",
            "https://2130706433/",
            "https://a.example/ x",
            "https://a.example/\r\nHost: b",
            "https://a.example\\@b.example/",
            "https://a.example/#x",
            "https://ä.example/",
        ] {
            let error = read(bad).expect_err(bad).to_string();
            assert!(!error.contains("pass"), "{error}");
        }
        assert!(read(&format!("https://a.example/{}", "x".repeat(2_000))).is_err());
    }
}
