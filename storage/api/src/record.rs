//! What storage operations answer.

use serde::{Deserialize, Serialize};
use zapjobs_model::unique::plan::Fate;
use zapjobs_model::{LeaseKey, LogEntry, QueueName, Run, RunId, RunStatus, Timestamp, WorkerId};

use crate::Cursor;

/// What became of one run of a batch that was enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnqueueResult {
    /// It is stored.
    Stored,
    /// A run with this id was there before: a repeated submission. Nothing was written.
    Duplicate,
    /// This run has its key, and stays as it is. Nothing was written.
    Existing(RunId),
    /// This run has its key, and what the new one brought: its input, priority, due time and
    /// deadline.
    Replaced(RunId),
}

impl EnqueueResult {
    /// The run that stands for the submission of `run`.
    pub const fn survivor(self, run: RunId) -> RunId {
        match self {
            Self::Stored | Self::Duplicate => run,
            Self::Existing(survivor) | Self::Replaced(survivor) => survivor,
        }
    }
}

impl From<Fate> for EnqueueResult {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Stored => Self::Stored,
            Fate::Duplicate => Self::Duplicate,
            Fate::Existing(run) => Self::Existing(run),
            Fate::Replaced(run) => Self::Replaced(run),
        }
    }
}

/// A run that a worker may now execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRun {
    /// The run as it now stands: running, with its new lease number and attempt.
    pub run: Run,
}

/// How a lease stands after a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// It holds for another term.
    Held {
        /// Whether someone asked the run to stop.
        cancel_requested: bool,
    },
    /// It is gone: the run was claimed anew, ended or deleted.
    Lost,
}

/// What became of a wish to execute one certain run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimRunResult {
    /// It is the worker's.
    Claimed(Box<ClaimedRun>),
    /// There is no such run.
    NotFound,
    /// It is running.
    AlreadyAssigned {
        /// Who executes it.
        worker: WorkerId,
    },
    /// It has ended or is held, and stands so.
    WrongStatus(RunStatus),
    /// It is scheduled or awaits a retry, and its time has not come.
    NotDue {
        /// When it comes.
        due_at: Timestamp,
    },
}

/// What became of one transition of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyResult {
    /// It is written.
    Applied,
    /// There is no such run. Nothing was written.
    NotFound,
    /// The run was claimed anew, so that its lease number is another. Nothing was written.
    StaleLease,
    /// The attempt is no longer running: it has ended, or was put back, and stands so. Nothing
    /// was written.
    WrongStatus(RunStatus),
    /// Someone asked the run to stop, and the transition would make it wait. Nothing was
    /// written; settle it again as a run with `cancel_requested`.
    CancelRequested,
}

impl ApplyResult {
    /// Whether the attempt had lost its right to write.
    pub const fn is_stale(self) -> bool {
        matches!(self, Self::NotFound | Self::StaleLease | Self::WrongStatus(_))
    }
}

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelResult {
    /// The run was waiting and is now cancelled.
    Cancelled,
    /// The run is running, and its worker will be told.
    Requested,
    /// The run had ended so.
    Finished(RunStatus),
    /// There is no such run.
    NotFound,
}

/// What became of a wish to run a finished run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequeueResult {
    /// It is pending again, with all its attempts.
    Requeued,
    /// It has not ended yet, or is completed, and stands so.
    NotRequeuable(RunStatus),
    /// This run holds its key now: two would be of one key. Nothing was written.
    KeyHeld(RunId),
    /// There is no such run.
    NotFound,
}

/// What became of a wish to release a run that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseResult {
    /// It is pending, or scheduled where its time has not come.
    Released,
    /// It is not held, or a limit holds it, and stands so.
    WrongStatus(RunStatus),
    /// There is no such run.
    NotFound,
}

/// What a promotion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Promoted {
    /// How many runs became pending.
    pub count: usize,
    /// When the earliest run that still waits for its time is due.
    pub next_due: Option<Timestamp>,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A page of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
    /// Whether there were more at the time.
    pub has_more: bool,
}

/// How many runs stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Ready.
    pub pending: u64,
    /// Waiting for their time.
    pub scheduled: u64,
    /// Claimed.
    pub running: u64,
    /// Ended well.
    pub completed: u64,
    /// Ended badly.
    pub failed: u64,
    /// Ended on request.
    pub cancelled: u64,
    /// Waiting to be tried again.
    pub awaiting_retry: u64,
    /// Waiting for something other than time.
    pub held: u64,
}

impl Counts {
    /// The count of one status.
    pub fn of(&self, status: RunStatus) -> u64 {
        let mut counts = *self;
        *counts.of_mut(status)
    }

    /// The count of one status, to be changed.
    pub fn of_mut(&mut self, status: RunStatus) -> &mut u64 {
        match status {
            RunStatus::Pending => &mut self.pending,
            RunStatus::Scheduled => &mut self.scheduled,
            RunStatus::Running => &mut self.running,
            RunStatus::Completed => &mut self.completed,
            RunStatus::Failed => &mut self.failed,
            RunStatus::Cancelled => &mut self.cancelled,
            RunStatus::AwaitingRetry => &mut self.awaiting_retry,
            RunStatus::Held => &mut self.held,
        }
    }

    /// All runs.
    pub fn total(&self) -> u64 {
        RunStatus::ALL.into_iter().map(|status| self.of(status)).sum()
    }
}

/// How many runs of one queue stand where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCounts {
    /// Which queue.
    pub queue: QueueName,
    /// Its runs.
    pub counts: Counts,
}

/// A host process that claims runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Which process, named anew at every start.
    pub id: WorkerId,
    /// The machine's name.
    pub hostname: String,
    /// The process's number there.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it started, by the store's clock.
    pub started_at: Timestamp,
    /// When it last gave a sign of life, by the store's clock; set by the store.
    pub seen_at: Timestamp,
    /// The queues it serves; all where empty.
    pub queues: Vec<QueueName>,
    /// How many runs it executes at once at most.
    pub concurrency: u32,
    /// How many it executes now.
    pub running: u32,
}

/// A named lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLease {
    /// Which lease.
    pub name: String,
    /// Who holds it.
    pub owner: WorkerId,
    /// Raised at every change of owner: writes under an older number are stale.
    pub fence: u64,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
}

/// What a storage says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageInfo {
    /// The driver's name: `memory`, `sqlite`, ...
    pub driver: String,
    /// Where it is, for people; without secrets.
    pub location: String,
    /// The schema's version.
    pub schema_version: u32,
    /// The server's or library's version.
    pub server_version: String,
    /// What an acknowledged write survives, in one sentence.
    pub durability: String,
}

impl ClaimedRun {
    /// The right to write under this claim.
    pub fn key(&self) -> LeaseKey {
        self.run.lease_key()
    }

    /// Which run.
    pub fn id(&self) -> RunId {
        self.run.id
    }
}
