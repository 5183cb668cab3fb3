//! One request to execute a job, and all that is known of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    BatchId, CorrelationId, Dependency, Digest, Idempotency, JobKey, JobType, Json, Lease,
    LeaseKey, LimitKey, QueueName, RunError, RunId, RunStatus, Tag, TenantId, Timestamp, Unique,
    UniqueHold, Usage, WorkerId,
};

/// How urgent a run is within its queue: higher goes first. 0 unless said, −1000 to 1000.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "i16", into = "i16")]
pub struct Priority(i16);

impl Priority {
    /// The most urgent.
    pub const MAX: Self = Self(1000);
    /// That of whoever says none.
    pub const NORMAL: Self = Self(0);
    /// The least urgent.
    pub const MIN: Self = Self(-1000);

    /// Checks the bounds.
    pub fn new(value: i16) -> Result<Self, InvalidPriority> {
        let priority = Self(value);
        if (Self::MIN..=Self::MAX).contains(&priority) {
            Ok(priority)
        } else {
            Err(InvalidPriority(value))
        }
    }

    /// The number.
    pub const fn get(self) -> i16 {
        self.0
    }
}

/// A priority out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid priority {0}: use -1000 to 1000")]
pub struct InvalidPriority(i16);

impl TryFrom<i16> for Priority {
    type Error = InvalidPriority;
    fn try_from(value: i16) -> Result<Self, InvalidPriority> {
        Self::new(value)
    }
}

impl From<Priority> for i16 {
    fn from(priority: Priority) -> i16 {
        priority.0
    }
}

/// What caused a run. The numbers are stored and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Trigger {
    /// A person, through the command line or the dashboard.
    Manual = 0,
    /// An interval schedule.
    Scheduled = 1,
    /// A cron schedule.
    Cron = 2,
    /// A program.
    Api = 3,
    /// A finished run that was asked to run again.
    Retry = 4,
    /// Another run that ended.
    Continuation = 5,
}

impl Trigger {
    /// Every trigger, in the order of its number.
    pub const ALL: [Self; 6] =
        [Self::Manual, Self::Scheduled, Self::Cron, Self::Api, Self::Retry, Self::Continuation];

    /// The stored number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The trigger with this number, if there is one.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|at| Self::ALL.get(at)).copied()
    }

    /// The name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Cron => "cron",
            Self::Api => "api",
            Self::Retry => "retry",
            Self::Continuation => "continuation",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How far a run has come, as the job itself tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Units of work done.
    pub done: u64,
    /// Units of work in all, where the job knows.
    pub total: Option<u64>,
    /// What the job is at, at most [`crate::Limits::progress_message_bytes_max`] bytes.
    pub message: String,
}

/// How many items a run has dealt with, as the job itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemCounts {
    /// Items looked at.
    pub processed: u64,
    /// Of these, items that went well.
    pub succeeded: u64,
    /// Of these, items that did not.
    pub failed: u64,
}

/// When a run becomes ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// At once.
    Now,
    /// This long after the store takes it, by the store's clock.
    In(Duration),
    /// At this instant; at once if that has passed.
    At(Timestamp),
    /// Once it is released: until then it is held, for something other than time.
    Held,
}

impl Due {
    /// When a run that the store takes at `now` is due; one that is held, at `now`.
    pub fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now | Self::Held => now,
            Self::In(delay) => now.plus(delay),
            Self::At(time) => time.max(now),
        }
    }
}

/// A run that has been checked and not yet stored. [`crate::submit`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, chosen by the submitter, so that a repeated submission is seen as one.
    pub id: RunId,
    /// Whose run it is.
    pub tenant: TenantId,
    /// Which job.
    pub job_type: JobType,
    /// In which line it waits.
    pub queue: QueueName,
    /// Its place in that line.
    pub priority: Priority,
    /// What caused it.
    pub trigger: Trigger,
    /// What the job is given.
    pub input: Json,
    /// When it becomes ready.
    pub due: Due,
    /// After this instant it is neither started nor tried again.
    pub deadline: Option<Timestamp>,
    /// How often it is tried at most, the first time included; at least 1.
    pub max_attempts: u32,
    /// Ties it to something outside.
    pub correlation_id: Option<CorrelationId>,
    /// The run that caused it.
    pub parent: Option<RunId>,
    /// Labels, at most [`crate::submit::TAGS_MAX`].
    pub tags: Vec<Tag>,
    /// Whatever the submitter wants to find again, at most
    /// [`crate::submit::METADATA_BYTES_MAX`] bytes.
    pub metadata: BTreeMap<String, String>,
    /// The runs that it waits for: it is held until they have ended so, and skipped once one has
    /// ended otherwise. At most [`crate::workflow::DEPENDENCIES_MAX`], each once.
    pub after: Vec<Dependency>,
    /// By what it shares a limit per key.
    pub limit_key: Option<LimitKey>,
    /// Whether and how there is to be one such run.
    pub unique: Option<Unique>,
    /// By what a repeated request is known.
    pub idempotency: Option<Idempotency>,
    /// The batch that it is a member of, which is open. Not together with a key.
    pub batch: Option<BatchId>,
}

impl NewRun {
    /// Whether it is stored as held.
    pub fn is_held(&self) -> bool {
        self.due == Due::Held || !self.after.is_empty()
    }

    /// How it stands once a store takes it at `now`, and when it is due: held where it must be
    /// released, scheduled when its time has not come, else pending.
    pub fn standing(&self, now: Timestamp) -> (RunStatus, Timestamp) {
        let due_at = self.due.instant(now);
        (if self.is_held() { RunStatus::Held } else { released(due_at, now) }, due_at)
    }
}

/// One request to execute a job, with all that has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose run it is.
    pub tenant: TenantId,
    /// Which job.
    pub job_type: JobType,
    /// In which line it waits or waited.
    pub queue: QueueName,
    /// Its place in that line.
    pub priority: Priority,
    /// What caused it.
    pub trigger: Trigger,
    /// Where it stands.
    pub status: RunStatus,
    /// What the job is given.
    pub input: Json,
    /// What the job returned, once completed.
    pub output: Option<Json>,
    /// Why it failed, was cancelled or is tried again.
    pub error: Option<RunError>,
    /// When the store took it.
    pub created_at: Timestamp,
    /// Since when it is ready, or when it will be.
    pub due_at: Timestamp,
    /// When the latest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// After this instant it is neither started nor tried again.
    pub deadline: Option<Timestamp>,
    /// Attempts used, the running one included. One that a host lost or handed back is not counted.
    pub attempt: u32,
    /// How often it is tried at most.
    pub max_attempts: u32,
    /// How many attempts ended through the host's fault; these burn none of the job's own.
    pub host_faults: u32,
    /// The number of the latest claim.
    pub lease: Lease,
    /// When the running attempt counts as lost unless it is renewed; only while running.
    pub lease_expires_at: Option<Timestamp>,
    /// The worker of the latest claim.
    pub worker: Option<WorkerId>,
    /// Whether someone asked a running attempt to stop.
    pub cancel_requested: bool,
    /// How far it has come.
    pub progress: Progress,
    /// How many items it has dealt with.
    pub counts: ItemCounts,
    /// What the latest attempt used.
    pub usage: Usage,
    /// Which code the latest attempt ran.
    pub digest: Option<Digest>,
    /// Ties it to something outside.
    pub correlation_id: Option<CorrelationId>,
    /// The run that caused it.
    pub parent: Option<RunId>,
    /// Labels.
    pub tags: Vec<Tag>,
    /// Whatever the submitter wants to find again.
    pub metadata: BTreeMap<String, String>,
    /// By what it shares a limit per key.
    #[serde(default)]
    pub limit_key: Option<LimitKey>,
    /// The key that it holds until it has come so far.
    #[serde(default)]
    pub unique: Option<UniqueHold>,
    /// The batch that it is a member of.
    #[serde(default)]
    pub batch: Option<BatchId>,
}

impl Run {
    /// The run as a store takes it at `now`, standing as [`NewRun::standing`] says.
    pub fn from_new(new: NewRun, now: Timestamp) -> Self {
        let (status, due_at) = new.standing(now);
        Self {
            id: new.id,
            tenant: new.tenant,
            job_type: new.job_type,
            queue: new.queue,
            priority: new.priority,
            trigger: new.trigger,
            status,
            input: new.input,
            output: None,
            error: None,
            created_at: now,
            due_at,
            started_at: None,
            finished_at: None,
            deadline: new.deadline,
            attempt: 0,
            max_attempts: new.max_attempts,
            host_faults: 0,
            lease: Lease(0),
            lease_expires_at: None,
            worker: None,
            cancel_requested: false,
            progress: Progress::default(),
            counts: ItemCounts::default(),
            usage: Usage::default(),
            digest: None,
            correlation_id: new.correlation_id,
            parent: new.parent,
            tags: new.tags,
            metadata: new.metadata,
            limit_key: new.limit_key,
            unique: new.unique.as_ref().and_then(Unique::hold),
            batch: new.batch,
        }
    }

    /// The job definition it belongs to.
    pub fn job_key(&self) -> JobKey {
        JobKey { tenant: self.tenant.clone(), job_type: self.job_type.clone() }
    }

    /// The right to write under the latest claim.
    pub fn lease_key(&self) -> LeaseKey {
        LeaseKey { run: self.id, lease: self.lease }
    }
}

/// How a run stands that is held for nothing any more: pending, or scheduled when its time has
/// not come. It is then due at the later of `due_at` and `now`.
pub fn released(due_at: Timestamp, now: Timestamp) -> RunStatus {
    if due_at > now { RunStatus::Scheduled } else { RunStatus::Pending }
}
