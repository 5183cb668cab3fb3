//! Secrets: read once when a plugin is loaded, and put into requests behind its back.
//!
//! **Invariant:** a value leaves this module only into a header field of a request to a host
//! that its grant names, or to the plugin whose operator said so. What the plugin sees
//! otherwise is a placeholder, new for each attempt: text that others smuggle into a job's
//! input cannot name it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use wasmtime_wasi_http::Error;
use zapjobs_model::HttpTarget;
use zapjobs_model::grants::{Scheme, SecretGrant, SecretName, SecretSource, SecretUse};

use super::{Failure, quoted};

/// Bytes of a value at most.
const VALUE_BYTES_MAX: usize = 8 << 10;
/// Bytes of a value from which on it is hidden in logs and answers. Shorter ones would be
/// found everywhere.
const HIDDEN_BYTES_MIN: usize = 4;
/// Random bytes of a placeholder.
const PLACEHOLDER_BYTES: usize = 16;

/// The secrets of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Vault(Vec<Secret>);

#[derive(Debug)]
struct Secret {
    name: SecretName,
    value: Value,
    usage: SecretUse,
}

/// A value that is not shown, and whose memory is written over at its end.
struct Value(String);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

impl Vault {
    /// Reads the values. `variable` answers the host's environment variables. The error names
    /// the secret, never its value.
    pub(crate) fn read(
        grants: &BTreeMap<SecretName, SecretGrant>,
        variable: impl Fn(&str) -> Result<String, std::env::VarError>,
    ) -> Result<Self, String> {
        let secrets = grants.iter().map(|(name, grant)| {
            let value = match &grant.source {
                SecretSource::Environment(source) => variable(source)
                    .map_err(|error| format!("the environment variable {source}: {error}: set it")),
                SecretSource::File(path) => read_file(path),
            };
            let value = value.and_then(|value| checked(value, &grant.usage));
            let value = value.map_err(|problem| format!("the secret {name}: {problem}"))?;
            Ok(Secret { name: name.clone(), value: Value(value), usage: grant.usage.clone() })
        });
        secrets.collect::<Result<_, String>>().map(Self)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` with the names of secrets instead of their values; `None` where it holds none.
    pub(crate) fn hide(&self, text: &str) -> Option<String> {
        let mut hidden: Option<String> = None;
        for Secret { name, value, .. } in &self.0 {
            let text = hidden.as_deref().unwrap_or(text);
            if value.0.len() >= HIDDEN_BYTES_MIN && text.contains(&value.0) {
                hidden = Some(text.replace(&value.0, &format!("[secret {name}]")));
            }
        }
        hidden
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("{} cannot be read: {error}: create it", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(VALUE_BYTES_MAX as u64 + 3).read_to_end(&mut bytes).map_err(unreadable)?;
    let mut text =
        String::from_utf8(bytes).map_err(|_| format!("{} is no text", path.display()))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn checked(value: String, usage: &SecretUse) -> Result<String, String> {
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        return Err(format!("its value has {} bytes: use 1 to {VALUE_BYTES_MAX}", value.len()));
    }
    if matches!(usage, SecretUse::Requests { .. }) && HeaderValue::from_str(&value).is_err() {
        return Err("its value has characters that no header field can hold".to_owned());
    }
    if value.contains('\0') {
        return Err("its value has a zero byte".to_owned());
    }
    Ok(value)
}

/// The secrets of one attempt: what the guest sees of them.
#[derive(Debug)]
pub(crate) struct Wallet {
    vault: Arc<Vault>,
    /// One for each secret, in the vault's order.
    placeholders: Vec<String>,
}

impl Wallet {
    /// Makes the placeholders of an attempt; `None` where there are no secrets.
    pub(crate) fn new(vault: &Arc<Vault>) -> Result<Option<Self>, String> {
        if vault.is_empty() {
            return Ok(None);
        }
        let provider = rustls::crypto::ring::default_provider();
        let placeholder = |secret: &Secret| {
            let mut random = [0; PLACEHOLDER_BYTES];
            provider.secure_random.fill(&mut random).map_err(|_| {
                "the system has no random numbers for the placeholders of secrets".to_owned()
            })?;
            Ok(format!("secret-{}-{:032x}", secret.name, u128::from_be_bytes(random)))
        };
        let placeholders = vault.0.iter().map(placeholder).collect::<Result<_, String>>()?;
        Ok(Some(Self { vault: Arc::clone(vault), placeholders }))
    }

    /// The guest's environment variables: values where the operator said so, placeholders
    /// elsewhere.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().map(|(secret, placeholder)| match secret.usage {
            SecretUse::Plain => (secret.name.as_str(), secret.value.0.as_str()),
            SecretUse::Requests { .. } => (secret.name.as_str(), placeholder),
        })
    }

    /// Puts values in the place of placeholders. A request that would carry a placeholder
    /// anywhere else, or to a host that is not granted the secret, is refused.
    pub(crate) fn fill(
        &self,
        headers: &mut HeaderMap,
        path_and_query: &str,
        target: &HttpTarget,
    ) -> Result<(), Failure> {
        for (secret, placeholder) in self.pairs() {
            let SecretUse::Requests { hosts, plain_http } = &secret.usage else { continue };
            if path_and_query.contains(placeholder) {
                return Err(Failure::said(
                    Error::HttpRequestDenied,
                    format!(
                        "a request to {} was refused: it has the secret {} in its URL: send it in \
                         a header field",
                        target.host, secret.name
                    ),
                ));
            }
            for value in headers.values_mut() {
                let Some(filled) = replaced(value.as_bytes(), placeholder, &secret.value.0) else {
                    continue;
                };
                let is_granted = hosts.iter().any(|host| host.matches(&target.host));
                if !is_granted || (target.scheme == Scheme::Http && !plain_http) {
                    return Err(ungranted(secret, is_granted, target));
                }
                *value = HeaderValue::from_bytes(&filled).map_err(|_| {
                    Error::HttpRequestHeaderSize { field_name: None, field_size: None }
                })?;
                value.set_sensitive(true);
            }
        }
        Ok(())
    }

    /// Puts placeholders in the place of values, for servers that send back what they got.
    pub(crate) fn hide(&self, headers: &mut HeaderMap) {
        for (secret, placeholder) in self.pairs() {
            let is_sent = matches!(secret.usage, SecretUse::Requests { .. });
            if !is_sent || secret.value.0.len() < HIDDEN_BYTES_MIN {
                continue;
            }
            for value in headers.values_mut() {
                let hidden = replaced(value.as_bytes(), &secret.value.0, placeholder);
                if let Some(Ok(hidden)) = hidden.map(|it| HeaderValue::from_bytes(&it)) {
                    *value = hidden;
                }
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&Secret, &str)> {
        self.vault.0.iter().zip(self.placeholders.iter().map(String::as_str))
    }
}

fn ungranted(secret: &Secret, is_granted: bool, target: &HttpTarget) -> Failure {
    let (why, line) = if is_granted {
        ("may not travel unencrypted", "plain_http = true".to_owned())
    } else {
        ("may not go there", format!("hosts = [\"{}\"]", target.host))
    };
    let lines = [format!("[secrets.{}]", secret.name), line];
    Failure::said(
        Error::HttpRequestDenied,
        format!(
            "a request was refused: {target}: the secret {} {why}: these lines in the plugin's \
             manifest would allow it: {}",
            secret.name,
            quoted(&lines)
        ),
    )
}

/// `bytes` with each `from` replaced; `None` where there is none.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Option<Vec<u8>> {
    let from = from.as_bytes();
    let mut replaced: Option<Vec<u8>> = None;
    let (mut kept, mut at) = (0, 0);
    while at + from.len() <= bytes.len() {
        if bytes[at..].starts_with(from) {
            let replaced = replaced.get_or_insert_default();
            replaced.extend_from_slice(&bytes[kept..at]);
            replaced.extend_from_slice(to.as_bytes());
            at += from.len();
            kept = at;
        } else {
            at += 1;
        }
    }
    let mut replaced = replaced?;
    replaced.extend_from_slice(&bytes[kept..]);
    Some(replaced)
}

#[cfg(test)]
mod tests;
