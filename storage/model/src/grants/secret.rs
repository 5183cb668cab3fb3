//! Secrets by reference: where the host finds them, and what a plugin may do with them.
//!
//! **Invariant:** nothing here holds a secret's value.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::{HostPattern, InvalidGrant, values};

/// Hosts of one secret at most.
const HOSTS_MAX: usize = 64;

/// What a secret is called: the environment variable that a plugin finds it in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretName(String);

/// A secret that a plugin may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Entry")]
pub struct SecretGrant {
    /// Where the host finds its value.
    pub source: SecretSource,
    /// What the plugin may do with it.
    pub usage: SecretUse,
}

/// Where the host finds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable of its own.
    Environment(String),
    /// In a file, whose last line end does not count.
    File(PathBuf),
}

/// What a plugin may do with a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretUse {
    /// It is given the value.
    Plain,
    /// It is given a placeholder, for which the host puts the value into the header fields of
    /// requests.
    Requests {
        /// To these hosts.
        hosts: Vec<HostPattern>,
        /// Also where requests travel in the open.
        plain_http: bool,
    },
}

/// As it stands in a manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    env: Option<String>,
    file: Option<PathBuf>,
    #[serde(default)]
    plain: bool,
    hosts: Option<Vec<HostPattern>>,
    #[serde(default)]
    plain_http: bool,
}

impl SecretName {
    /// Reads a name, which has to be one of an environment variable.
    pub fn parse(text: &str) -> Result<Self, InvalidGrant> {
        values::variable(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Entry> for SecretGrant {
    type Error = InvalidGrant;

    fn try_from(entry: Entry) -> Result<Self, InvalidGrant> {
        let source = match (entry.env, entry.file) {
            (Some(variable), None) => {
                values::variable(&variable)?;
                SecretSource::Environment(variable)
            }
            (None, Some(path)) if path.is_absolute() => SecretSource::File(path),
            (None, Some(path)) => {
                return Err(InvalidGrant(format!(
                    "the secret's file {} must be an absolute path",
                    path.display()
                )));
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(InvalidGrant(
                    "a secret comes from one place: set either `env` or `file`".to_owned(),
                ));
            }
        };
        let usage = match (entry.plain, entry.hosts) {
            (true, None) if !entry.plain_http => SecretUse::Plain,
            (false, Some(hosts)) if (1..=HOSTS_MAX).contains(&hosts.len()) => {
                SecretUse::Requests { hosts, plain_http: entry.plain_http }
            }
            (false, Some(hosts)) => {
                return Err(InvalidGrant(format!(
                    "a secret has {} hosts: name 1 to {HOSTS_MAX}",
                    hosts.len()
                )));
            }
            (true, _) => {
                return Err(InvalidGrant(
                    "a secret with `plain = true` is given to the plugin, which may send it \
                     anywhere: remove `hosts` and `plain_http`, or `plain`"
                        .to_owned(),
                ));
            }
            (false, None) => {
                return Err(InvalidGrant(
                    "a secret needs `hosts`, those that it may be sent to, or `plain = true`"
                        .to_owned(),
                ));
            }
        };
        Ok(Self { source, usage })
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SecretName {
    type Error = InvalidGrant;

    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<SecretGrant, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_has_one_source_and_one_use() {
        let plain = read(r#"{"env": "TOKEN", "plain": true}"#).expect("a secret");
        assert_eq!(plain.usage, SecretUse::Plain);
        let sent = read(r#"{"file": "/run/secrets/x", "hosts": ["a.example"]}"#).expect("one");
        assert!(matches!(sent.usage, SecretUse::Requests { plain_http: false, .. }));
        for (json, expected) in [
            (r#"{"plain": true}"#, "either `env` or `file`"),
            (r#"{"env": "A", "file": "/a", "plain": true}"#, "either `env` or `file`"),
            (r#"{"file": "a", "plain": true}"#, "absolute"),
            (r#"{"env": "A"}"#, "needs `hosts`"),
            (r#"{"env": "A", "hosts": []}"#, "name 1 to 64"),
            (r#"{"env": "A", "hosts": ["a.example"], "plain": true}"#, "may send it anywhere"),
            (r#"{"env": "A B", "plain": true}"#, "no environment variable"),
            (r#"{"env": "A", "value": "x"}"#, "unknown field"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(expected), "{error}");
        }
    }
}
