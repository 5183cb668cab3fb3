//! Hosts that a plugin may send HTTP requests to.
//!
//! **Invariant:** a request is allowed only by a single grant whose scheme, host, port, method
//! and paths all fit it. [`super::path`] and [`super::host`] say what fits.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Host, HostPattern, InvalidGrant, PathPattern, PrivateAddresses};

/// Bytes of a method's name at most.
const METHOD_BYTES_MAX: usize = 32;
/// Methods, and patterns of paths, in one grant at most.
const ENTRIES_MAX: usize = 64;

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Encrypted, to a server that proves its name.
    #[default]
    Https,
    /// In the open.
    Http,
}

impl Scheme {
    /// The port where none is named.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }

    /// As it stands in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// A host that requests may go to, and which requests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpGrant {
    /// Which host or hosts.
    pub host: HostPattern,
    /// How; `https` where absent.
    #[serde(default)]
    pub scheme: Scheme,
    /// The server's port; that of the scheme where absent.
    #[serde(default)]
    pub port: Option<u16>,
    /// Which methods; `GET` and `HEAD` where absent.
    #[serde(default)]
    pub methods: Methods,
    /// Which paths; all where absent.
    #[serde(default)]
    pub paths: Paths,
    /// Addresses beside those of the public internet that the host's name may lead to.
    #[serde(default)]
    pub private_addresses: PrivateAddresses,
    /// A file with certificates of authorities, as PEM, that are trusted for this host beside
    /// the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Methods that a grant allows, in upper case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Methods(Vec<String>);

/// Patterns of paths that a grant allows; all paths where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Vec<PathPattern>")]
pub struct Paths(Vec<PathPattern>);

/// Where a request goes, and with which method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget {
    /// How.
    pub scheme: Scheme,
    /// To which server.
    pub host: Host,
    /// At which port.
    pub port: u16,
    /// With which method.
    pub method: String,
    /// For which path, as it is sent, without the query.
    pub path: String,
}

impl HttpGrant {
    /// The grant of a host with nothing else said.
    pub fn to(host: HostPattern) -> Self {
        Self {
            host,
            scheme: Scheme::default(),
            port: None,
            methods: Methods::default(),
            paths: Paths::default(),
            private_addresses: PrivateAddresses::None,
            ca_file: None,
        }
    }

    /// Whether it allows a request, the server's address apart.
    pub fn allows(&self, target: &HttpTarget) -> bool {
        self.reaches(target)
            && self.methods.0.contains(&target.method)
            && (self.paths.0.is_empty() || self.paths.0.iter().any(|it| it.matches(&target.path)))
    }

    /// Whether it is for the server that a request goes to.
    pub fn reaches(&self, target: &HttpTarget) -> bool {
        self.scheme == target.scheme
            && self.port.unwrap_or(self.scheme.default_port()) == target.port
            && self.host.matches(&target.host)
    }
}

impl HttpTarget {
    /// The lines of a manifest that would allow the request and no other.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec!["[[http]]".to_owned(), format!("host = \"{}\"", self.host)];
        if self.scheme != Scheme::default() {
            lines.push(format!("scheme = \"{}\"", self.scheme.as_str()));
        }
        if self.port != self.scheme.default_port() {
            lines.push(format!("port = {}", self.port));
        }
        lines.push(format!("methods = [\"{}\"]", self.method));
        if let Some(path) = PathPattern::exactly(&self.path) {
            lines.push(format!("paths = [\"{path}\"]"));
        }
        lines
    }

    /// The host, with the port unless it is the scheme's own: what a `Host` header says.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            return self.host.to_string();
        }
        format!("{}:{}", self.host, self.port)
    }
}

impl Default for Methods {
    fn default() -> Self {
        Self(vec!["GET".to_owned(), "HEAD".to_owned()])
    }
}

impl TryFrom<Vec<String>> for Methods {
    type Error = InvalidGrant;

    fn try_from(methods: Vec<String>) -> Result<Self, InvalidGrant> {
        entries("methods", methods.len())?;
        for method in &methods {
            let well_formed = (1..=METHOD_BYTES_MAX).contains(&method.len())
                && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
            if !well_formed {
                let shown: String = method.chars().take(METHOD_BYTES_MAX).collect();
                return Err(InvalidGrant(format!(
                    "{shown:?} is no method: write it in capital letters, such as \"POST\""
                )));
            }
            if matches!(method.as_str(), "CONNECT" | "TRACE") {
                return Err(InvalidGrant(format!("{method} cannot be granted: remove it")));
            }
        }
        Ok(Self(methods))
    }
}

impl TryFrom<Vec<PathPattern>> for Paths {
    type Error = InvalidGrant;

    fn try_from(paths: Vec<PathPattern>) -> Result<Self, InvalidGrant> {
        entries("paths", paths.len())?;
        Ok(Self(paths))
    }
}

fn entries(what: &str, count: usize) -> Result<(), InvalidGrant> {
    if (1..=ENTRIES_MAX).contains(&count) {
        return Ok(());
    }
    Err(InvalidGrant(format!("there are {count} {what}: name 1 to {ENTRIES_MAX}, or leave it out")))
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, scheme, path, .. } = self;
        write!(f, "{method} {}://{}{path}", scheme.as_str(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(method: &str, scheme: Scheme, host: &str, port: u16, path: &str) -> HttpTarget {
        HttpTarget {
            scheme,
            host: Host::parse(host).expect("a host"),
            port,
            method: method.into(),
            path: path.into(),
        }
    }

    fn to(host: &str) -> HttpGrant {
        HttpGrant::to(HostPattern::parse(host).expect("a host"))
    }

    #[test]
    fn a_grant_allows_reading_by_https_at_the_usual_port_and_no_more() {
        let grant = to("api.example.com");
        let get = target("GET", Scheme::Https, "api.example.com", 443, "/any/../path");
        assert!(grant.allows(&get));
        assert!(grant.allows(&HttpTarget { method: "HEAD".into(), ..get.clone() }));
        for other in [
            HttpTarget { method: "POST".into(), ..get.clone() },
            HttpTarget { method: "get".into(), ..get.clone() },
            HttpTarget { scheme: Scheme::Http, port: 80, ..get.clone() },
            HttpTarget { scheme: Scheme::Http, ..get.clone() },
            HttpTarget { port: 8443, ..get.clone() },
            HttpTarget { host: Host::parse("example.com").expect("a host"), ..get.clone() },
        ] {
            assert!(!grant.allows(&other), "{other}");
        }
    }

    #[test]
    fn one_grant_has_to_allow_all_of_a_request() {
        let paths = |text: &str| Paths(vec![PathPattern::parse(text).expect("a pattern")]);
        let posts = Methods(vec!["POST".into()]);
        let read = HttpGrant { paths: paths("/read/**"), ..to("a.example") };
        let write = HttpGrant { paths: paths("/write"), methods: posts, ..to("a.example") };
        let post = target("POST", Scheme::Https, "a.example", 443, "/read/x");
        assert!(![read, write].iter().any(|grant| grant.allows(&post)));
    }

    #[test]
    fn what_is_refused_is_told_the_lines_that_allow_it() {
        let post = target("POST", Scheme::Http, "10.0.0.1", 8080, "/v1/%61");
        assert_eq!(
            post.lines().join("\n"),
            "[[http]]\nhost = \"10.0.0.1\"\nscheme = \"http\"\nport = 8080\nmethods = [\"POST\"]\n\
             paths = [\"/v1/a\"]"
        );
        assert_eq!(post.to_string(), "POST http://10.0.0.1:8080/v1/%61");
        let climbing = target("GET", Scheme::Https, "a.example", 443, "/../a");
        assert_eq!(climbing.lines(), ["[[http]]", "host = \"a.example\"", "methods = [\"GET\"]"]);
    }

    proptest! {
        #[test]
        fn the_lines_of_a_refusal_allow_it(
            method in "(GET|POST|PURGE)", host in "([ab]{1,3}\\.){0,2}[ab]{1,3}", port: u16,
            secure: bool, path in "(/[a-z%20-9.*\"]{1,6}){0,3}",
        ) {
            let scheme = if secure { Scheme::Https } else { Scheme::Http };
            let target = target(&method, scheme, &host, port, &path);
            let lines = target.lines();
            let entry = lines[1..].join("\n");
            let value = |key: &str| {
                let found = lines.iter().find_map(|it| it.strip_prefix(&format!("{key} = ")));
                found.map(|it| serde_json::from_str::<serde_json::Value>(it).expect("a value"))
            };
            let mut fields = serde_json::Map::new();
            for key in ["host", "scheme", "port", "methods", "paths"] {
                fields.extend(value(key).map(|value| (key.to_owned(), value)));
            }
            let grant: HttpGrant = serde_json::from_value(fields.into()).expect("a grant");
            prop_assert!(grant.allows(&target), "{entry}");
        }
    }
}
