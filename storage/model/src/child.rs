//! Runs that a run enqueues: its children.
//!
//! **Invariant:** a child's id is made of its parent's id, its job and its key, or its place
//! among the children without a key. So a parent that is tried again names the same children,
//! and the store takes each of them once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    CorrelationId, Due, JobRequest, JobType, Json, Priority, QueueName, RunError, RunId, RunStatus,
    Tag, TenantId, Timestamp, Trigger,
};

/// Bytes of a child's key at most.
pub const CHILD_KEY_BYTES_MAX: usize = 200;
/// Bytes of the options of one child at most.
pub const CHILD_OPTIONS_BYTES_MAX: usize = 64 << 10;

/// A guest's wish for a child, checked as far as it can be without a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRequest {
    /// Which job.
    pub job_type: JobType,
    /// What the job is given.
    pub input: Json,
    /// The rest.
    pub options: ChildOptions,
}

/// What a guest may say of a child beside its job and input. Instants and spans are in
/// milliseconds, as everywhere in the interface.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChildOptions {
    /// Names the child among those of its parent and job.
    pub key: Option<ChildKey>,
    /// It becomes ready this long after it was enqueued.
    pub delay_ms: Option<u64>,
    /// It becomes ready at this instant.
    pub at_ms: Option<u64>,
    /// In which line it waits.
    pub queue: Option<QueueName>,
    /// Its place in that line.
    pub priority: Priority,
    /// How often it is tried.
    pub max_attempts: Option<u32>,
    /// After this instant it is neither started nor tried again.
    pub deadline_ms: Option<u64>,
    /// Labels.
    pub tags: Vec<Tag>,
    /// Ties it to something outside; its parent's where absent.
    pub correlation_id: Option<CorrelationId>,
    /// Whatever its parent wants to tell.
    pub metadata: BTreeMap<String, String>,
}

/// A key of 1 to [`CHILD_KEY_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ChildKey(String);

impl TryFrom<String> for ChildKey {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if (1..=CHILD_KEY_BYTES_MAX).contains(&text.len()) {
            return Ok(Self(text));
        }
        Err(format!("a key has {} bytes: use 1 to {CHILD_KEY_BYTES_MAX}", text.len()))
    }
}

/// Who enqueues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The run.
    pub run: RunId,
    /// Whose it is, and its children are.
    pub tenant: TenantId,
    /// What its children inherit where they say nothing else.
    pub correlation_id: Option<CorrelationId>,
}

/// Why a child was not taken. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ChildError {
    /// What kind of reason it is.
    pub kind: ChildErrorKind,
    /// What was wrong and what to do, in one line.
    pub message: String,
}

/// What kind of reason keeps a child from being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildErrorKind {
    /// The tenant has no such job.
    UnknownJob,
    /// The operator does not allow this plugin to enqueue it.
    NotGranted,
    /// The input is no JSON, too long, or breaks the job's schema.
    BadInput,
    /// An option is unknown or out of bounds.
    BadOptions,
    /// The tenant has too many runs that wait.
    QuotaReached,
    /// The attempt has asked for as many children as it may.
    LimitReached,
    /// The host cannot enqueue now; later it may.
    Unavailable,
}

impl ChildError {
    /// An error of this kind.
    pub fn new(kind: ChildErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Where a child stands, as far as its parent has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildStatus {
    /// It has not been started, or waits to be started again.
    Waiting,
    /// An attempt is under way.
    Running,
    /// It ended well.
    Completed,
    /// It ended badly.
    Failed,
    /// It ended on request.
    Cancelled,
}

impl From<RunStatus> for ChildStatus {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Self::Running,
            RunStatus::Completed => Self::Completed,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
            // Whatever else a run may wait for.
            _ => Self::Waiting,
        }
    }
}

/// What a parent may know of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildState {
    /// Where it stands.
    pub status: ChildStatus,
    /// What it returned, once it completed.
    pub output: Option<Json>,
    /// Why it failed, was cancelled or is tried again.
    pub error: Option<RunError>,
}

impl ChildRequest {
    /// Reads what a guest says. Empty options are none.
    pub fn parse(job: &str, input: &str, options: &str) -> Result<Self, ChildError> {
        let error = |kind, message: String| ChildError::new(kind, message.replace('\n', " "));
        let job_type = JobType::new(job)
            .map_err(|problem| error(ChildErrorKind::UnknownJob, problem.to_string()))?;
        let input = Json::parse(input).map_err(|problem| {
            error(ChildErrorKind::BadInput, format!("the input for {job_type}: {problem}"))
        })?;
        if options.len() > CHILD_OPTIONS_BYTES_MAX {
            let message = format!(
                "the options for {job_type} have {} bytes: use at most {CHILD_OPTIONS_BYTES_MAX}",
                options.len()
            );
            return Err(error(ChildErrorKind::BadOptions, message));
        }
        let options: ChildOptions = match options.trim() {
            "" => ChildOptions::default(),
            // A list would be taken for the fields in their order.
            text if !text.starts_with('{') => {
                let message = format!("the options for {job_type} are no JSON object: use one");
                return Err(error(ChildErrorKind::BadOptions, message));
            }
            text => serde_json::from_str(text).map_err(|problem| {
                error(ChildErrorKind::BadOptions, format!("the options for {job_type}: {problem}"))
            })?,
        };
        if options.delay_ms.is_some() && options.at_ms.is_some() {
            let message = format!(
                "the options for {job_type} have both `delay-ms` and `at-ms`: remove one of both"
            );
            return Err(error(ChildErrorKind::BadOptions, message));
        }
        Ok(Self { job_type, input, options })
    }

    /// The child's id: that of its key, or of its place among the children without one.
    pub fn id(&self, parent: RunId, ordinal: u32) -> RunId {
        match &self.options.key {
            Some(ChildKey(key)) => child_id(parent, &self.job_type, b'k', key.as_bytes()),
            None => child_id(parent, &self.job_type, b'n', &ordinal.to_be_bytes()),
        }
    }

    /// Whether it is told from others by its place.
    pub const fn is_numbered(&self) -> bool {
        self.options.key.is_none()
    }

    /// The request to store it: its parent's tenant, and its parent's correlation id unless it
    /// has one of its own.
    pub fn into_request(self, parent: &Parent) -> JobRequest {
        let Self { job_type, input, options } = self;
        let due = match (options.delay_ms, options.at_ms) {
            (Some(ms), _) => Due::In(Duration::from_millis(ms)),
            (None, Some(ms)) => Due::At(instant(ms)),
            (None, None) => Due::Now,
        };
        JobRequest {
            due,
            trigger: Trigger::Api,
            queue: options.queue,
            priority: options.priority,
            max_attempts: options.max_attempts,
            deadline: options.deadline_ms.map(instant),
            correlation_id: options.correlation_id.or_else(|| parent.correlation_id.clone()),
            parent: Some(parent.run),
            tags: options.tags,
            metadata: options.metadata,
            ..JobRequest::new(parent.tenant.clone(), job_type, input)
        }
    }
}

fn instant(ms: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000))
}

/// A UUID v7 with the time of the parent's id, so that children are listed next to it, and
/// with a digest of what names the child in place of chance.
fn child_id(parent: RunId, job_type: &JobType, kind: u8, name: &[u8]) -> RunId {
    let mut digest = Sha256::new();
    digest.update(b"zapjobs child ");
    digest.update(parent.0.as_bytes());
    // A job type has no zero byte: where it ends and the name begins is certain.
    digest.update(job_type.as_str().as_bytes());
    digest.update([0, kind]);
    digest.update(name);
    let mut bytes = *parent.0.as_bytes();
    bytes[6..].copy_from_slice(&digest.finalize()[..10]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    RunId(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn parent(number: u128) -> RunId {
        RunId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
    }

    fn request(job: &str, options: &str) -> ChildRequest {
        ChildRequest::parse(job, "1", options).expect("a request")
    }

    #[test]
    fn a_child_keeps_its_id_and_shares_it_with_no_other() {
        let keyed = |key: &str| format!("{{\"key\":\"{key}\"}}");
        let named = || {
            vec![
                request("resize", "").id(parent(1), 0),
                request("resize", "").id(parent(1), 1),
                request("resize", "").id(parent(2), 0),
                request("report", "").id(parent(1), 0),
                request("resize", &keyed("a")).id(parent(1), 0),
                request("resize", &keyed("b")).id(parent(1), 0),
                request("report", &keyed("a")).id(parent(1), 0),
            ]
        };
        assert_eq!(named(), named());
        assert_eq!(BTreeSet::from_iter(named()).len(), named().len());
        let keyed = request("resize", &keyed("a"));
        assert_eq!(keyed.id(parent(1), 0), keyed.id(parent(1), 9), "a key names it alone");
    }

    #[test]
    fn a_childs_id_is_a_uuid_v7_of_its_parents_time() {
        let id = request("resize", "").id(parent(1), 0);
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.0.as_bytes()[..6], parent(1).0.as_bytes()[..6]);
    }

    #[test]
    fn what_is_said_reaches_the_request() {
        let options = r#"{"delay-ms":5,"queue":"q","priority":7,"max-attempts":2,"deadline-ms":9,
            "tags":["t"],"correlation-id":"c","metadata":{"a":"b"},"key":"k"}"#;
        let from = Parent {
            run: parent(1),
            tenant: TenantId::new("acme").expect("good"),
            correlation_id: Some(CorrelationId::new("theirs").expect("good")),
        };
        let made = request("resize", options).into_request(&from);
        assert_eq!(made.tenant, from.tenant);
        assert_eq!(made.parent, Some(parent(1)));
        assert_eq!(made.due, Due::In(Duration::from_millis(5)));
        assert_eq!(made.queue.expect("a queue").as_str(), "q");
        assert_eq!(made.priority.get(), 7);
        assert_eq!(made.max_attempts, Some(2));
        assert_eq!(made.deadline, Some(Timestamp::from_micros(9_000)));
        assert_eq!(made.tags.len(), 1);
        assert_eq!(made.correlation_id.expect("one").as_str(), "c");
        assert_eq!(made.metadata["a"], "b");
        let made = request("resize", r#"{"at-ms":8}"#).into_request(&from);
        assert_eq!(made.due, Due::At(Timestamp::from_micros(8_000)));
        assert_eq!(made.correlation_id, from.correlation_id, "inherited");
    }

    #[test]
    fn what_is_wrong_is_told_by_its_kind_in_one_line() {
        use ChildErrorKind::{BadInput, BadOptions, UnknownJob};
        let long = format!("{{\"key\":\"{}\"}}", "k".repeat(CHILD_KEY_BYTES_MAX + 1));
        for (job, input, options, kind, words) in [
            ("a b", "1", "", UnknownJob, "invalid job type"),
            ("a", "{", "", BadInput, "the input for a"),
            ("a", "1", "[]", BadOptions, "the options for a"),
            ("a", "1", r#"{"delay":5}"#, BadOptions, "unknown field `delay`"),
            ("a", "1", r#"{"priority":5000}"#, BadOptions, "-1000 to 1000"),
            ("a", "1", r#"{"key":""}"#, BadOptions, "use 1 to 200"),
            ("a", "1", long.as_str(), BadOptions, "use 1 to 200"),
            ("a", "1", r#"{"delay-ms":5,"at-ms":5}"#, BadOptions, "remove one of both"),
        ] {
            let error = ChildRequest::parse(job, input, options).expect_err(options);
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.message.contains(words), "{error}");
            assert_eq!(error.message.lines().count(), 1);
        }
    }
}
