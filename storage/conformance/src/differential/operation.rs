//! One operation, and its answer in a form that can be compared.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use zapjobs_model::{
    Batch, BatchId, Blame, Document, DocumentKey, DocumentKind, DocumentName, JobDefinition,
    JobKey, JobSchedule, Json, LeaseKey, LimitChange, LimitScope, LogEntry, NewRun, Run, RunError,
    RunId, RunStatus, ScheduleKey, Settlement, SignalName, StepName, Suspension, TenantId,
    Timestamp, Transition, WorkerId,
};
use zapjobs_storage::{
    AdmitRequest, AdvanceRequest, AdvanceResult, AgedRequest, Alteration, BatchPageRequest,
    ClaimRequest, ClaimRunRequest, ClaimRunResult, DocumentPageRequest, DuePlace, ENDS_MAX,
    EndedParent, EndingsRequest, FireRequest, LogPageRequest, NamedLease, NamedLeaseRequest,
    NewBatch, ProgressUpdate, PruneRequest, QueueSelection, Result, RunFilter, RunPageRequest,
    SchedulePageRequest, StatisticsRequest, Storage, WorkerRecord,
};

use crate::Fixture;

/// What is asked of both storages.
#[derive(Debug)]
pub(super) enum Operation {
    Enqueue(Vec<NewRun>),
    ChangeLimit(LimitScope, LimitChange),
    Admit(AdmitRequest),
    Limits,
    Claim(ClaimRequest),
    ClaimRun(ClaimRunRequest),
    Renew(Vec<LeaseKey>, Duration),
    CancelRequests(Vec<LeaseKey>),
    ReportProgress(Vec<ProgressUpdate>),
    Apply(Vec<Transition>),
    Promote(usize),
    Expired(usize),
    RequestCancel(RunId),
    Requeue(RunId),
    ReleaseRuns(Vec<RunId>),
    Alter(Vec<RunId>, Alteration),
    EndedParents,
    Advance(AdvanceRequest),
    DependenciesOf(RunId),
    Prune(PruneRequest),
    Run(RunId),
    Runs(RunPageRequest),
    Counts(RunFilter),
    QueueCounts,
    ReadyTenants(QueueSelection, Option<TenantId>, usize),
    Waiting(TenantId, u64),
    PutDefinitions(Vec<JobDefinition>),
    DeleteDefinition(JobKey),
    NoteLastStatus(JobKey, RunStatus),
    PutSchedules(Vec<JobSchedule>),
    DeleteSchedule(ScheduleKey, u64),
    Schedules(SchedulePageRequest),
    DueSchedules(Option<DuePlace>, usize),
    NextDueAfter(Timestamp),
    Fire(Vec<FireRequest>),
    AppendLogs(Vec<LogEntry>),
    LogPage(LogPageRequest),
    PruneLogs(PruneRequest),
    Statistics(StatisticsRequest),
    Heartbeat(WorkerRecord),
    RemoveWorker(WorkerId),
    RemoveStaleWorkers(Duration),
    Acquire(NamedLeaseRequest),
    Release(String, WorkerId),
    NamedLease(String),
    LetPass(Duration),
    Aged(AgedRequest),
    Endings(EndingsRequest),
    PutDocuments(Vec<Document>),
    Document(DocumentKey),
    Documents(DocumentPageRequest),
    DeleteDocument(Document),
    DeleteDocumentsBefore(DocumentKind, DocumentName, usize),
    RecordStep(LeaseKey, StepName, Json),
    Steps(RunId),
    SendSignal(RunId, SignalName, Json),
    TakeSignal(LeaseKey, SignalName, StepName),
    Suspend(Suspension),
    CreateBatch(Box<NewBatch>),
    CloseBatch(BatchId),
    Batches(BatchPageRequest),
    EndedBatches,
    SettleBatch(BatchId, Settlement),
    FinishedBatches(PruneRequest),
    DeleteBatches(Vec<BatchId>),
}

/// One storage that operations are performed on.
pub(super) struct Performer {
    fixture: Fixture,
    /// The latest fence seen of each named lease: how fences compare is promised, not their
    /// numbers.
    fences: HashMap<String, u64>,
}

impl Performer {
    pub(super) fn new(fixture: Fixture) -> Self {
        Self { fixture, fences: HashMap::new() }
    }

    pub(super) fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        self.fixture.storage.as_ref()
    }

    pub(super) fn let_pass(&self, span: Duration) {
        self.fixture.clock.advance(span);
    }

    /// Performs the operation and tells its answer.
    pub(super) async fn perform(&mut self, operation: &Operation) -> String {
        match operation {
            Operation::LetPass(span) => {
                self.let_pass(*span);
                said(self.storage().now().await)
            }
            Operation::Acquire(request) => self.acquire(request).await,
            Operation::NamedLease(name) => self.named_lease(name).await,
            Operation::ChangeLimit(scope, change) => {
                said(self.storage().change_limit(scope, change.clone()).await)
            }
            Operation::Admit(request) => said(self.storage().admit(request.clone()).await),
            Operation::Limits => said(self.storage().limits().await),
            _ if is_about_runs(operation) => self.perform_on_runs(operation).await,
            _ => self.perform_on_the_rest(operation).await,
        }
    }

    async fn perform_on_runs(&self, operation: &Operation) -> String {
        let storage = self.storage();
        match operation {
            Operation::Enqueue(runs) => said(storage.enqueue(runs).await),
            Operation::Claim(request) => {
                said(storage.claim(request.clone()).await.map(|claimed| {
                    claimed.into_iter().map(|claimed| comparable(claimed.run)).collect::<Vec<_>>()
                }))
            }
            Operation::ClaimRun(request) => match storage.claim_run(*request).await {
                Ok(ClaimRunResult::Claimed(claimed)) => format!("{:?}", comparable(claimed.run)),
                other => said(other),
            },
            Operation::Renew(keys, lease) => said(storage.renew(keys, *lease).await),
            Operation::CancelRequests(keys) => said(sorted(storage.cancel_requests(keys).await)),
            Operation::ReportProgress(updates) => said(storage.report_progress(updates).await),
            Operation::Apply(transitions) => said(storage.apply(transitions).await),
            Operation::Promote(limit) => said(storage.promote(*limit).await),
            Operation::Expired(limit) => said(storage.expired(*limit).await.map(|runs| {
                // Which of several that expired together is open where the limit cuts.
                runs.into_iter().map(|run| run.lease_expires_at).collect::<Vec<_>>()
            })),
            Operation::RequestCancel(id) => said(storage.request_cancel(*id).await),
            Operation::Requeue(id) => said(storage.requeue(*id).await),
            Operation::ReleaseRuns(ids) => said(storage.release_runs(ids).await),
            Operation::Alter(ids, alteration) => said(storage.alter(ids, alteration).await),
            Operation::EndedParents => said(storage.ended_parents(ENDS_MAX).await.map(awaited)),
            Operation::Advance(request) => self.advance(request).await,
            Operation::DependenciesOf(id) => said(storage.dependencies(*id).await),
            Operation::Prune(request) => pruned(*request, |step| storage.prune(step)).await,
            Operation::Run(id) => said(storage.run(*id).await.map(|run| run.map(comparable))),
            Operation::Runs(request) => said(storage.runs(request.clone()).await.map(|page| {
                let runs: Vec<Run> = page.runs.into_iter().map(comparable).collect();
                (runs, page.next)
            })),
            Operation::Counts(filter) => said(storage.counts(filter).await),
            other => panic!("{other:?} is not about runs"),
        }
    }

    async fn perform_on_the_rest(&self, operation: &Operation) -> String {
        let storage = self.storage();
        match operation {
            Operation::QueueCounts => said(storage.queue_counts().await),
            Operation::ReadyTenants(queues, after, limit) => {
                said(storage.ready_tenants(queues, after.as_ref(), *limit).await)
            }
            Operation::Waiting(tenant, up_to) => said(storage.waiting(tenant, *up_to).await),
            Operation::PutDefinitions(rows) => said(storage.put_definitions(rows).await),
            Operation::DeleteDefinition(key) => said(storage.delete_definition(key).await),
            Operation::NoteLastStatus(key, status) => {
                said(storage.note_last_status(&[(key.clone(), *status)]).await)
            }
            Operation::PutSchedules(rows) => said(storage.put_schedules(rows).await),
            Operation::DeleteSchedule(key, revision) => {
                said(storage.delete_schedule(key, *revision).await)
            }
            Operation::Schedules(request) => said(storage.schedules(request).await),
            Operation::DueSchedules(after, limit) => {
                said(storage.due_schedules(after.as_ref(), *limit).await)
            }
            Operation::NextDueAfter(instant) => said(storage.next_due_after(*instant).await),
            Operation::Fire(requests) => said(storage.fire(requests).await),
            Operation::AppendLogs(entries) => said(storage.append_logs(entries).await),
            Operation::LogPage(request) => said(storage.log_page(*request).await),
            Operation::PruneLogs(request) => {
                pruned(*request, |step| storage.prune_logs(step)).await
            }
            Operation::Statistics(request) => said(storage.statistics(request.clone()).await),
            Operation::Heartbeat(worker) => said(storage.heartbeat(worker).await),
            Operation::RemoveWorker(id) => said(storage.remove_worker(*id).await),
            Operation::RemoveStaleWorkers(silence) => {
                said(sorted(storage.remove_stale_workers(*silence).await))
            }
            Operation::Aged(request) => match storage.aged(request).await {
                // Which of more than the limit is open.
                Ok(ids) if ids.len() == request.limit => format!("{} Full", ids.len()),
                ids => said(sorted(ids)),
            },
            Operation::Endings(request) => said(storage.endings(request).await),
            Operation::PutDocuments(rows) => said(storage.put_documents(rows).await),
            Operation::Document(key) => said(storage.document(key).await),
            Operation::Documents(request) => said(storage.documents(request).await),
            Operation::DeleteDocument(row) => {
                said(storage.delete_document(&row.key, row.revision).await)
            }
            Operation::DeleteDocumentsBefore(kind, name, limit) => {
                said(storage.delete_documents_before(kind, name, *limit).await)
            }
            Operation::RecordStep(key, name, result) => {
                said(storage.record_step(*key, name, result).await)
            }
            Operation::Steps(run) => said(storage.steps(*run).await),
            Operation::SendSignal(run, name, payload) => {
                said(storage.send_signal(*run, name, payload).await)
            }
            Operation::TakeSignal(key, name, step) => {
                said(storage.take_signal(*key, name, step).await)
            }
            Operation::Suspend(suspension) => said(storage.suspend(suspension).await),
            Operation::Release(name, owner) => said(storage.release(name, *owner).await),
            other => self.perform_on_batches(other).await,
        }
    }

    async fn perform_on_batches(&self, operation: &Operation) -> String {
        let storage = self.storage();
        match operation {
            Operation::CreateBatch(new) => said(storage.create_batch(NewBatch::clone(new)).await),
            Operation::CloseBatch(id) => said(storage.close_batch(*id).await),
            Operation::Batches(request) => said(storage.batches(request.clone()).await),
            Operation::EndedBatches => said(storage.ended_batches(ENDS_MAX).await.map(by_id)),
            Operation::SettleBatch(id, settlement) => {
                said(storage.settle_batch(*id, *settlement).await)
            }
            Operation::FinishedBatches(request) => said(storage.finished_batches(*request).await),
            Operation::DeleteBatches(ids) => said(storage.delete_batches(ids).await),
            other => panic!("{other:?} is about runs"),
        }
    }

    /// Whether an end is noted that nobody waits for any more is open: a run that does not wait
    /// for the parent is answered `Gone` where it is, and `Changed` where it is not.
    async fn advance(&self, request: &AdvanceRequest) -> String {
        let mut waits = Vec::with_capacity(request.steps.len());
        for (child, _) in &request.steps {
            let after = self.storage().dependencies(*child).await.unwrap_or_default();
            waits.push(after.iter().any(|of| of.run == request.parent));
        }
        let answers = self.storage().advance(request.clone()).await;
        said(answers.map(|mut answers| {
            for (answer, waits) in answers.iter_mut().zip(waits) {
                if !waits && *answer == AdvanceResult::Changed {
                    *answer = AdvanceResult::Gone;
                }
            }
            answers
        }))
    }

    async fn acquire(&mut self, request: &NamedLeaseRequest) -> String {
        let lease = match self.storage().acquire(request.clone()).await {
            Ok(Some(lease)) => lease,
            other => return said(other),
        };
        let answer = self.told(&lease);
        self.fences.insert(lease.name, lease.fence);
        answer
    }

    /// Who holds a lease.
    pub(super) async fn named_lease(&self, name: &str) -> String {
        match self.storage().named_lease(name).await {
            Ok(Some(lease)) => self.told(&lease),
            other => said(other),
        }
    }

    /// The lease, its fence compared with the one that was seen before.
    fn told(&self, lease: &NamedLease) -> String {
        let fence = self.fences.get(&lease.name).map(|before| lease.fence.cmp(before));
        format!("{} {} {} {fence:?}", lease.name, lease.owner, lease.expires_at)
    }
}

/// Prunes as often as it takes to delete as many as the limit allows: a call may delete fewer
/// than there are, but not none.
async fn pruned<F>(request: PruneRequest, step: impl Fn(PruneRequest) -> F) -> String
where
    F: Future<Output = Result<usize>>,
{
    let mut left = request.limit;
    loop {
        match step(PruneRequest { limit: left, ..request }).await {
            Ok(0) => {
                let gone = request.limit - left;
                return format!("{gone} {}", if gone == 0 { "None" } else { "Gone" });
            }
            Ok(gone) if gone > left => return format!("{gone} went where {left} were allowed"),
            Ok(gone) => left -= gone,
            failed => return said(failed),
        }
    }
}

fn is_about_runs(operation: &Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::Enqueue(_)
            | O::Claim(_)
            | O::ClaimRun(_)
            | O::Renew(..)
            | O::CancelRequests(_)
            | O::ReportProgress(_)
            | O::Apply(_)
            | O::Promote(_)
            | O::Expired(_)
            | O::RequestCancel(_)
            | O::Requeue(_)
            | O::ReleaseRuns(_)
            | O::Alter(..)
            | O::EndedParents
            | O::Advance(_)
            | O::DependenciesOf(_)
            | O::Prune(_)
            | O::Run(_)
            | O::Runs(_)
            | O::Counts(_)
    )
}

/// The answer as text: of an error, only its kind is promised.
pub(super) fn said<T: Debug>(answer: Result<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("error {:?}", error.kind()),
    }
}

/// The run without the words that a driver chooses itself: why it was cancelled on request.
pub(super) fn comparable(mut run: Run) -> Run {
    let by_operator = run.error.as_ref().is_some_and(|error| error.blame == Blame::Operator);
    if run.status == RunStatus::Cancelled && by_operator {
        run.error = Some(RunError::new(Blame::Operator, "cancelled", ""));
    }
    run
}

/// Whether an end is noted that nobody waits for any more is open, and so is its place once
/// somebody waits for it again.
pub(super) fn awaited(mut ends: Vec<EndedParent>) -> Vec<EndedParent> {
    ends.retain(|end| !end.children.is_empty());
    ends.sort_by_key(|end| end.run);
    ends
}

/// The order of batches about which something is due is open.
pub(super) fn by_id(mut batches: Vec<Batch>) -> Vec<Batch> {
    batches.sort_by_key(|batch| batch.id);
    batches
}

fn sorted<T: Ord>(answer: Result<Vec<T>>) -> Result<Vec<T>> {
    answer.map(|mut items| {
        items.sort();
        items
    })
}
