//! Several at once. Each case lets tasks start together and asks what must hold whatever the
//! order in which they are served.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::Barrier;
use zapjobs_model::{NewRun, RunId};
use zapjobs_storage::{
    ApplyResult, CancelResult, ClaimRequest, EnqueueResult, FireRequest, FireResult,
    NamedLeaseRequest, PruneRequest, QueueSelection, Storage, TenantSelection,
};

use crate::Fixture;
use crate::actions::{completed, failed, retry_in};
use crate::builders::{LEASE, a_run, a_schedule, run_id, seconds, some_runs, worker};
use crate::samples::{a_claim, completion};

const TASKS: usize = 8;
pub(super) const RUNS: usize = 400;

impl Fixture {
    /// Does the same in several tasks that start together. Answers what each answered.
    pub(super) async fn together<T, F>(&self, task: impl Fn(Arc<dyn Storage>, usize) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let start = Arc::new(Barrier::new(TASKS));
        let spawn = |number| {
            let (start, work) = (start.clone(), task(self.storage.clone(), number));
            tokio::spawn(async move {
                start.wait().await;
                work.await
            })
        };
        let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
        let mut answers = Vec::with_capacity(TASKS);
        for task in tasks {
            answers.push(task.await.expect("the task ends"));
        }
        answers
    }
}

/// Claims in small batches until nothing is left.
pub(super) async fn claim_all(storage: Arc<dyn Storage>, number: usize) -> Vec<RunId> {
    let mut taken = Vec::new();
    // A claim may pass over runs that others hold locked, so one that comes back empty does
    // not end the loop before as many were asked for as there can be.
    for _ in 0..RUNS {
        let request = ClaimRequest {
            worker: worker(number as u64),
            queues: QueueSelection::All,
            tenants: TenantSelection::All,
            limit: 7,
            lease: LEASE,
        };
        let claimed = storage.claim(request).await.expect("claimed");
        let pending = storage.counts(&Default::default()).await.expect("counted").pending;
        taken.extend(claimed.iter().map(zapjobs_storage::ClaimedRun::id));
        if pending == 0 {
            break;
        }
    }
    taken
}

pub(crate) async fn each_run_is_claimed_exactly_once(f: &Fixture) {
    f.storage.enqueue(&some_runs("mail", RUNS)).await.expect("enqueued");
    let taken = f.together(claim_all).await.concat();
    assert_eq!(taken.len(), RUNS);
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), RUNS);
}

pub(crate) async fn runs_are_claimed_exactly_once_while_others_arrive(f: &Fixture) {
    let arriving = f.storage.clone();
    let submitter = tokio::spawn(async move {
        for _ in 0..RUNS / 10 {
            arriving.enqueue(&some_runs("mail", 10)).await.expect("enqueued");
        }
    });
    let mut taken = f.together(claim_all).await.concat();
    submitter.await.expect("all are submitted");
    taken.extend(claim_all(f.storage.clone(), 1).await);
    assert_eq!(taken.len(), RUNS);
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), RUNS);
}

pub(crate) async fn one_of_several_equal_submissions_is_stored(f: &Fixture) {
    let batch: Vec<NewRun> = (1..=50).map(|number| a_run("mail").id(number).build()).collect();
    let answers = f
        .together(|storage, _| {
            let batch = batch.clone();
            async move { storage.enqueue(&batch).await.expect("enqueued") }
        })
        .await;
    for at in 0..batch.len() {
        let stored = answers.iter().filter(|answers| answers[at] == EnqueueResult::Stored);
        assert_eq!(stored.count(), 1, "run {at} of the batch");
    }
    assert_eq!(f.list(Default::default()).await.len(), batch.len());
}

pub(crate) async fn one_of_several_ends_of_an_attempt_is_applied(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let ends = [f.transition(&run, completed()), f.transition(&run, failed("broken"))];
    let answers = f
        .together(|storage, number| {
            let end = ends[number % 2].clone();
            async move { storage.apply(&[end]).await.expect("applied")[0] }
        })
        .await;
    let applied: Vec<usize> =
        (0..TASKS).filter(|at| answers[*at] == ApplyResult::Applied).collect();
    assert_eq!(applied.len(), 1);
    assert_eq!(f.status(run.id).await, ends[applied[0] % 2].status);
}

pub(crate) async fn a_cancellation_and_a_retry_never_leave_a_run_waiting(f: &Fixture) {
    for _ in 0..20 {
        let run = f.running(a_run("mail")).await;
        let retry = f.transition(&run, retry_in(seconds(60)));
        f.together(|storage, number| {
            let retry = retry.clone();
            async move {
                if number % 2 == 0 {
                    storage.apply(&[retry]).await.expect("applied");
                } else {
                    let answer = storage.request_cancel(run.id).await.expect("answered");
                    assert_ne!(answer, CancelResult::NotFound);
                }
            }
        })
        .await;
        // Either the retry came first and the waiting run was cancelled, or the request came
        // first and the retry yielded to it.
        let stored = f.stored(run.id).await;
        assert!(stored.cancel_requested || stored.status.is_final(), "{stored:?}");
    }
}

pub(crate) async fn a_fire_time_fires_once_among_several_leaders(f: &Fixture) {
    let schedule = &f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let answers = f
        .together(|storage, number| {
            let run = a_run("mail").tenant("acme").id(number as u64).build();
            let request = FireRequest { runs: vec![run], schedule: schedule.clone() };
            async move { storage.fire(&[request]).await.expect("answered")[0] }
        })
        .await;
    let fired: Vec<u64> =
        (0..TASKS as u64).filter(|at| answers[*at as usize] == FireResult::Fired).collect();
    assert_eq!(fired.len(), 1);
    assert_eq!(f.list(Default::default()).await, [run_id(fired[0])]);
}

pub(crate) async fn a_named_lease_has_one_holder_among_several_that_ask(f: &Fixture) {
    let answers = f
        .together(|storage, number| async move {
            let owner = worker(number as u64);
            let request = NamedLeaseRequest { name: "leader".to_owned(), owner, ttl: LEASE };
            storage.acquire(request).await.expect("answered")
        })
        .await;
    assert_eq!(answers.into_iter().flatten().count(), 1);
}

pub(crate) async fn a_batch_is_never_seen_in_part(f: &Fixture) {
    const BATCH: usize = 50;
    let totals = f
        .together(|storage, number| async move {
            let mut totals = Vec::new();
            for _ in 0..10 {
                if number % 2 == 0 {
                    storage.enqueue(&some_runs("mail", BATCH)).await.expect("enqueued");
                } else {
                    let counts = storage.counts(&Default::default()).await.expect("counted");
                    totals.push(counts.total() as usize);
                }
            }
            totals
        })
        .await;
    for total in totals.concat() {
        assert_eq!(total % BATCH, 0, "a batch is stored as a whole");
    }
}

pub(crate) async fn what_several_do_at_once_is_counted_exactly(f: &Fixture) {
    f.together(|storage, _| async move {
        for _ in 0..5 {
            storage.enqueue(&some_runs("mail", 10)).await.expect("enqueued");
            let claimed = storage.claim(a_claim(10)).await.expect("claimed");
            let now = storage.now().await.expect("told");
            let ends: Vec<_> =
                claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
            storage.apply(&ends).await.expect("applied");
        }
    })
    .await;
    let counts = f.storage.counts(&Default::default()).await.expect("counted");
    let sums = f.activity().await;
    assert_eq!(sums.enqueued, (TASKS * 5 * 10) as u64);
    assert_eq!((sums.started, sums.completed), (counts.completed, counts.completed));
}

pub(crate) async fn several_that_prune_logs_delete_each_entry_once(f: &Fixture) {
    for _ in 0..10 {
        f.logged_run(20).await;
    }
    let finished_before = f.now();
    let gone = f
        .together(|storage, _| async move {
            let mut gone = 0;
            // A pruner that finds others at work may leave what they hold.
            for _ in 0..40 {
                let request = PruneRequest { finished_before, limit: 7 };
                gone += storage.prune_logs(request).await.expect("pruned");
            }
            gone
        })
        .await;
    let rest = f.prune_all_logs(finished_before).await;
    assert_eq!(gone.into_iter().sum::<usize>() + rest, 200);
}
