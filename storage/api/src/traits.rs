//! The contract, by who uses it.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::{
    JobDefinition, JobEvent, JobKey, LeaseKey, LogEntry, NewRun, Run, RunId, RunStatus, TenantId,
    Timestamp, Transition, WorkerId,
};

use crate::{
    Aging, Alterations, ApplyResult, Batches, CancelResult, ClaimRequest, ClaimRunRequest,
    ClaimRunResult, ClaimedRun, Counts, Dependencies, Documents, Endings, EnqueueResult,
    FlowControl, LeaseState, LogPage, LogPageRequest, NamedLease, NamedLeaseRequest, Notices, Page,
    ProgressUpdate, Promoted, PruneRequest, QueueCounts, QueueSelection, ReleaseResult,
    RequeueResult, Result, RunFilter, RunPageRequest, Schedules, Signals, SpanStatistics,
    StatisticsRequest, Steps, StorageInfo, WorkerRecord,
};

/// A whole storage.
#[async_trait]
pub trait Storage:
    Definitions
    + Schedules
    + RunStore
    + RunQueries
    + Dependencies
    + FlowControl
    + Alterations
    + Logs
    + Statistics
    + WorkerRegistry
    + Coordinator
    + Events
    + Steps
    + Documents
    + Signals
    + Batches
    + Aging
    + Endings
{
    /// The present instant by the store's clock.
    async fn now(&self) -> Result<Timestamp>;

    /// What this storage is. Also a sign that it can be reached.
    async fn info(&self) -> Result<StorageInfo>;

    /// Waits until all acknowledged writes are as durable as they get and closes. Later calls
    /// answer `Closed`. Closing twice does nothing.
    async fn close(&self) -> Result<()>;
}

/// Job definitions.
#[async_trait]
pub trait Definitions: Send + Sync {
    /// Stores definitions, in place of those with the same keys.
    ///
    /// *Atomicity:* all or none. *On conflict:* the later call wins.
    async fn put_definitions(&self, definitions: &[JobDefinition]) -> Result<()>;

    /// The definition with this key, if there is one.
    async fn definition(&self, key: &JobKey) -> Result<Option<JobDefinition>>;

    /// All definitions, or one tenant's, in the order of their keys (tenant, then job type,
    /// by bytes).
    async fn definitions(&self, tenant: Option<&TenantId>) -> Result<Vec<JobDefinition>>;

    /// Deletes a definition; its runs stay. Answers whether there was one.
    async fn delete_definition(&self, key: &JobKey) -> Result<bool>;

    /// Notes how the latest finished runs of some definitions ended. Unknown keys are passed
    /// over. Hosts call it about once a second, not for each run.
    async fn note_last_status(&self, latest: &[(JobKey, RunStatus)]) -> Result<()>;
}

/// Runs, for those who submit and execute them. Batch first: one call, one group commit.
/// A batch longer than [`crate::BATCH_MAX`] is refused as `InvalidRequest`.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Stores runs as `Run::from_new` makes them with the store's now. Durable before it
    /// returns. Listeners are told `Ready` for each queue that received a pending run, and
    /// `Scheduled` if one must wait.
    ///
    /// *Atomicity:* all or none. *On conflict:* a run whose id is stored already, or stands
    /// earlier in the batch, is answered `Duplicate` and leaves the stored one as it is.
    /// Answers stand in the order of the batch.
    ///
    /// A run that waits for others (`after`) is held, and goes on by [`Dependencies::advance`]
    /// alone. Those others are stored or in the batch, in any order; where one is not, where runs
    /// wait for each other in a circle, or where one waits for too many or for one twice, the
    /// batch is refused as `InvalidRequest`.
    /// So is a batch that holds both runs that wait for others and runs with keys.
    ///
    /// Runs with a key ([`zapjobs_model::unique`]) are taken one after the other as
    /// [`zapjobs_model::unique::plan()`] says: one whose key is held is not stored, and the run that
    /// holds it is answered as `Existing`, or as `Replaced` where it got what the new one brought;
    /// then listeners are told as of a new run. An idempotency key that was used for another
    /// request is refused as `Conflict`, and with it the batch. Of several batches with one key
    /// at once one takes it.
    ///
    /// A run that is a member of a batch ([`Batches`]) is counted there. Where that batch is not
    /// there, was closed or is another tenant's, a call with a new such run is refused as
    /// `InvalidRequest`; so is one with both members of batches and runs with keys.
    ///
    /// *Cost:* a batch without keys looks at none, one without members at no batch.
    async fn enqueue(&self, runs: &[NewRun]) -> Result<Vec<EnqueueResult>>;

    /// Takes up to `limit` pending runs of the selected queues: those with the highest
    /// priority, among equals the one ready first (`due_at`), then the smallest id, answered
    /// in that order, over all selected queues together. Where tenants have shares, this holds
    /// for each tenant by itself, up to its share: the tenants' runs are answered in the order
    /// of the shares, and where `limit` ends the answer early, those first in it got theirs.
    /// Each run is then running, with its
    /// attempt and lease number raised by one, its worker set, `started_at` the store's now,
    /// and its lease ending `lease` later; its error is cleared, and so are its progress, item
    /// counts and usage.
    ///
    /// *Atomicity:* no run is claimed by two workers. Runs locked by others may be passed over.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedRun>>;

    /// Takes one certain run, whatever its priority, if it is pending, or if it waits for a
    /// time that has come by the store's now. It is then as after [`RunStore::claim`].
    ///
    /// *Atomicity:* no run is claimed by two workers.
    async fn claim_run(&self, request: ClaimRunRequest) -> Result<ClaimRunResult>;

    /// Prolongs leases to `lease` from the store's now, whether or not they have run out, as
    /// long as nobody else has claimed the run. Answers stand in the order of the keys.
    async fn renew(&self, keys: &[LeaseKey], lease: Duration) -> Result<Vec<LeaseState>>;

    /// Which of these attempts should stop because someone asked.
    async fn cancel_requests(&self, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>>;

    /// Notes the newest progress of running attempts. Stale keys are passed over.
    async fn report_progress(&self, updates: &[ProgressUpdate]) -> Result<()>;

    /// Writes transitions, each if its run is running under its lease number. A run that ends has
    /// `finished_at` set to the transition's `at`; one that waits has none, and its
    /// `cancel_requested` is cleared; every run written has no lease expiry any more. The digest,
    /// where given, is stored. The end of a run that others wait for is noted for
    /// [`Dependencies::ended_parents`], and `Ended` told. Listeners are told `Ready` for queues of
    /// runs that became pending, and `Scheduled` if one must wait.
    ///
    /// *Atomicity:* each transition by itself, all made durable together. A transition to
    /// `Running` is refused as `InvalidRequest`, and with it the batch.
    /// *On conflict:* see [`ApplyResult`]; a lease number that is another is found first, then a
    /// status that is not `Running`, then a wish to stop. Answers stand in the order of the batch.
    async fn apply(&self, transitions: &[Transition]) -> Result<Vec<ApplyResult>>;

    /// Makes up to `limit` runs pending that are scheduled or awaiting a retry and whose
    /// `due_at` is not after the store's now, earliest first. A limit above
    /// [`crate::BATCH_MAX`] counts as that. Listeners are told `Ready`.
    async fn promote(&self, limit: usize) -> Result<Promoted>;

    /// Up to `limit` running runs whose lease has run out by the store's now, earliest expiry
    /// first. A limit above [`crate::BATCH_MAX`] counts as that. Nothing is written: the caller
    /// settles them as lost and applies.
    async fn expired(&self, limit: usize) -> Result<Vec<Run>>;

    /// Asks a run to stop. One that waits is cancelled at once: `finished_at` is the store's
    /// now, and its error says that it was cancelled on request, with the blame on the
    /// operator; it waits for nothing more, and its end is noted as by [`RunStore::apply`]. One
    /// that runs is marked, and listeners are told `CancelRequested`.
    ///
    /// *On conflict:* asking a running run again is answered `Requested` again; a run that
    /// has ended, cancelled ones included, is answered `Finished`.
    async fn request_cancel(&self, run: RunId) -> Result<CancelResult>;

    /// Makes a failed or cancelled run pending again, due now, with attempt, host faults,
    /// error, output, `started_at`, `finished_at`, progress and counts as of a new run; its
    /// trigger becomes `Retry`, and `cancel_requested` is cleared. Its lease number stays, so
    /// that old attempts remain fenced; its log, usage, digest and worker stay. Its end, as far as
    /// those that wait for it have not advanced yet, is taken back. Listeners are told `Ready`.
    /// A run with a key that it holds until it has come so far takes it again.
    ///
    /// *On conflict:* where another run holds that key, it is answered as `KeyHeld`, and nothing
    /// is written.
    async fn requeue(&self, run: RunId) -> Result<RequeueResult>;

    /// Lets go of runs that are held for something else than other runs or limits: each is then
    /// due at the later of its `due_at` and the store's now, pending if that is now, else scheduled.
    /// Listeners are told `Ready`, and `Scheduled` if one must wait.
    ///
    /// *Atomicity:* each run by itself, all made durable together. *On conflict:* see
    /// [`ReleaseResult`]; one that waits for other runs, or that a limit holds, is answered
    /// `WrongStatus(Held)`; of a run that stands in the batch twice, the second is answered as it
    /// then stands. Answers stand in the order of the batch.
    async fn release_runs(&self, runs: &[RunId]) -> Result<Vec<ReleaseResult>>;

    /// Deletes final runs that ended before an instant, earliest first, with their logs.
    /// Answers how many went: fewer than there were where that keeps the work bounded, but not
    /// none. Never blocks claims for long. The keys that they took go with them; keys held for a
    /// time go once that is over, a bounded number in each call.
    async fn prune(&self, request: PruneRequest) -> Result<usize>;
}

/// Runs, for those who look.
#[async_trait]
pub trait RunQueries: Send + Sync {
    /// The run with this id, if there is one.
    async fn run(&self, id: RunId) -> Result<Option<Run>>;

    /// A page of runs, greatest id first.
    async fn runs(&self, request: RunPageRequest) -> Result<Page>;

    /// How many runs stand where, of those that the filter takes.
    async fn counts(&self, filter: &RunFilter) -> Result<Counts>;

    /// The same for each queue that holds a run, in the order of their names (by bytes).
    async fn queue_counts(&self) -> Result<Vec<QueueCounts>>;

    /// Tenants that have a pending run in one of the selected queues, in the order of their
    /// names (by bytes), behind `after` where it is given; at most `limit`, up to
    /// [`crate::TENANT_SHARES_MAX`]. May name a tenant whose last pending run was just taken.
    ///
    /// *Cost:* grows with the number of pairs of tenant and queue that have pending runs, not
    /// with the number of runs. Hosts call it once for each scheduling round.
    async fn ready_tenants(
        &self,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>>;

    /// How many of a tenant's runs wait (pending, scheduled, awaiting a retry or held), counted
    /// up to `up_to`: an answer of `up_to` means that or more.
    ///
    /// *Cost:* grows with `up_to` at most.
    async fn waiting(&self, tenant: &TenantId, up_to: u64) -> Result<u64>;
}

/// Logs of runs.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Keeps log entries. An entry whose name `(run, lease, index)` is kept already is passed
    /// over, so that a repeated call does no harm. Entries of unknown runs may be dropped.
    async fn append_logs(&self, entries: &[LogEntry]) -> Result<()>;

    /// A page of one run's log, in the order of (lease, index). Following a log is asking
    /// again with the last entry's name.
    async fn log_page(&self, request: LogPageRequest) -> Result<LogPage>;

    /// Deletes log entries of final runs that ended before an instant; the runs stay. Runs that
    /// ended earliest go first, and of one run the oldest entries. Answers how many entries
    /// went.
    ///
    /// Each call goes on behind the run (by `finished_at`, then id) whose log an earlier call
    /// deleted to its end, so that the cost does not grow with the runs that stay: entries that
    /// come later for a run before that place stay until the run is deleted. Whether the place
    /// also moves behind runs that have no log is the driver's choice.
    async fn prune_logs(&self, request: PruneRequest) -> Result<usize>;
}

/// What happened, as sums.
#[async_trait]
pub trait Statistics: Send + Sync {
    /// What happened to runs in each span, oldest first; spans in which nothing was counted are
    /// left out. Each write counts what it does, in the same transaction, by the store's now.
    /// Hours are kept for at least 14 days, days for at least 400, the total for ever.
    async fn statistics(&self, request: StatisticsRequest) -> Result<Vec<SpanStatistics>>;
}

/// Which host processes are there.
#[async_trait]
pub trait WorkerRegistry: Send + Sync {
    /// Notes a sign of life; `seen_at` becomes the store's now.
    async fn heartbeat(&self, worker: &WorkerRecord) -> Result<()>;

    /// All known workers, in the order of their ids.
    async fn workers(&self) -> Result<Vec<WorkerRecord>>;

    /// Forgets a worker, such as one that shut down. Answers whether it was known.
    async fn remove_worker(&self, worker: WorkerId) -> Result<bool>;

    /// Forgets workers whose last sign of life is more than `silence` ago; answers which.
    /// Their runs are found by [`RunStore::expired`], not here.
    async fn remove_stale_workers(&self, silence: Duration) -> Result<Vec<WorkerId>>;
}

/// Leases by name: leader election and locks across hosts.
#[async_trait]
pub trait Coordinator: Send + Sync {
    /// Takes or prolongs a lease: succeeds if nobody holds it, its holder's time has run out,
    /// or the holder asks again. The fence number rises whenever a lease that had ended or
    /// belonged to another is taken; it never falls, even after a release.
    async fn acquire(&self, request: NamedLeaseRequest) -> Result<Option<NamedLease>>;

    /// Gives a lease back. Answers whether `owner` held it; one that has run out is held by
    /// nobody. A lease ends at exactly its expiry.
    async fn release(&self, name: &str, owner: WorkerId) -> Result<bool>;

    /// Who holds a lease, if somebody does.
    async fn named_lease(&self, name: &str) -> Result<Option<NamedLease>>;
}

/// Hints for listeners, lossy by design.
#[async_trait]
pub trait Events: Send + Sync {
    /// Tells listeners, all of it in one notice. Costs nothing when there are none.
    fn publish(&self, events: Vec<JobEvent>);

    /// Listens from now on. Subscribe *before* looking at the store, so that nothing falls
    /// between. Changes by other processes arrive at least as `Resync`, soon after.
    fn subscribe(&self) -> Notices;
}
