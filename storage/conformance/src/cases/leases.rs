//! Attempts while they run: their leases, their progress, and leases that run out.

use std::time::Duration;

use zapjobs_model::{ItemCounts, Lease, LeaseKey, Outcome, Progress, Run, RunStatus};
use zapjobs_storage::LeaseState::{self, Held, Lost};
use zapjobs_storage::{ApplyResult, ClaimRequest, ProgressUpdate, QueueSelection, TenantSelection};

use crate::Fixture;
use crate::actions::{completed, ids, snoozed};
use crate::builders::{LEASE, MICROSECOND, a_run, run_id, seconds, worker};

const HOLDS: LeaseState = Held { cancel_requested: false };

impl Fixture {
    async fn renew(&self, key: LeaseKey, lease: Duration) -> LeaseState {
        let states = self.storage.renew(&[key], lease).await.expect("the lease is renewed");
        assert_eq!(states.len(), 1);
        states[0]
    }

    async fn expired(&self, limit: usize) -> Vec<Run> {
        self.storage.expired(limit).await.expect("expired leases are listed")
    }

    async fn progress(&self, key: LeaseKey, done: Option<u64>, processed: Option<u64>) {
        let progress = done.map(|done| Progress { done, total: Some(9), message: "ä".to_owned() });
        let counts = processed.map(|processed| ItemCounts { processed, ..ItemCounts::default() });
        let update = ProgressUpdate { key, progress, counts };
        self.storage.report_progress(&[update]).await.expect("progress is noted");
    }
}

pub(crate) async fn renewing_prolongs_the_lease_from_now(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(seconds(10));
    assert_eq!(f.renew(run.lease_key(), seconds(90)).await, HOLDS);
    let expected = Run { lease_expires_at: Some(f.now().plus(seconds(90))), ..run };
    assert_eq!(f.stored(expected.id).await, expected, "nothing else changes");
}

pub(crate) async fn a_renewed_lease_does_not_expire_at_its_old_end(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(seconds(20));
    f.renew(run.lease_key(), LEASE).await;
    f.clock.advance(seconds(20));
    assert_eq!(f.expired(10).await, []);
    f.clock.advance(seconds(20));
    assert_eq!(ids(&f.expired(10).await), [run.id]);
}

pub(crate) async fn a_lease_that_ran_out_can_be_renewed(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(LEASE * 2);
    assert_eq!(f.renew(run.lease_key(), LEASE).await, HOLDS);
    assert_eq!(f.expired(10).await, []);
}

pub(crate) async fn renewing_tells_of_a_requested_cancellation(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.request_cancel(run.id).await.expect("requested");
    assert_eq!(f.renew(run.lease_key(), LEASE).await, Held { cancel_requested: true });
}

pub(crate) async fn a_run_claimed_anew_is_lost_to_its_old_lease(f: &Fixture) {
    let old = f.settled(a_run("mail"), snoozed(seconds(0))).await;
    let new = f.claim_one().await;
    assert_eq!(f.renew(old.lease_key(), seconds(900)).await, Lost);
    assert_eq!(f.stored(new.id).await, new, "the new lease is as it was");
    assert_eq!(f.renew(new.lease_key(), LEASE).await, HOLDS);
}

pub(crate) async fn a_lease_of_an_ended_waiting_or_unknown_run_is_lost(f: &Fixture) {
    let ended = f.settled(a_run("mail"), completed()).await;
    let waiting = f.settled(a_run("mail"), snoozed(seconds(5))).await;
    let unknown = LeaseKey { run: run_id(1), lease: Lease(1) };
    for key in [ended.lease_key(), waiting.lease_key(), unknown] {
        assert_eq!(f.renew(key, LEASE).await, Lost);
    }
    assert_eq!(f.stored(ended.id).await, ended);
    assert_eq!(f.stored(waiting.id).await, waiting);
}

pub(crate) async fn renewals_are_answered_in_order(f: &Fixture) {
    let ended = f.settled(a_run("mail"), completed()).await;
    let [first, second] = [f.running(a_run("a")).await, f.running(a_run("b")).await];
    f.storage.request_cancel(first.id).await.expect("requested");
    let keys = [second.lease_key(), ended.lease_key(), first.lease_key()];
    let states = f.storage.renew(&keys, LEASE).await.expect("renewed");
    assert_eq!(states, [HOLDS, Lost, Held { cancel_requested: true }]);
    assert_eq!(f.storage.renew(&[], LEASE).await.expect("renewed"), []);
}

pub(crate) async fn a_lease_expires_at_its_very_end(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(LEASE - MICROSECOND);
    assert_eq!(f.expired(10).await, []);
    f.clock.advance(MICROSECOND);
    assert_eq!(f.expired(10).await, [run]);
}

pub(crate) async fn expired_leases_come_earliest_first(f: &Fixture) {
    for (number, lease) in [(1, 30), (2, 10), (3, 20)] {
        f.enqueue(a_run("mail").id(number)).await;
        let request = ClaimRequest {
            worker: worker(1),
            queues: QueueSelection::All,
            tenants: TenantSelection::All,
            limit: 1,
            lease: seconds(lease),
        };
        f.storage.claim(request).await.expect("claimed");
    }
    f.clock.advance(seconds(60));
    assert_eq!(ids(&f.expired(10).await), [run_id(2), run_id(3), run_id(1)]);
    assert_eq!(ids(&f.expired(2).await), [run_id(2), run_id(3)]);
}

pub(crate) async fn listing_expired_leases_writes_nothing(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(LEASE);
    assert_eq!(f.expired(10).await, f.expired(10).await);
    assert_eq!(f.stored(run.id).await, run);
    assert_eq!(f.claim(10).await, [], "only its settlement makes it pending");
}

pub(crate) async fn only_running_runs_expire(f: &Fixture) {
    f.settled(a_run("mail"), completed()).await;
    f.settled(a_run("mail"), snoozed(seconds(5))).await;
    f.enqueue(a_run("mail")).await;
    f.clock.advance(LEASE * 2);
    assert_eq!(f.expired(10).await, []);
}

pub(crate) async fn an_expired_run_settled_as_lost_can_be_claimed_again(f: &Fixture) {
    f.running(a_run("mail")).await;
    f.clock.advance(LEASE);
    let expired = f.expired(10).await;
    assert_eq!(f.settle(&expired[0], Outcome::Lost).await, ApplyResult::Applied);
    assert_eq!(f.expired(10).await, []);
    let again = f.claim_one().await;
    assert_eq!((again.lease, again.attempt, again.host_faults), (Lease(2), 1, 1));
}

pub(crate) async fn progress_and_counts_are_noted(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.progress(run.lease_key(), Some(4), Some(5)).await;
    let stored = f.stored(run.id).await;
    let expected = Progress { done: 4, total: Some(9), message: "ä".to_owned() };
    assert_eq!(stored.progress, expected);
    assert_eq!(stored.counts, ItemCounts { processed: 5, ..ItemCounts::default() });
    assert_eq!(stored.status, RunStatus::Running);
}

pub(crate) async fn absent_progress_leaves_what_was_noted(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.progress(run.lease_key(), Some(4), None).await;
    f.progress(run.lease_key(), None, Some(5)).await;
    f.progress(run.lease_key(), None, None).await;
    let stored = f.stored(run.id).await;
    assert_eq!((stored.progress.done, stored.counts.processed), (4, 5));
}

pub(crate) async fn the_newest_progress_stands(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.progress(run.lease_key(), Some(8), Some(8)).await;
    f.progress(run.lease_key(), Some(2), Some(1)).await;
    let stored = f.stored(run.id).await;
    assert_eq!((stored.progress.done, stored.counts.processed), (2, 1), "even if it fell back");
}

pub(crate) async fn progress_under_a_stale_lease_is_passed_over(f: &Fixture) {
    let old = f.settled(a_run("mail"), snoozed(seconds(0))).await;
    let new = f.claim_one().await;
    let unknown = LeaseKey { run: run_id(1), lease: Lease(1) };
    let update = |key, done| ProgressUpdate {
        key,
        progress: Some(Progress { done, ..Progress::default() }),
        counts: None,
    };
    let updates = [update(old.lease_key(), 1), update(unknown, 2), update(new.lease_key(), 3)];
    f.storage.report_progress(&updates).await.expect("noted");
    assert_eq!(f.stored(new.id).await.progress.done, 3);
    f.progress(old.lease_key(), Some(4), Some(4)).await;
    assert_eq!(f.stored(new.id).await.progress.done, 3);
    assert!(!f.holds(run_id(1)).await);
}

pub(crate) async fn progress_outlives_the_end_of_the_run(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.progress(run.lease_key(), Some(9), Some(9)).await;
    f.settle(&run, completed()).await;
    f.progress(run.lease_key(), Some(1), Some(1)).await;
    let stored = f.stored(run.id).await;
    assert_eq!((stored.progress.done, stored.counts.processed), (9, 9));
}
