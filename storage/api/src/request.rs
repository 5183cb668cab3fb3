//! What storage operations are asked.

use std::time::Duration;

use zapjobs_model::{
    BatchId, ItemCounts, JobType, LeaseKey, Progress, QueueName, RunId, RunStatus, Tag, TenantId,
    Timestamp, WorkerId,
};

/// Items in one batch (runs, transitions, leases, log entries) at most.
pub const BATCH_MAX: usize = 10_000;
/// Items on one page at most.
pub const PAGE_MAX: usize = 1_000;
/// Tenants with a share in one claim at most.
pub const TENANT_SHARES_MAX: usize = 1_000;

/// Which queues a worker serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueSelection {
    /// Every queue, those that come later included.
    All,
    /// These.
    Only(Vec<QueueName>),
}

/// Whose runs a worker takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantSelection {
    /// Every tenant's, as if there were one.
    All,
    /// So many of each of these, and nobody else's; at most [`TENANT_SHARES_MAX`], each tenant
    /// once.
    Shares(Vec<TenantShare>),
}

/// How many runs of one tenant a worker takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantShare {
    /// Whose.
    pub tenant: TenantId,
    /// How many at most, at least 1.
    pub limit: usize,
}

/// A worker's wish for runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Who claims.
    pub worker: WorkerId,
    /// From which queues.
    pub queues: QueueSelection,
    /// Whose.
    pub tenants: TenantSelection,
    /// How many at most, up to [`BATCH_MAX`].
    pub limit: usize,
    /// How long the claim lasts unless it is renewed.
    pub lease: Duration,
}

/// A worker's wish for one certain run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRunRequest {
    /// Which.
    pub run: RunId,
    /// Who claims.
    pub worker: WorkerId,
    /// How long the claim lasts unless it is renewed.
    pub lease: Duration,
}

/// The newest word of a running attempt. `None` leaves the stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressUpdate {
    /// Which attempt.
    pub key: LeaseKey,
    /// How far it has come.
    pub progress: Option<Progress>,
    /// How many items it has dealt with.
    pub counts: Option<ItemCounts>,
}

/// Which runs to delete, or the logs of which runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneRequest {
    /// Final runs that ended before this instant.
    pub finished_before: Timestamp,
    /// How many runs, or log entries, at most in this call, up to [`BATCH_MAX`]: callers repeat
    /// until none went.
    pub limit: usize,
}

/// Which runs to list. Every condition given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// One of these; any where empty.
    pub statuses: Vec<RunStatus>,
    /// This tenant's.
    pub tenant: Option<TenantId>,
    /// Of this job.
    pub job_type: Option<JobType>,
    /// In this queue.
    pub queue: Option<QueueName>,
    /// With this label.
    pub tag: Option<Tag>,
    /// Created at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Created before this instant.
    pub created_before: Option<Timestamp>,
    /// Whose id, job type, correlation id or error message contains this text, letter case
    /// aside (ASCII).
    pub search: Option<String>,
    /// Members of this batch.
    pub batch: Option<BatchId>,
}

/// A place between two runs of a listing: the last run of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub RunId);

/// A page of runs, newest (greatest id) first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunPageRequest {
    /// Which runs.
    pub filter: RunFilter,
    /// Only runs after this place.
    pub after: Option<Cursor>,
    /// How many at most, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// A page of one run's log, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPageRequest {
    /// Whose log.
    pub run: RunId,
    /// Only entries after this one: its lease number and its index.
    pub after: Option<(zapjobs_model::Lease, u32)>,
    /// How many at most, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// A wish to hold a named lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLeaseRequest {
    /// Which lease, such as `leader`; at most 100 bytes.
    pub name: String,
    /// Who asks.
    pub owner: WorkerId,
    /// How long it lasts unless it is renewed.
    pub ttl: Duration,
}
