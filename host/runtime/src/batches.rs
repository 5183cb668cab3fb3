//! Batches: runs that belong together, and what is to run once they have ended.
//!
//! **Invariant:** all that a batch is begun with is checked before any of it is stored: its members,
//! its callbacks, and the tenant's quota for both.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use zapjobs_model::{
    Batch, BatchId, BatchName, Due, JobRequest, NewRun, RunId, RunStatus, TenantId, Trigger,
};
use zapjobs_storage::{
    Alteration, BATCH_MAX, BatchPageRequest, NewBatch, PAGE_MAX, RunFilter, StorageError,
    check_members,
};

use crate::bulk::{BulkReport, Selection};
use crate::client::{Client, SubmitError};

/// Metadata of a callback: the batch that it belongs to.
pub const BATCH_KEY: &str = "batch";
/// Metadata of a callback: for what it is let go, `complete` or `success`.
pub const CALLBACK_KEY: &str = "batch.callback";
/// Nested batches that one change of a whole batch goes into at most, itself included.
pub const NESTED_MAX: usize = 1_000;
/// While it waits for a batch, a client looks this often.
const WAIT_POLL: Duration = Duration::from_millis(250);

/// A batch in the making.
#[derive(Debug, Clone)]
pub struct BatchRequest {
    tenant: TenantId,
    name: Option<BatchName>,
    parent: Option<BatchId>,
    on_complete: Option<JobRequest>,
    on_success: Option<JobRequest>,
    runs: Vec<JobRequest>,
}

/// A batch that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StartedBatch {
    /// Its id.
    pub id: BatchId,
    /// Its members, in the order of the requests.
    pub runs: Vec<RunId>,
    /// The run that is let go once it is complete.
    pub on_complete: Option<RunId>,
    /// The run that is let go once it succeeded.
    pub on_success: Option<RunId>,
}

/// Why a batch cannot be. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBatch {
    /// Too much at once.
    #[error("the batch begins with {0} runs, {BATCH_MAX} are allowed: open it and add the rest")]
    TooManyRuns(usize),
    /// A callback waits for its batch and nothing else.
    #[error(
        "a batch's callback waits for its batch alone: give it no time and no runs to wait for"
    )]
    CallbackWaits,
    /// One batch, one tenant.
    #[error("a batch of tenant {0} takes no runs of other tenants")]
    Tenant(TenantId),
}

/// Why waiting ended while the batch is not complete.
#[derive(Debug, thiserror::Error)]
pub enum BatchWaitError {
    /// The time was over; the batch goes on.
    #[error("the batch is not complete within the time given: {} of {} are unfinished",
        .0.counts.unfinished, .0.counts.total)]
    TimedOut(Box<Batch>),
    /// There is no such batch, or no longer.
    #[error("there is no batch {0}")]
    NotFound(BatchId),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

/// What became of a whole batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BatchReport {
    /// Batches looked at: itself, and those within it.
    pub batches: usize,
    /// What became of their runs.
    pub runs: BulkReport,
    /// Whether there were more batches than were looked at.
    pub has_more_batches: bool,
}

impl BatchRequest {
    /// A batch without members and callbacks.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            name: None,
            parent: None,
            on_complete: None,
            on_success: None,
            runs: Vec::new(),
        }
    }

    /// Calls it so.
    pub fn named(mut self, name: BatchName) -> Self {
        self.name = Some(name);
        self
    }

    /// Makes it a member of another batch, which is open.
    pub fn within(mut self, parent: BatchId) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Has this run once no member is unfinished, however they ended.
    pub fn on_complete(mut self, request: JobRequest) -> Self {
        self.on_complete = Some(request);
        self
    }

    /// Has this run once all members have completed.
    pub fn on_success(mut self, request: JobRequest) -> Self {
        self.on_success = Some(request);
        self
    }

    /// Adds a member.
    pub fn run(mut self, request: JobRequest) -> Self {
        self.runs.push(request);
        self
    }

    /// Adds members.
    pub fn runs(mut self, requests: impl IntoIterator<Item = JobRequest>) -> Self {
        self.runs.extend(requests);
        self
    }

    fn checked(self) -> Result<Self, InvalidBatch> {
        let callbacks = || self.on_complete.iter().chain(&self.on_success);
        if self.runs.len() > BATCH_MAX {
            return Err(InvalidBatch::TooManyRuns(self.runs.len()));
        }
        if callbacks().any(|callback| callback.due != Due::Now || !callback.after.is_empty()) {
            return Err(InvalidBatch::CallbackWaits);
        }
        if callbacks().chain(&self.runs).any(|request| request.tenant != self.tenant) {
            return Err(InvalidBatch::Tenant(self.tenant));
        }
        Ok(self)
    }
}

/// A callback's request as it is stored.
fn callback(request: JobRequest, batch: BatchId, what: &str) -> JobRequest {
    let mut metadata: BTreeMap<String, String> = request.metadata;
    metadata.insert(BATCH_KEY.to_owned(), batch.to_string());
    metadata.insert(CALLBACK_KEY.to_owned(), what.to_owned());
    JobRequest { due: Due::Held, trigger: Trigger::Continuation, metadata, ..request }
}

impl Client {
    /// Stores a batch with its members and closes it: it is complete once these have ended. Where
    /// the storage fails half-way, the batch stays open, with all of its members or none.
    pub async fn start_batch(&self, request: BatchRequest) -> Result<StartedBatch, SubmitError> {
        let started = self.open_batch(request).await?;
        self.storage().close_batch(started.id).await?;
        Ok(started)
    }

    /// Stores a batch with its members and leaves it open: more are added by
    /// [`JobRequest::batch`], until it is closed by [`Client::close_batch`].
    pub async fn open_batch(&self, request: BatchRequest) -> Result<StartedBatch, SubmitError> {
        const OPERATION: &str = "create the batch";
        let request = request.checked()?;
        let id = BatchId(Uuid::now_v7());
        let on_complete = request.on_complete.map(|it| callback(it, id, "complete"));
        let on_success = request.on_success.map(|it| callback(it, id, "success"));
        let (has_complete, has_success) = (on_complete.is_some(), on_success.is_some());
        let members = request.runs.into_iter().map(|run| JobRequest { batch: Some(id), ..run });
        let all = on_complete.into_iter().chain(on_success).chain(members);
        let all = all.map(|request| (RunId(Uuid::now_v7()), request)).collect();
        let runs = self.prepare(all).await?;
        self.check_queued(&runs).await?;
        let mut runs = runs.into_iter();
        let mut next_if = |is_there: bool| if is_there { runs.next() } else { None };
        let (on_complete, on_success) = (next_if(has_complete), next_if(has_success));
        let members: Vec<NewRun> = runs.collect();
        check_members(OPERATION, &members)?;
        let id_of = |run: &Option<NewRun>| run.as_ref().map(|run| run.id);
        let started = StartedBatch {
            id,
            runs: members.iter().map(|run| run.id).collect(),
            on_complete: id_of(&on_complete),
            on_success: id_of(&on_success),
        };
        let (tenant, name, parent) = (request.tenant, request.name, request.parent);
        let new = NewBatch { id, tenant, name, parent, on_complete, on_success };
        self.storage().create_batch(new).await?;
        if !members.is_empty() {
            self.storage().enqueue(&members).await?;
        }
        Ok(started)
    }

    /// Closes a batch: no member is added any more. Answers whether there is such a batch.
    pub async fn close_batch(&self, id: BatchId) -> Result<bool, StorageError> {
        self.storage().close_batch(id).await
    }

    /// Closes a batch and asks all its unfinished members to stop, those of batches within it
    /// included. Its callbacks are let go as ever. `None` if there is no such batch.
    pub async fn cancel_batch(&self, id: BatchId) -> Result<Option<BatchReport>, StorageError> {
        self.alter_batch(id, &Alteration::Cancel, Vec::new()).await
    }

    /// Runs the failed members of a batch again, those of batches within it included. `None` if
    /// there is no such batch.
    pub async fn retry_batch(&self, id: BatchId) -> Result<Option<BatchReport>, StorageError> {
        let again = Alteration::Requeue { input: None };
        self.alter_batch(id, &again, vec![RunStatus::Failed]).await
    }

    async fn alter_batch(
        &self,
        id: BatchId,
        alteration: &Alteration,
        statuses: Vec<RunStatus>,
    ) -> Result<Option<BatchReport>, StorageError> {
        if self.storage().batch(id).await?.is_none() {
            return Ok(None);
        }
        let mut report = BatchReport::default();
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            if report.batches == NESTED_MAX {
                report.has_more_batches = true;
                break;
            }
            report.batches += 1;
            if *alteration == Alteration::Cancel {
                self.storage().close_batch(id).await?;
            }
            let statuses = statuses.clone();
            let filter = RunFilter { batch: Some(id), statuses, ..RunFilter::default() };
            let selection = Selection { filter, ..Selection::default() };
            report.runs.add(self.alter_all(&selection, alteration).await?);
            left.extend(self.nested(id).await?);
        }
        Ok(Some(report))
    }

    /// The batches within a batch, as many as are looked at.
    async fn nested(&self, parent: BatchId) -> Result<Vec<BatchId>, StorageError> {
        let mut request = BatchPageRequest {
            parent: Some(parent),
            limit: PAGE_MAX,
            ..BatchPageRequest::default()
        };
        let mut nested = Vec::new();
        loop {
            let page = self.storage().batches(request.clone()).await?;
            nested.extend(page.batches.iter().map(|batch| batch.id));
            request.after = page.next;
            if page.next.is_none() || nested.len() > NESTED_MAX {
                return Ok(nested);
            }
        }
    }

    /// Waits until a batch is complete; for ever where no time is given.
    pub async fn wait_for_batch(
        &self,
        id: BatchId,
        within: Option<Duration>,
    ) -> Result<Batch, BatchWaitError> {
        let end = within.map(|within| Instant::now() + within);
        loop {
            let batch = self.storage().batch(id).await?.ok_or(BatchWaitError::NotFound(id))?;
            if batch.completed_at.is_some() {
                return Ok(batch);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Err(BatchWaitError::TimedOut(Box::new(batch)));
            }
            sleep(WAIT_POLL).await;
        }
    }
}
