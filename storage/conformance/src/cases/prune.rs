//! Deleting old runs.

use zapjobs_model::{Run, RunId, Timestamp};
use zapjobs_storage::PruneRequest;

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, retry_in};
use crate::builders::{MICROSECOND, a_line, a_run, seconds};

impl Fixture {
    async fn prune(&self, finished_before: Timestamp, limit: usize) -> usize {
        let request = PruneRequest { finished_before, limit };
        self.storage.prune(request).await.expect("the storage is pruned")
    }

    /// Prunes until nothing more goes: a call may delete fewer than there are.
    pub(super) async fn prune_all(&self, finished_before: Timestamp) -> usize {
        let mut gone = 0;
        loop {
            match self.prune(finished_before, 10).await {
                0 => return gone,
                more => gone += more,
            }
        }
    }

    async fn completed_run(&self) -> RunId {
        self.settled(a_run("mail"), completed()).await.id
    }
}

pub(crate) async fn runs_that_ended_before_the_instant_are_deleted(f: &Fixture) {
    let old = f.completed_run().await;
    f.clock.advance(seconds(1));
    let new = f.completed_run().await;
    assert_eq!(f.prune(f.now(), 10).await, 1);
    assert!(!f.holds(old).await);
    assert!(f.holds(new).await, "it ended at the instant, not before");
    f.clock.advance(MICROSECOND);
    assert_eq!(f.prune(f.now(), 10).await, 1);
    assert!(!f.holds(new).await);
}

pub(crate) async fn every_way_to_end_is_pruned(f: &Fixture) {
    let cancelled = zapjobs_model::Outcome::Cancelled(a_failure("asked"));
    for outcome in [completed(), failed("broken"), cancelled] {
        f.settled(a_run("mail"), outcome).await;
    }
    let waiting = f.enqueue(a_run("mail")).await;
    f.storage.request_cancel(waiting).await.expect("cancelled");
    assert_eq!(f.prune_all(f.now().plus(seconds(1))).await, 4);
    assert_eq!(f.storage.queue_counts().await.expect("counted"), []);
}

pub(crate) async fn runs_that_have_not_ended_stay(f: &Fixture) {
    let retrying = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    let running = f.running(a_run("mail")).await;
    let scheduled = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    let pending = f.enqueue(a_run("mail")).await;
    f.clock.advance(seconds(86_400));
    assert_eq!(f.prune(f.now().plus(seconds(86_400)), 10).await, 0);
    for id in [retrying.id, running.id, scheduled, pending] {
        assert!(f.holds(id).await);
    }
}

pub(crate) async fn the_earliest_end_goes_first_and_the_limit_is_kept(f: &Fixture) {
    f.enqueue_all([a_run("mail"), a_run("mail"), a_run("mail")]).await;
    let runs: Vec<Run> = f.claim(3).await.into_iter().map(|claimed| claimed.run).collect();
    for at in [1, 2, 0] {
        f.clock.advance(seconds(1));
        f.settle(&runs[at], completed()).await;
    }
    f.clock.advance(seconds(1));
    let mut order = vec![runs[1].id, runs[2].id, runs[0].id];
    while !order.is_empty() {
        let gone = f.prune(f.now(), 2).await;
        assert!((1..=2).contains(&gone), "{gone} went");
        order.drain(..gone);
        let mut left = order.clone();
        left.sort_by(|a, b| b.cmp(a));
        assert_eq!(f.list(Default::default()).await, left, "those that ended last stay");
    }
    assert_eq!(f.prune(f.now(), 2).await, 0);
}

pub(crate) async fn a_limit_of_nothing_deletes_nothing(f: &Fixture) {
    let id = f.completed_run().await;
    assert_eq!(f.prune(f.now().plus(seconds(1)), 0).await, 0);
    assert!(f.holds(id).await);
}

pub(crate) async fn logs_go_with_their_runs(f: &Fixture) {
    let [old, new] = [f.completed_run().await, {
        f.clock.advance(seconds(1));
        f.completed_run().await
    }];
    let lines = [a_line(old, 1, 0), a_line(old, 1, 1), a_line(new, 1, 0)];
    f.storage.append_logs(&lines).await.expect("kept");
    assert_eq!(f.prune(f.now(), 10).await, 1);
    assert!(f.log(old).await.is_empty());
    assert_eq!(f.log(new).await, ["line 1.0"]);
}

pub(crate) async fn a_pruned_run_is_gone_from_everywhere(f: &Fixture) {
    let id = f.completed_run().await;
    f.prune(f.now().plus(seconds(1)), 10).await;
    assert!(f.list(Default::default()).await.is_empty());
    let counts = f.storage.counts(&Default::default()).await.expect("counted");
    assert_eq!(counts.total(), 0);
    let cancelled = f.storage.request_cancel(id).await.expect("answered");
    assert_eq!(cancelled, zapjobs_storage::CancelResult::NotFound);
}

pub(crate) async fn a_pruned_id_is_new_again(f: &Fixture) {
    f.settled(a_run("mail").id(1), completed()).await;
    f.prune(f.now().plus(seconds(1)), 10).await;
    f.enqueue(a_run("mail").id(1)).await;
}

pub(crate) async fn a_requeued_run_is_not_pruned_for_its_old_end(f: &Fixture) {
    let run = f.settled(a_run("mail"), failed("broken")).await;
    f.storage.requeue(run.id).await.expect("requeued");
    assert_eq!(f.prune(f.now().plus(seconds(86_400)), 10).await, 0);
    assert!(f.holds(run.id).await);
}
