//! Runs that a job enqueues: its children.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{Context, JobError, host};

/// A run to be enqueued. What is left out comes from the job.
///
/// A child is told from others by its key or, without one, by its place among the children
/// without one: a run that is tried again and asks for the same children in the same order has
/// each of them once. Give keys where the order may differ.
///
/// ```
/// use std::time::Duration;
/// use zapjobs_sdk::prelude::*;
/// use zapjobs_sdk::{Child, testing::TestContext};
///
/// fn fan_out(ctx: &Context, photos: &[&str]) -> Result<Vec<String>, JobError> {
///     let children = photos.iter().map(|photo| Child::new("resize", photo).key(*photo));
///     Ok(ctx.enqueue_all(children)?)
/// }
///
/// let test = TestContext::new();
/// let ids = test.run(|| fan_out(&Context::current(), &["a.jpg", "b.jpg"])).unwrap();
/// assert_eq!(test.children()[1].input, "b.jpg");
/// assert_eq!(test.children()[1].id, ids[1]);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a child is enqueued by `Context::enqueue_child`"]
pub struct Child {
    job: String,
    input: Result<String, String>,
    options: Map<String, Value>,
}

/// Why a child was not taken. Nothing was stored. `?` turns it into an error that asks for
/// another attempt, or into one for good where another attempt would not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnqueueError {
    kind: EnqueueErrorKind,
    message: String,
}

/// What kind of reason keeps a child from being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnqueueErrorKind {
    /// The tenant has no such job.
    UnknownJob,
    /// The operator does not allow this plugin to enqueue it.
    NotGranted,
    /// The input is too long, or breaks the job's schema.
    BadInput,
    /// Something said of it is out of bounds.
    BadOptions,
    /// The tenant has too many runs that wait.
    QuotaReached,
    /// This attempt has asked for as many children as it may.
    LimitReached,
    /// The host cannot enqueue now; later it may.
    Unavailable,
    /// Any other reason.
    Other,
}

/// Where a child stands.
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

impl ChildStatus {
    /// Whether it has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What a run may know of a child.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildState {
    /// Where it stands.
    pub status: ChildStatus,
    /// What it returned, once it completed.
    pub output: Option<Value>,
    /// The type of its latest error, if it has one.
    pub error_type: Option<String>,
    /// What that error says.
    pub error_message: Option<String>,
}

impl ChildState {
    /// What the child returned, as the type that it should be; `None` while there is none.
    pub fn output_as<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        self.output.as_ref().map(T::deserialize).transpose()
    }
}

impl Child {
    /// A run of this job with this input, now.
    pub fn new(job: impl Into<String>, input: impl Serialize) -> Self {
        let input = serde_json::to_string(&input).map_err(|error| error.to_string());
        Self { job: job.into(), input, options: Map::new() }
    }

    /// Names it among the children of this run and job, 1 to 200 bytes.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with("key", key.into())
    }

    /// It becomes ready this much later.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.remove("at-ms");
        self.with("delay-ms", millis(delay))
    }

    /// It becomes ready at this instant.
    pub fn at(mut self, instant: SystemTime) -> Self {
        self.options.remove("delay-ms");
        self.with("at-ms", since_1970(instant))
    }

    /// In which queue it waits.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.with("queue", queue.into())
    }

    /// How urgent it is: −1000 to 1000, higher goes first.
    pub fn priority(self, priority: i16) -> Self {
        self.with("priority", priority)
    }

    /// How often it is tried, the first time included.
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.with("max-attempts", attempts)
    }

    /// After this instant it is neither started nor tried again.
    pub fn deadline(self, deadline: SystemTime) -> Self {
        self.with("deadline-ms", since_1970(deadline))
    }

    /// Adds a label.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        let tags = self.options.entry("tags").or_insert_with(|| json!([]));
        if let Value::Array(tags) = tags {
            tags.push(tag.into().into());
        }
        self
    }

    /// Ties it to something outside; without this, to what its parent is tied to.
    pub fn correlation_id(self, id: impl Into<String>) -> Self {
        self.with("correlation-id", id.into())
    }

    /// Attaches metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let metadata = self.options.entry("metadata").or_insert_with(|| json!({}));
        if let Value::Object(metadata) = metadata {
            metadata.insert(key.into(), value.into().into());
        }
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.insert(name.to_owned(), value.into());
        self
    }

    fn asked(self) -> Result<host::ChildRequest, EnqueueError> {
        let Self { job, input, options } = self;
        let input = input.map_err(|problem| EnqueueError {
            kind: EnqueueErrorKind::BadInput,
            message: format!("the input for {job} cannot be written as JSON: {problem}"),
        })?;
        let options =
            if options.is_empty() { String::new() } else { Value::Object(options).to_string() };
        Ok(host::ChildRequest { job, input, options })
    }
}

impl Context {
    /// Enqueues a run of this job with this input; answers its id. It is durable then. The
    /// plugin's operator has to allow it: `[enqueue]` in its manifest.
    pub fn enqueue(&self, job: &str, input: impl Serialize) -> Result<String, EnqueueError> {
        self.enqueue_child(Child::new(job, input))
    }

    /// Enqueues a child; answers its id.
    pub fn enqueue_child(&self, child: Child) -> Result<String, EnqueueError> {
        host::enqueue(child.asked()?)
    }

    /// Enqueues children, all or none; answers their ids in the same order.
    pub fn enqueue_all(
        &self,
        children: impl IntoIterator<Item = Child>,
    ) -> Result<Vec<String>, EnqueueError> {
        host::enqueue_all(children.into_iter().map(Child::asked).collect::<Result<_, _>>()?)
    }

    /// How a child stands; `None` for any run that is no child of this one. To wait for a child,
    /// end with [`JobError::snooze`] and look again.
    pub fn child(&self, id: &str) -> Result<Option<ChildState>, EnqueueError> {
        host::child(id)
    }
}

impl EnqueueError {
    pub(crate) fn new(kind: EnqueueErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    /// What kind of reason it is.
    pub const fn kind(&self) -> EnqueueErrorKind {
        self.kind
    }

    /// Whether another attempt may succeed: where the quota is reached, or the host cannot
    /// enqueue now. An unknown job may come too.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            EnqueueErrorKind::UnknownJob
                | EnqueueErrorKind::QuotaReached
                | EnqueueErrorKind::Unavailable
                | EnqueueErrorKind::Other
        )
    }
}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// No `std::error::Error`, so that `?` can tell what another attempt would help with.
impl From<EnqueueError> for JobError {
    fn from(error: EnqueueError) -> Self {
        let failure = if error.may_pass() { Self::retry(&error) } else { Self::permanent(&error) };
        failure.with_type("enqueue")
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn since_1970(instant: SystemTime) -> u64 {
    millis(instant.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
