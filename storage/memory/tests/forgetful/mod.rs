//! A storage with a fault: it passes everything on, but loses a write of a kind while it
//! answers that all is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::*;
use zapjobs_storage::*;

/// What it loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    OneTransition,
    Renewals,
    OneCancellation,
    /// One attempt that began is missing in the total.
    OneCount,
    /// Logs of all final runs are pruned, whenever they ended.
    LogsPrunedTooEarly,
    OneStep,
    OneSignal,
}

pub(crate) struct Forgetful {
    inner: Arc<dyn Storage>,
    fault: Fault,
    seen: AtomicUsize,
    uncounted: AtomicBool,
}

impl Forgetful {
    pub(crate) fn new(inner: Arc<dyn Storage>, fault: Fault) -> Self {
        Self { inner, fault, seen: AtomicUsize::new(0), uncounted: AtomicBool::new(false) }
    }

    /// Whether this write is one to lose: the third of its kind that would be written. Of
    /// renewals every third, because most are written over before anyone looks; every pruning
    /// of logs, because most find nothing.
    fn loses(&self, fault: Fault) -> bool {
        if self.fault != fault {
            return false;
        }
        let before = self.seen.fetch_add(1, Ordering::Relaxed);
        match fault {
            Fault::Renewals => before % 3 == 2,
            Fault::LogsPrunedTooEarly => true,
            _ => before == 2,
        }
    }

    async fn is_held(&self, key: LeaseKey) -> bool {
        let run = self.inner.run(key.run).await.expect("the run is read");
        run.is_some_and(|run| run.status == RunStatus::Running && run.lease == key.lease)
    }
}

#[async_trait]
impl RunStore for Forgetful {
    async fn enqueue(&self, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
        self.inner.enqueue(runs).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedRun>> {
        let claimed = self.inner.claim(request).await?;
        if !claimed.is_empty() && self.loses(Fault::OneCount) {
            self.uncounted.store(true, Ordering::Relaxed);
        }
        Ok(claimed)
    }

    async fn claim_run(&self, request: ClaimRunRequest) -> Result<ClaimRunResult> {
        self.inner.claim_run(request).await
    }

    async fn renew(&self, keys: &[LeaseKey], lease: Duration) -> Result<Vec<LeaseState>> {
        if let [key, others @ ..] = keys
            && self.is_held(*key).await
            && self.loses(Fault::Renewals)
        {
            let run = self.inner.run(key.run).await?.expect("it is held");
            let held = LeaseState::Held { cancel_requested: run.cancel_requested };
            let others = self.inner.renew(others, lease).await?;
            return Ok([vec![held], others].concat());
        }
        self.inner.renew(keys, lease).await
    }

    async fn cancel_requests(&self, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>> {
        self.inner.cancel_requests(keys).await
    }

    async fn report_progress(&self, updates: &[ProgressUpdate]) -> Result<()> {
        self.inner.report_progress(updates).await
    }

    async fn apply(&self, transitions: &[Transition]) -> Result<Vec<ApplyResult>> {
        if let [transition] = transitions
            && self.is_held(transition.key).await
            && self.loses(Fault::OneTransition)
        {
            return Ok(vec![ApplyResult::Applied]);
        }
        self.inner.apply(transitions).await
    }

    async fn promote(&self, limit: usize) -> Result<Promoted> {
        self.inner.promote(limit).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<Run>> {
        self.inner.expired(limit).await
    }

    async fn request_cancel(&self, run: RunId) -> Result<CancelResult> {
        let stored = self.inner.run(run).await?;
        let waits = stored.is_some_and(|run| run.status == RunStatus::Pending);
        if waits && self.loses(Fault::OneCancellation) {
            return Ok(CancelResult::Cancelled);
        }
        self.inner.request_cancel(run).await
    }

    async fn requeue(&self, run: RunId) -> Result<RequeueResult> {
        self.inner.requeue(run).await
    }

    async fn release_runs(&self, runs: &[RunId]) -> Result<Vec<ReleaseResult>> {
        self.inner.release_runs(runs).await
    }

    async fn prune(&self, request: PruneRequest) -> Result<usize> {
        self.inner.prune(request).await
    }
}

/// Implements a family of operations by asking the storage within.
macro_rules! passed_on {
    ($family:ident { $($operation:ident($($name:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $family for Forgetful {
            $(async fn $operation(&self, $($name: $type),*) -> Result<$answer> {
                self.inner.$operation($($name),*).await
            })*
        }
    };
}

passed_on!(Storage {
    now() -> Timestamp;
    info() -> StorageInfo;
    close() -> ();
});

passed_on!(Definitions {
    put_definitions(definitions: &[JobDefinition]) -> ();
    definition(key: &JobKey) -> Option<JobDefinition>;
    definitions(tenant: Option<&TenantId>) -> Vec<JobDefinition>;
    delete_definition(key: &JobKey) -> bool;
    note_last_status(latest: &[(JobKey, RunStatus)]) -> ();
});

passed_on!(Schedules {
    put_schedules(schedules: &[JobSchedule]) -> Vec<WriteResult>;
    schedule(key: &ScheduleKey) -> Option<JobSchedule>;
    schedules(request: &SchedulePageRequest) -> SchedulePage;
    delete_schedule(key: &ScheduleKey, revision: u64) -> WriteResult;
    due_schedules(after: Option<&DuePlace>, limit: usize) -> DuePage;
    next_due_after(instant: Timestamp) -> Option<Timestamp>;
    fire(requests: &[FireRequest]) -> Vec<FireResult>;
});

passed_on!(Aging {
    aged(request: &AgedRequest) -> Vec<RunId>;
});

passed_on!(Endings {
    endings(request: &EndingsRequest) -> Vec<Ending>;
});

passed_on!(Documents {
    put_documents(documents: &[Document]) -> Vec<WriteResult>;
    document(key: &DocumentKey) -> Option<Document>;
    documents(request: &DocumentPageRequest) -> DocumentPage;
    delete_document(key: &DocumentKey, revision: u64) -> WriteResult;
    delete_documents_before(kind: &DocumentKind, name: &DocumentName, limit: usize) -> usize;
});

passed_on!(Alterations {
    alter(runs: &[RunId], alteration: &Alteration) -> Vec<AlterResult>;
});

passed_on!(Dependencies {
    ended_parents(limit: usize) -> Vec<EndedParent>;
    advance(request: AdvanceRequest) -> Vec<AdvanceResult>;
    dependencies(run: RunId) -> Vec<Dependency>;
});

passed_on!(Batches {
    create_batch(batch: NewBatch) -> CreateBatchResult;
    close_batch(id: BatchId) -> bool;
    batch(id: BatchId) -> Option<Batch>;
    batches(request: BatchPageRequest) -> BatchPage;
    ended_batches(limit: usize) -> Vec<Batch>;
    settle_batch(id: BatchId, settlement: Settlement) -> SettleResult;
    finished_batches(request: PruneRequest) -> Vec<Batch>;
    delete_batches(ids: &[BatchId]) -> usize;
});

passed_on!(RunQueries {
    run(id: RunId) -> Option<Run>;
    runs(request: RunPageRequest) -> Page;
    counts(filter: &RunFilter) -> Counts;
    queue_counts() -> Vec<QueueCounts>;
    ready_tenants(queues: &QueueSelection, after: Option<&TenantId>, limit: usize)
        -> Vec<TenantId>;
    waiting(tenant: &TenantId, up_to: u64) -> u64;
});

#[async_trait]
impl Logs for Forgetful {
    async fn append_logs(&self, entries: &[LogEntry]) -> Result<()> {
        self.inner.append_logs(entries).await
    }

    async fn log_page(&self, request: LogPageRequest) -> Result<LogPage> {
        self.inner.log_page(request).await
    }

    async fn prune_logs(&self, request: PruneRequest) -> Result<usize> {
        let finished_before = match self.loses(Fault::LogsPrunedTooEarly) {
            true => self.inner.now().await?,
            false => request.finished_before,
        };
        self.inner.prune_logs(PruneRequest { finished_before, ..request }).await
    }
}

#[async_trait]
impl Steps for Forgetful {
    async fn record_step(
        &self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> Result<RecordStepResult> {
        let is_new = self.inner.steps(key.run).await?.iter().all(|step| step.name != *name);
        if is_new && self.is_held(key).await && self.loses(Fault::OneStep) {
            return Ok(RecordStepResult::Recorded);
        }
        self.inner.record_step(key, name, result).await
    }

    async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        self.inner.steps(run).await
    }
}

#[async_trait]
impl Signals for Forgetful {
    async fn send_signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult> {
        let run_now = self.inner.run(run).await?;
        if run_now.is_some_and(|run| !run.status.is_final()) && self.loses(Fault::OneSignal) {
            return Ok(SendSignalResult::Kept);
        }
        self.inner.send_signal(run, name, payload).await
    }

    async fn take_signal(
        &self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        self.inner.take_signal(key, name, step).await
    }

    async fn suspend(&self, suspension: &Suspension) -> Result<ApplyResult> {
        self.inner.suspend(suspension).await
    }

    async fn wait_of(&self, run: RunId) -> Result<Option<Wait>> {
        self.inner.wait_of(run).await
    }

    async fn signals(&self, run: RunId) -> Result<Vec<Signal>> {
        self.inner.signals(run).await
    }
}

#[async_trait]
impl Statistics for Forgetful {
    async fn statistics(&self, request: StatisticsRequest) -> Result<Vec<SpanStatistics>> {
        let is_total =
            request.span == Span::Total && request.tenant.is_none() && request.queue.is_none();
        let mut spans = self.inner.statistics(request).await?;
        if is_total && self.uncounted.load(Ordering::Relaxed) {
            spans[0].activity.started -= 1;
        }
        Ok(spans)
    }
}

passed_on!(WorkerRegistry {
    heartbeat(worker: &WorkerRecord) -> ();
    workers() -> Vec<WorkerRecord>;
    remove_worker(worker: WorkerId) -> bool;
    remove_stale_workers(silence: Duration) -> Vec<WorkerId>;
});

passed_on!(Coordinator {
    acquire(request: NamedLeaseRequest) -> Option<NamedLease>;
    release(name: &str, owner: WorkerId) -> bool;
    named_lease(name: &str) -> Option<NamedLease>;
});

impl Events for Forgetful {
    fn publish(&self, events: Vec<JobEvent>) {
        self.inner.publish(events);
    }

    fn subscribe(&self) -> Notices {
        self.inner.subscribe()
    }
}

#[async_trait]
impl FlowControl for Forgetful {
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Result<Option<FlowLimit>> {
        self.inner.change_limit(scope, change).await
    }

    async fn limits(&self) -> Result<Vec<LimitUse>> {
        self.inner.limits().await
    }

    async fn limits_in_force(&self) -> Result<FlowLimits> {
        self.inner.limits_in_force().await
    }

    async fn admit(&self, request: AdmitRequest) -> Result<Admitted> {
        self.inner.admit(request).await
    }
}
