//! What an operator allows one plugin: the file `NAME.toml` beside `NAME.wasm`.
//!
//! **Invariant:** a manifest that was read can be used: each part is well-formed, they fit
//! together, and whatever is not said is not allowed. The reference is `docs/manifest.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use zapjobs_model::grants::{
    EnqueueGrant, Environment, HttpGrant, SecretGrant, SecretName, Settings,
};
use zapjobs_model::{
    Access, Digest, DirectoryGrant, Grants, JobType, Limits, Narrowing, QueueName, RetryOverride,
    RetryPolicy, TenantId,
};

/// A manifest. An absent file is an empty one: nothing granted, nothing narrowed.
///
/// ```toml
/// digest = "sha256:..."  # no other code than this
///
/// [[directory]]
/// host = "/srv/photos"   # absolute, must exist
/// guest = "/in"          # absolute, how the plugin names it
/// access = "ro"          # or "rw"
///
/// [[http]]
/// host = "api.example.com"
///
/// [limits]               # each narrows the host's own limit
/// memory_bytes_max = 67108864
///
/// [jobs.mail.retry]      # in place of what the plugin declares
/// max_attempts = 10
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    tenants: Option<Vec<TenantId>>,
    queues: Option<Vec<QueueName>>,
    digest: Option<PinnedDigest>,
    directory: Vec<DirectoryEntry>,
    http: Option<Vec<HttpGrant>>,
    env: Environment,
    config: Settings,
    secrets: BTreeMap<SecretName, SecretGrant>,
    limits: Narrowing,
    jobs: BTreeMap<JobType, JobOverrides>,
    enqueue: Option<EnqueueGrant>,
}

/// What an operator says of one job, in place of what the plugin declares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct JobOverrides {
    retry: RetryOverride,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawDirectory")]
struct DirectoryEntry(DirectoryGrant);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDirectory {
    host: PathBuf,
    guest: String,
    access: Access,
}

/// A digest as people write it: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct PinnedDigest(Digest);

impl TryFrom<String> for PinnedDigest {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256:").and_then(|digits| digits.parse().ok());
        digits.map(Self).ok_or_else(|| {
            "digest must be \"sha256:\" and 64 hexadecimal digits, as `plugins history` shows"
                .to_owned()
        })
    }
}

/// A manifest that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestError(String);

impl Manifest {
    /// Reads a manifest's text.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            ManifestError(format!("line {place}: {}", error.message().replace('\n', ", ")))
        })?;
        manifest.grants().checked().map_err(|error| ManifestError(error.to_string()))?;
        for job in manifest.jobs() {
            // Against what a plugin that says nothing declares; its own is looked at once it is read.
            manifest.retry(job, &RetryPolicy::default()).map_err(ManifestError)?;
        }
        Ok(manifest)
    }

    /// The only code that it allows, where it names one.
    pub fn digest(&self) -> Option<Digest> {
        self.digest.map(|PinnedDigest(digest)| digest)
    }

    /// What it allows.
    pub fn grants(&self) -> Grants {
        Grants {
            directories: self.directory.iter().map(|DirectoryEntry(it)| it.clone()).collect(),
            http: self.http.clone(),
            environment: self.env.clone(),
            settings: self.config.clone(),
            secrets: self.secrets.clone(),
            enqueue: self.enqueue.clone(),
        }
    }

    /// The host's limits, narrowed; the stricter of both wins.
    pub fn narrow(&self, host: &Limits) -> Limits {
        host.narrowed(&self.limits)
    }

    /// Whether job types of a tenant may be served by it; all may where nothing is said.
    pub fn serves_tenant(&self, tenant: &TenantId) -> bool {
        self.tenants.as_ref().is_none_or(|tenants| tenants.contains(tenant))
    }

    /// Whether runs of a queue may be executed by it; all may where nothing is said.
    pub fn serves_queue(&self, queue: &QueueName) -> bool {
        self.queues.as_ref().is_none_or(|queues| queues.contains(queue))
    }

    /// Job types of which it says something.
    pub fn jobs(&self) -> impl Iterator<Item = &JobType> {
        self.jobs.keys()
    }

    /// How a job is tried again: as declared, but for what is said of it here.
    pub fn retry(&self, job: &JobType, declared: &RetryPolicy) -> Result<RetryPolicy, String> {
        let Some(said) = self.jobs.get(job) else { return Ok(declared.clone()) };
        said.retry.over(declared).map_err(|error| format!("[jobs.{job}.retry]: {error}"))
    }

    /// The queues that it is restricted to.
    pub fn queues(&self) -> Option<&[QueueName]> {
        self.queues.as_deref()
    }
}

impl TryFrom<RawDirectory> for DirectoryEntry {
    type Error = ManifestError;

    fn try_from(raw: RawDirectory) -> Result<Self, ManifestError> {
        let RawDirectory { host, guest, access } = raw;
        let relative = "must be an absolute path";
        if !host.is_absolute() {
            return Err(ManifestError(format!("directory host {host:?} {relative}")));
        }
        let climbs = guest.split('/').any(|part| part == "..");
        if !guest.starts_with('/') || climbs {
            return Err(ManifestError(format!("directory guest {guest:?} {relative} without ..")));
        }
        Ok(Self(DirectoryGrant { host, guest, access }))
    }
}

#[cfg(test)]
mod tests;
