//! Running finished runs again.

use zapjobs_model::{ItemCounts, Lease, Outcome, Progress, Run, RunStatus, Trigger};
use zapjobs_storage::RequeueResult::{self, NotFound, NotRequeuable, Requeued};
use zapjobs_storage::{ApplyResult, LeaseState, ProgressUpdate};

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, retry_in};
use crate::builders::{LEASE, a_line, a_run, run_id, seconds};

impl Fixture {
    async fn requeue(&self, run: &Run) -> RequeueResult {
        self.storage.requeue(run.id).await.expect("the requeue is answered")
    }

    /// A failed run with all that an attempt can leave.
    async fn failed_run(&self) -> Run {
        let run = self.running(a_run("mail").with_everything()).await;
        let update = ProgressUpdate {
            key: run.lease_key(),
            progress: Some(Progress { done: 1, total: None, message: "m".to_owned() }),
            counts: Some(ItemCounts { processed: 1, succeeded: 0, failed: 1 }),
        };
        self.storage.report_progress(&[update]).await.expect("noted");
        self.storage.append_logs(&[a_line(run.id, 1, 0)]).await.expect("kept");
        let transition =
            zapjobs_model::Transition { host_faults: 2, ..self.transition(&run, failed("broken")) };
        assert_eq!(self.apply(transition).await, ApplyResult::Applied);
        self.stored(run.id).await
    }
}

pub(crate) async fn a_failed_run_is_pending_again_as_if_it_were_new(f: &Fixture) {
    let run = f.failed_run().await;
    f.clock.advance(seconds(60));
    assert_eq!(f.requeue(&run).await, Requeued);
    let again = f.stored(run.id).await;
    let expected = Run {
        status: RunStatus::Pending,
        trigger: Trigger::Retry,
        due_at: f.now(),
        attempt: 0,
        host_faults: 0,
        error: None,
        output: None,
        started_at: None,
        finished_at: None,
        progress: Progress::default(),
        counts: ItemCounts::default(),
        // What the contract leaves open.
        usage: again.usage,
        digest: again.digest,
        worker: again.worker,
        ..run
    };
    assert_eq!(again, expected);
}

pub(crate) async fn a_cancelled_run_can_be_requeued(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    f.storage.request_cancel(id).await.expect("cancelled");
    let run = f.stored(id).await;
    assert_eq!(f.requeue(&run).await, Requeued);
    assert_eq!(f.claim_one().await.id, id);
}

pub(crate) async fn a_requeued_run_has_all_its_attempts(f: &Fixture) {
    let run = f.settled(a_run("mail").max_attempts(1), failed("broken")).await;
    f.requeue(&run).await;
    let again = f.claim_one().await;
    assert_eq!((again.attempt, again.max_attempts), (1, 1));
}

pub(crate) async fn a_requeued_run_keeps_old_attempts_fenced(f: &Fixture) {
    let old = f.settled(a_run("mail"), failed("broken")).await;
    f.requeue(&old).await;
    let pending = ApplyResult::WrongStatus(RunStatus::Pending);
    assert_eq!(f.settle(&old, completed()).await, pending);
    let again = f.claim_one().await;
    assert_eq!(again.lease, Lease(2));
    assert_eq!(f.settle(&old, completed()).await, ApplyResult::StaleLease);
    let states = f.storage.renew(&[old.lease_key()], LEASE).await.expect("renewed");
    assert_eq!(states, [LeaseState::Lost]);
}

pub(crate) async fn a_requeued_run_keeps_its_log(f: &Fixture) {
    let run = f.failed_run().await;
    f.requeue(&run).await;
    assert_eq!(f.log(run.id).await, ["line 1.0"]);
}

pub(crate) async fn a_run_cancelled_while_it_ran_is_not_told_to_stop_again(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.request_cancel(run.id).await.expect("requested");
    f.settle(&run, Outcome::Cancelled(a_failure("asked"))).await;
    assert_eq!(f.requeue(&run).await, Requeued);
    let again = f.claim_one().await;
    assert!(!again.cancel_requested, "the request was for the attempt that ended");
    assert_eq!(f.storage.cancel_requests(&[again.lease_key()]).await.expect("answered"), []);
}

pub(crate) async fn a_completed_run_is_not_requeued(f: &Fixture) {
    let run = f.settled(a_run("mail"), completed()).await;
    assert_eq!(f.requeue(&run).await, NotRequeuable(RunStatus::Completed));
    assert_eq!(f.stored(run.id).await, run);
}

pub(crate) async fn a_run_that_has_not_ended_is_not_requeued(f: &Fixture) {
    let retrying = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    let running = f.running(a_run("mail")).await;
    let scheduled = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    let pending = f.enqueue(a_run("mail")).await;
    let [scheduled, pending] = [f.stored(scheduled).await, f.stored(pending).await];
    for run in [retrying, running, scheduled, pending] {
        assert_eq!(f.requeue(&run).await, NotRequeuable(run.status));
        assert_eq!(f.stored(run.id).await, run, "nothing changes");
    }
}

pub(crate) async fn an_unknown_run_is_not_requeued(f: &Fixture) {
    assert_eq!(f.storage.requeue(run_id(1)).await.expect("answered"), NotFound);
    assert!(!f.holds(run_id(1)).await);
}
