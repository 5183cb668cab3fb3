//! Batches and pages that are too long are refused as a whole.

use std::fmt::Debug;

use zapjobs_model::{JobSchedule, Lease, LeaseKey, LogEntry, Run, RunId};
use zapjobs_storage::{
    ApplyResult, BATCH_MAX, ClaimRequest, EnqueueResult, ErrorKind, FireRequest, LeaseState,
    LogPageRequest, PAGE_MAX, ProgressUpdate, PruneRequest, QueueSelection, Result, RunPageRequest,
    TenantSelection,
};

use crate::Fixture;
use crate::actions::{completed, refused};
use crate::builders::{LEASE, a_line, a_run, a_schedule, run_id, some_runs, worker};

fn invalid<T: Debug>(answer: Result<T>) {
    refused(answer, ErrorKind::InvalidRequest);
}

fn keys(count: usize) -> Vec<LeaseKey> {
    let key = |number| LeaseKey { run: run_id(number), lease: Lease(1) };
    (0..count as u64).map(key).collect()
}

pub(crate) async fn the_longest_batch_of_runs_is_stored_claimed_and_applied(f: &Fixture) {
    let runs = some_runs("mail", BATCH_MAX);
    let answers = f.storage.enqueue(&runs).await.expect("enqueued");
    assert!(answers == vec![EnqueueResult::Stored; BATCH_MAX]);
    let claimed: Vec<Run> =
        f.claim(BATCH_MAX).await.into_iter().map(|claimed| claimed.run).collect();
    assert_eq!(claimed.len(), BATCH_MAX);
    let transitions: Vec<_> = claimed.iter().map(|run| f.transition(run, completed())).collect();
    let answers = f.storage.apply(&transitions).await.expect("applied");
    assert!(answers == vec![ApplyResult::Applied; BATCH_MAX]);
    let counts = f.storage.counts(&Default::default()).await.expect("counted");
    assert_eq!((counts.completed, counts.total()), (BATCH_MAX as u64, BATCH_MAX as u64));
}

pub(crate) async fn a_batch_of_runs_that_is_too_long_is_refused_whole(f: &Fixture) {
    invalid(f.storage.enqueue(&some_runs("mail", BATCH_MAX + 1)).await);
    assert!(f.list(Default::default()).await.is_empty());
}

pub(crate) async fn a_claim_of_too_many_is_refused(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    let request = ClaimRequest {
        worker: worker(1),
        queues: QueueSelection::All,
        tenants: TenantSelection::All,
        limit: BATCH_MAX + 1,
        lease: LEASE,
    };
    invalid(f.storage.claim(request).await);
    assert_eq!(f.claim_one().await.id, id);
}

pub(crate) async fn a_batch_of_leases_that_is_too_long_is_refused(f: &Fixture) {
    let states = f.storage.renew(&keys(BATCH_MAX), LEASE).await.expect("renewed");
    assert!(states == vec![LeaseState::Lost; BATCH_MAX]);
    invalid(f.storage.renew(&keys(BATCH_MAX + 1), LEASE).await);
    invalid(f.storage.cancel_requests(&keys(BATCH_MAX + 1)).await);
}

pub(crate) async fn a_batch_of_progress_that_is_too_long_is_refused(f: &Fixture) {
    let updates = |count| -> Vec<ProgressUpdate> {
        let update = |key| ProgressUpdate { key, progress: None, counts: None };
        keys(count).into_iter().map(update).collect()
    };
    f.storage.report_progress(&updates(BATCH_MAX)).await.expect("noted");
    invalid(f.storage.report_progress(&updates(BATCH_MAX + 1)).await);
}

pub(crate) async fn a_batch_of_transitions_that_is_too_long_is_refused_whole(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let batch = vec![f.transition(&run, completed()); BATCH_MAX + 1];
    invalid(f.storage.apply(&batch).await);
    assert_eq!(f.stored(run.id).await, run);
}

pub(crate) async fn a_batch_of_log_entries_that_is_too_long_is_refused_whole(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    let lines: Vec<LogEntry> = (0..=BATCH_MAX as u32).map(|index| a_line(run, 1, index)).collect();
    invalid(f.storage.append_logs(&lines).await);
    assert!(f.log(run).await.is_empty());
    f.storage.append_logs(&lines[..BATCH_MAX]).await.expect("kept");
    assert_eq!(f.log(run).await.len(), PAGE_MAX);
}

pub(crate) async fn pruning_too_many_is_refused(f: &Fixture) {
    let request = |limit| PruneRequest { finished_before: f.now(), limit };
    f.storage.prune(request(BATCH_MAX)).await.expect("pruned");
    invalid(f.storage.prune(request(BATCH_MAX + 1)).await);
}

pub(crate) async fn a_page_has_one_to_the_most_runs(f: &Fixture) {
    let request = |limit| RunPageRequest { limit, ..RunPageRequest::default() };
    f.storage.enqueue(&some_runs("mail", PAGE_MAX + 1)).await.expect("enqueued");
    let page = f.storage.runs(request(PAGE_MAX)).await.expect("listed");
    assert_eq!(page.runs.len(), PAGE_MAX);
    assert!(page.next.is_some());
    invalid(f.storage.runs(request(0)).await);
    invalid(f.storage.runs(request(PAGE_MAX + 1)).await);
}

pub(crate) async fn a_log_page_has_one_to_the_most_entries(f: &Fixture) {
    let run: RunId = f.enqueue(a_run("mail")).await;
    let request = |limit| LogPageRequest { run, after: None, limit };
    f.storage.log_page(request(PAGE_MAX)).await.expect("read");
    invalid(f.storage.log_page(request(0)).await);
    invalid(f.storage.log_page(request(PAGE_MAX + 1)).await);
}

pub(crate) async fn a_batch_of_schedules_that_is_too_long_is_refused_whole(f: &Fixture) {
    let schedule = a_schedule("acme", "mail", f.now());
    invalid(f.storage.put_schedules(&vec![schedule.clone(); BATCH_MAX + 1]).await);
    assert_eq!(f.storage.schedule(&schedule.key).await.expect("read"), None);
    f.storage.put_schedules(std::slice::from_ref(&schedule)).await.expect("stored");
    let schedule = JobSchedule { revision: 1, ..schedule };
    let runs = some_runs("mail", BATCH_MAX + 1);
    invalid(f.storage.fire(&[FireRequest { runs, schedule }]).await);
    assert!(f.list(Default::default()).await.is_empty());
}
