//! The address of a server.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// A server: `http://HOST:PORT` or `https://HOST:PORT`, with a path before the API's own perhaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    /// Whether it speaks TLS.
    pub(super) has_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands before `/api`; empty, or it begins with `/` and does not end with it.
    pub(super) prefix: String,
}

impl ServerUrl {
    /// What a request calls the host by.
    pub(super) fn authority(&self) -> String {
        match (self.has_tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }

    /// The host's name or address, as a resolver takes it.
    pub(super) fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether what is sent there leaves the machine as clear text.
    pub(crate) fn is_open(&self) -> bool {
        let name = self.name();
        let address = name.parse::<std::net::IpAddr>();
        let is_here = address.map_or(name == "localhost", |address| address.is_loopback());
        !self.has_tls && !is_here
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.has_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const ADVICE: &str = "use one such as https://jobs.example or http://127.0.0.1:7878";
        // The text may hold a password where none belongs: it is not shown.
        let wrong = |what: &str| format!("the server's address {what}: {ADVICE}");
        let uri: Uri = text.parse().map_err(|_| wrong("cannot be read"))?;
        let has_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("begins with neither http:// nor https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("holds a login, where a token belongs into ZAPJOBS_TOKEN"));
        }
        if uri.query().is_some() {
            return Err(wrong("holds a query"));
        }
        let port = uri.port_u16().unwrap_or(if has_tls { 443 } else { 80 });
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { has_tls, host: authority.host().to_owned(), port, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_short_as_it_can_be() {
        for (text, shown) in [
            ("http://127.0.0.1:7878", "http://127.0.0.1:7878"),
            ("https://jobs.example/", "https://jobs.example"),
            ("https://jobs.example:443/zap/", "https://jobs.example/zap"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().map(|it| it.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn what_is_no_server_is_refused_without_its_secrets() {
        for bad in
            ["", "jobs.example", "ftp://x", "http://", "https://ada:hush@x", "http://x/?a=hush"]
        {
            let error = bad.parse::<ServerUrl>().expect_err(bad);
            assert!(error.contains("such as https://"), "{bad}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn clear_text_stays_on_the_machine_or_is_told() {
        let is_open = |text: &str| text.parse::<ServerUrl>().expect(text).is_open();
        assert!(is_open("http://jobs.example") && is_open("http://10.0.0.1"));
        for closed in
            ["https://jobs.example", "http://127.0.0.1:1", "http://[::1]", "http://localhost"]
        {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
