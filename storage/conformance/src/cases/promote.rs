//! Runs whose time has come.

use zapjobs_model::{Run, RunStatus, Timestamp};
use zapjobs_storage::Promoted;

use crate::Fixture;
use crate::actions::retry_in;
use crate::builders::{MICROSECOND, a_run, seconds};

impl Fixture {
    async fn promote(&self, limit: usize) -> Promoted {
        self.storage.promote(limit).await.expect("the runs are promoted")
    }
}

fn promoted(count: usize, next_due: Option<Timestamp>) -> Promoted {
    Promoted { count, next_due }
}

pub(crate) async fn nothing_waits_in_an_empty_storage(f: &Fixture) {
    assert_eq!(f.promote(10).await, promoted(0, None));
}

pub(crate) async fn a_run_is_promoted_from_its_very_instant_on(f: &Fixture) {
    let id = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    let due_at = f.now().plus(seconds(5));
    f.clock.advance(seconds(5) - MICROSECOND);
    assert_eq!(f.promote(10).await, promoted(0, Some(due_at)));
    f.clock.advance(MICROSECOND);
    assert_eq!(f.promote(10).await, promoted(1, None));
    assert_eq!(f.status(id).await, RunStatus::Pending);
}

pub(crate) async fn a_promoted_run_keeps_its_due_time_and_all_else(f: &Fixture) {
    let id = f.enqueue(a_run("mail").with_everything().due_in(seconds(5))).await;
    let before = f.stored(id).await;
    f.clock.advance(seconds(60));
    f.promote(10).await;
    assert_eq!(f.stored(id).await, Run { status: RunStatus::Pending, ..before });
}

pub(crate) async fn a_run_that_awaits_a_retry_is_promoted(f: &Fixture) {
    let run = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    assert_eq!(f.promote(10).await, promoted(1, None));
    assert_eq!(f.stored(run.id).await, Run { status: RunStatus::Pending, ..run });
}

pub(crate) async fn a_promoted_run_keeps_its_error_until_it_is_claimed(f: &Fixture) {
    let run = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    f.promote(10).await;
    assert_eq!(f.stored(run.id).await.error, run.error);
    assert_eq!(f.claim_one().await.error, None);
}

pub(crate) async fn the_earliest_are_promoted_first(f: &Fixture) {
    let [third, first, second] =
        f.enqueue_all([3, 1, 2].map(|wait| a_run("mail").due_in(seconds(wait)))).await;
    let start = f.now();
    f.clock.advance(seconds(10));
    assert_eq!(f.promote(2).await, promoted(2, Some(start.plus(seconds(3)))));
    assert_eq!(f.status(first).await, RunStatus::Pending);
    assert_eq!(f.status(second).await, RunStatus::Pending);
    assert_eq!(f.status(third).await, RunStatus::Scheduled);
    assert_eq!(f.promote(2).await, promoted(1, None));
}

pub(crate) async fn the_next_due_time_is_the_earliest_that_still_waits(f: &Fixture) {
    f.enqueue_all([9, 1, 7].map(|wait| a_run("mail").due_in(seconds(wait)))).await;
    let start = f.now();
    assert_eq!(f.promote(10).await, promoted(0, Some(start.plus(seconds(1)))));
    f.clock.advance(seconds(1));
    assert_eq!(f.promote(10).await, promoted(1, Some(start.plus(seconds(7)))));
}

pub(crate) async fn a_run_that_was_due_longer_is_claimed_before_a_newer_one(f: &Fixture) {
    let delayed = f.enqueue(a_run("mail").due_in(seconds(1))).await;
    f.clock.advance(seconds(5));
    f.enqueue(a_run("mail").id(1)).await;
    f.promote(10).await;
    assert_eq!(f.claim_one().await.id, delayed, "it is ready since its due time");
}

pub(crate) async fn runs_in_other_states_are_not_promoted(f: &Fixture) {
    let finished = f.settled(a_run("mail"), crate::actions::completed()).await;
    let running = f.running(a_run("mail")).await;
    f.clock.advance(seconds(600));
    assert_eq!(f.promote(10).await, promoted(0, None));
    assert_eq!(f.stored(finished.id).await, finished);
    assert_eq!(f.stored(running.id).await, running);
}
