//! What an operator allows a plugin beyond computing. Nothing, unless said.
//!
//! **Invariant:** a grant is checked when it is read. What is in here is well-formed and
//! bounded, and [`Grants::checked`] says whether its parts fit together.

pub mod enqueue;
pub mod host;
pub mod http;
pub mod network;
pub mod path;
pub mod secret;
pub mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use enqueue::{ENQUEUE_PATTERNS_MAX, EnqueueGrant, JobPattern};
pub use host::{Host, HostPattern};
pub use http::{HttpGrant, HttpTarget, Scheme};
pub use network::{Network, PrivateAddresses};
pub use path::PathPattern;
pub use secret::{SecretGrant, SecretName, SecretSource, SecretUse};
pub use values::{Environment, Settings};

/// Hosts that are granted to one plugin at most.
pub const HTTP_GRANTS_MAX: usize = 256;
/// Secrets that are granted to one plugin at most.
pub const SECRETS_MAX: usize = 64;

/// What an operator allows one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Directories it sees.
    pub directories: Vec<DirectoryGrant>,
    /// Hosts that it may send HTTP requests to. Where nothing is said, a component that wants
    /// to send any is not loaded; an empty list says that it works without.
    pub http: Option<Vec<HttpGrant>>,
    /// Its environment variables.
    pub environment: Environment,
    /// Its settings, which it reads by key.
    pub settings: Settings,
    /// Secrets that it may use, by the name of the environment variable that it finds them in.
    pub secrets: BTreeMap<SecretName, SecretGrant>,
    /// Jobs that its runs may enqueue. Where nothing is said, a component that wants to enqueue
    /// any is not loaded; an empty list says that it works without.
    pub enqueue: Option<EnqueueGrant>,
}

/// A directory of the host that a plugin sees under a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryGrant {
    /// The directory on the host, absolute.
    pub host: PathBuf,
    /// Its path inside the sandbox, such as `/in`.
    pub guest: String,
    /// What may be done there.
    pub access: Access,
}

/// What may be done in a granted directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Read files and list directories.
    #[serde(rename = "ro")]
    ReadOnly,
    /// Also create, change and remove.
    #[serde(rename = "rw")]
    ReadWrite,
}

/// A grant that means nothing, or grants that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidGrant(pub(crate) String);

impl Grants {
    /// The granted hosts.
    pub fn hosts(&self) -> &[HttpGrant] {
        self.http.as_deref().unwrap_or_default()
    }

    /// Refuses grants that do not fit together.
    pub fn checked(self) -> Result<Self, InvalidGrant> {
        bounded("[[http]] entries", self.hosts().len(), HTTP_GRANTS_MAX)?;
        bounded("secrets", self.secrets.len(), SECRETS_MAX)?;
        let patterns = self.enqueue.as_ref().map_or(0, |grant| grant.jobs.len());
        bounded("patterns in [enqueue]", patterns, ENQUEUE_PATTERNS_MAX)?;
        for (name, secret) in &self.secrets {
            if self.environment.get(name.as_str()).is_some() {
                return Err(InvalidGrant(format!(
                    "{name} is in [env] and a secret: remove one of both"
                )));
            }
            self.check_secret(name, secret)?;
        }
        Ok(self)
    }

    fn check_secret(&self, name: &SecretName, secret: &SecretGrant) -> Result<(), InvalidGrant> {
        let SecretUse::Requests { hosts, plain_http } = &secret.usage else { return Ok(()) };
        for host in hosts {
            let reaches = |grant: &&HttpGrant| grant.host.covers(host);
            let mut grants = self.hosts().iter().filter(reaches).peekable();
            if grants.peek().is_none() {
                return Err(InvalidGrant(format!(
                    "the secret {name} may go to {host}, which no [[http]] entry allows: add \
                     `[[http]]`, `host = \"{host}\"`"
                )));
            }
            if !plain_http && grants.all(|grant| grant.scheme == Scheme::Http) {
                return Err(InvalidGrant(format!(
                    "the secret {name} may go to {host}, which is granted without encryption only: \
                     remove the entry's `scheme = \"http\"`, or add `plain_http = true` to the \
                     secret"
                )));
            }
        }
        Ok(())
    }
}

fn bounded(what: &str, count: usize, count_max: usize) -> Result<(), InvalidGrant> {
    if count > count_max {
        return Err(InvalidGrant(format!("there are {count} {what}: use at most {count_max}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(host: &str, scheme: Scheme) -> HttpGrant {
        HttpGrant { scheme, ..HttpGrant::to(HostPattern::parse(host).expect("a host")) }
    }

    fn with_secret(hosts: &[&str], plain_http: bool, http: Vec<HttpGrant>) -> Grants {
        let hosts = hosts.iter().map(|host| HostPattern::parse(host).expect("a host")).collect();
        let secret = SecretGrant {
            source: SecretSource::Environment("T".into()),
            usage: SecretUse::Requests { hosts, plain_http },
        };
        let name = SecretName::parse("TOKEN").expect("a name");
        Grants { http: Some(http), secrets: [(name, secret)].into(), ..Grants::default() }
    }

    #[test]
    fn a_secret_goes_only_where_requests_may_go() {
        let wide = || vec![http("*.example.com", Scheme::Https)];
        assert!(with_secret(&["api.example.com"], false, wide()).checked().is_ok());
        assert!(with_secret(&["*.eu.example.com"], false, wide()).checked().is_ok());
        for host in ["example.com", "api.example.org", "*"] {
            let error = with_secret(&[host], false, wide()).checked().expect_err(host).to_string();
            assert!(error.contains("which no [[http]] entry allows"), "{error}");
        }
    }

    #[test]
    fn a_secret_goes_unencrypted_only_where_that_is_said() {
        let plain = || vec![http("api.example.com", Scheme::Http)];
        let error = with_secret(&["api.example.com"], false, plain()).checked().expect_err("plain");
        assert!(error.to_string().contains("without encryption"), "{error}");
        assert!(with_secret(&["api.example.com"], true, plain()).checked().is_ok());
    }

    #[test]
    fn one_name_has_one_value() {
        let grants = Grants {
            environment: Environment::try_from(BTreeMap::from([("TOKEN".into(), "a".into())]))
                .expect("good"),
            ..with_secret(&["a.example"], false, vec![http("a.example", Scheme::Https)])
        };
        let error = grants.checked().expect_err("twice").to_string();
        assert_eq!(error, "TOKEN is in [env] and a secret: remove one of both");
    }
}
