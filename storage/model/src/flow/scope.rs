//! What a limit applies to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{InvalidName, JobKey, JobType, Json, LimitKey, QueueName, TenantId};

/// What a limit applies to. Its text, such as `queue:mail`, names it in stores and on the
/// command line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LimitScope {
    /// Every run: `everything`.
    Everything,
    /// The runs of a tenant: `tenant:TENANT`.
    Tenant(TenantId),
    /// The runs of a queue, whosever they are: `queue:QUEUE`.
    Queue(QueueName),
    /// The runs of a job type: `job:TENANT/JOB`.
    Job(JobKey),
    /// The runs of a job type that have a key, each key by itself: `key:TENANT/JOB`.
    PerKey(JobKey),
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid scope {0:?}: use everything, tenant:TENANT, queue:QUEUE, job:TENANT/JOB or \
     key:TENANT/JOB"
)]
pub struct InvalidScope(String);

impl LimitScope {
    /// What its text is made of.
    pub(super) fn parts(&self) -> [&str; 4] {
        match self {
            Self::Everything => ["everything", "", "", ""],
            Self::Tenant(tenant) => ["tenant:", tenant.as_str(), "", ""],
            Self::Queue(queue) => ["queue:", queue.as_str(), "", ""],
            Self::Job(job) => ["job:", job.tenant.as_str(), "/", job.job_type.as_str()],
            Self::PerKey(job) => ["key:", job.tenant.as_str(), "/", job.job_type.as_str()],
        }
    }
}

impl fmt::Display for LimitScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.parts().concat())
    }
}

impl FromStr for LimitScope {
    type Err = InvalidScope;
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        parse(text).ok_or_else(|| InvalidScope(text.chars().take(80).collect()))
    }
}

fn parse(text: &str) -> Option<LimitScope> {
    if text == "everything" {
        return Some(LimitScope::Everything);
    }
    let (kind, name) = text.split_once(':')?;
    let job = || -> Option<JobKey> {
        let (tenant, job_type) = name.split_once('/')?;
        let (tenant, job_type) = (TenantId::new(tenant).ok()?, JobType::new(job_type).ok()?);
        Some(JobKey { tenant, job_type })
    };
    match kind {
        "tenant" => TenantId::new(name).ok().map(LimitScope::Tenant),
        "queue" => QueueName::new(name).ok().map(LimitScope::Queue),
        "job" => job().map(LimitScope::Job),
        "key" => job().map(LimitScope::PerKey),
        _ => None,
    }
}

impl TryFrom<String> for LimitScope {
    type Error = InvalidScope;
    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<LimitScope> for String {
    fn from(scope: LimitScope) -> Self {
        scope.to_string()
    }
}

/// Where in a job's input the key of a limit per key stands: a JSON pointer (RFC 6901), such as
/// `/customer/id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LimitKeyPointer(String);

impl LimitKeyPointer {
    const BYTES_MAX: usize = 200;

    /// Checks and takes the text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let is_plain = text.starts_with('/') && !text.chars().any(char::is_control);
        if is_plain && text.len() <= Self::BYTES_MAX {
            return Ok(Self(text));
        }
        let rule = "use a JSON pointer of 2 to 200 bytes, such as /customer/id";
        Err(InvalidName { kind: "key pointer", name: text.chars().take(80).collect(), rule })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of an input: a text, number or truth value at this place. Anything else there, or
    /// nothing, is no key.
    pub fn key_of(&self, input: &Json) -> Result<Option<LimitKey>, InvalidName> {
        let value: serde_json::Value = serde_json::from_str(input.as_str()).unwrap_or_default();
        match value.pointer(&self.0) {
            Some(serde_json::Value::String(text)) => LimitKey::new(text).map(Some),
            Some(serde_json::Value::Number(number)) => LimitKey::new(number.to_string()).map(Some),
            Some(serde_json::Value::Bool(truth)) => LimitKey::new(truth.to_string()).map(Some),
            _ => Ok(None),
        }
    }
}

impl fmt::Display for LimitKeyPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for LimitKeyPointer {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl TryFrom<String> for LimitKeyPointer {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl From<LimitKeyPointer> for String {
    fn from(pointer: LimitKeyPointer) -> Self {
        pointer.0
    }
}
