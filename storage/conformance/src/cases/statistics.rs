//! What counts as what.

use std::future::Future;

use zapjobs_model::{JobSchedule, Lease, Outcome, Run, RunStatus, Transition, Usage};
use zapjobs_storage::ApplyResult::Applied;
use zapjobs_storage::{
    Activity, ApplyResult, BATCH_MAX, CancelResult, EnqueueResult, FireRequest, FireResult,
    PruneRequest, Span, SpanStatistics, StatisticsRequest,
};

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, retry_in, snoozed};
use crate::builders::{
    LEASE, RunBuilder, a_run, a_schedule, queue, run_id, seconds, some_runs, tenant,
};

const NOTHING: Activity = Activity {
    enqueued: 0,
    started: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    retried: 0,
    put_back: 0,
    cpu_us: 0,
    wall_us: 0,
};

impl Fixture {
    pub(super) async fn statistics(
        &self,
        span: Span,
        latest: usize,
        of: Option<&str>,
    ) -> Vec<SpanStatistics> {
        self.statistics_of(span, latest, None, of).await
    }

    pub(super) async fn statistics_of(
        &self,
        span: Span,
        latest: usize,
        of_tenant: Option<&str>,
        of: Option<&str>,
    ) -> Vec<SpanStatistics> {
        let (tenant, queue) = (of_tenant.map(tenant), of.map(queue));
        let request = StatisticsRequest { span, latest, tenant, queue };
        self.storage.statistics(request).await.expect("the statistics are read")
    }

    /// All that was counted, the same by hour, day and in total: time must not have passed.
    pub(super) async fn activity(&self) -> Activity {
        let mut sums = Vec::new();
        for span in [Span::Hour, Span::Day, Span::Total] {
            let rows = self.statistics(span, 1, None).await;
            assert!(rows.len() <= 1, "{rows:?}");
            sums.push(rows.first().map_or(NOTHING, |row| row.activity));
        }
        assert_eq!([sums[1], sums[2]], [sums[0]; 2], "by hour, by day and in total");
        sums[0]
    }

    /// Expects that something counts as this.
    async fn counts_as(&self, happening: impl Future<Output = ()>, expected: Activity) {
        let mut sums = self.activity().await;
        happening.await;
        sums.add(&expected);
        assert_eq!(self.activity().await, sums);
    }

    /// Expects that the end of an attempt of this run counts as this.
    async fn end_counts_as(&self, run: RunBuilder, outcome: Outcome, expected: Activity) {
        let run = self.running(run).await;
        let end = async { assert_eq!(self.settle(&run, outcome).await, Applied) };
        self.counts_as(end, expected).await;
    }
}

pub(crate) async fn nothing_is_counted_at_first(f: &Fixture) {
    for span in [Span::Hour, Span::Day, Span::Total] {
        assert_eq!(f.statistics(span, 400, None).await, []);
        assert_eq!(f.statistics(span, 400, Some("default")).await, []);
    }
}

pub(crate) async fn each_stored_run_counts_as_enqueued(f: &Fixture) {
    let known = a_run("mail").build();
    let batch = [known.clone(), a_run("mail").due_in(seconds(5)).build(), known];
    let stored = async {
        let answers = f.storage.enqueue(&batch).await.expect("enqueued");
        assert_eq!(answers[2], EnqueueResult::Duplicate);
    };
    f.counts_as(stored, Activity { enqueued: 2, ..NOTHING }).await;
    let again = async { f.storage.enqueue(&batch).await.map(drop).expect("duplicates") };
    f.counts_as(again, NOTHING).await;
}

pub(crate) async fn a_refused_batch_counts_nothing(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let refused = async {
        f.storage.enqueue(&some_runs("mail", BATCH_MAX + 1)).await.expect_err("too long");
        let completion = f.transition(&run, completed());
        let invalid = Transition { status: RunStatus::Running, ..completion.clone() };
        f.storage.apply(&[completion, invalid]).await.expect_err("left running");
    };
    f.counts_as(refused, NOTHING).await;
}

pub(crate) async fn a_fired_run_counts_as_enqueued(f: &Fixture) {
    let first = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let second = JobSchedule { revision: first.revision + 1, ..first.clone() };
    let request = |number, schedule: &JobSchedule| FireRequest {
        runs: vec![a_run("mail").tenant("acme").id(number).build()],
        schedule: schedule.clone(),
    };
    let fire = |request, expected| async move {
        assert_eq!(f.storage.fire(&[request]).await.expect("answered"), [expected]);
    };
    let one = Activity { enqueued: 1, ..NOTHING };
    f.counts_as(fire(request(1, &first), FireResult::Fired), one).await;
    // The run is there already: only the schedule moves on.
    f.counts_as(fire(request(1, &second), FireResult::Fired), NOTHING).await;
    f.counts_as(fire(request(2, &first), FireResult::Superseded), NOTHING).await;
}

pub(crate) async fn each_claim_counts_as_started(f: &Fixture) {
    f.enqueue_all([a_run("a"), a_run("b"), a_run("c")]).await;
    let claim = async { assert_eq!(f.claim(2).await.len(), 2) };
    f.counts_as(claim, Activity { started: 2, ..NOTHING }).await;
    f.claim(10).await;
    let nothing_left = async { assert_eq!(f.claim(2).await, []) };
    f.counts_as(nothing_left, NOTHING).await;
    let lost = f.settled(a_run("d"), Outcome::Lost).await;
    let again = async { assert_eq!(f.claim_one().await.id, lost.id) };
    f.counts_as(again, Activity { started: 1, ..NOTHING }).await;
}

pub(crate) async fn a_claim_by_name_counts_as_started(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    let claim = async { assert_eq!(f.claim_run(id).await.id, id) };
    f.counts_as(claim, Activity { started: 1, ..NOTHING }).await;
    let request = super::claim_run::wish(id);
    let refused = async { drop(f.storage.claim_run(request).await.expect("answered")) };
    f.counts_as(refused, NOTHING).await;
}

pub(crate) async fn each_way_to_end_counts_as_itself(f: &Fixture) {
    let cancelled = Outcome::Cancelled(a_failure("asked"));
    f.end_counts_as(a_run("a"), completed(), Activity { completed: 1, ..NOTHING }).await;
    f.end_counts_as(a_run("b"), failed("oops"), Activity { failed: 1, ..NOTHING }).await;
    f.end_counts_as(a_run("c"), cancelled, Activity { cancelled: 1, ..NOTHING }).await;
}

pub(crate) async fn a_failure_with_attempts_left_counts_as_retried(f: &Fixture) {
    let retried = Activity { retried: 1, ..NOTHING };
    f.end_counts_as(a_run("mail").max_attempts(2), retry_in(seconds(5)), retried).await;
    let failed = Activity { failed: 1, ..NOTHING };
    f.end_counts_as(a_run("mail").max_attempts(1), retry_in(seconds(5)), failed).await;
}

pub(crate) async fn an_attempt_without_a_result_counts_as_put_back(f: &Fixture) {
    let put_back = Activity { put_back: 1, ..NOTHING };
    f.end_counts_as(a_run("a"), snoozed(seconds(5)), put_back).await;
    let handed_back = Outcome::HandedBack { after_ms: 5_000, error: None };
    f.end_counts_as(a_run("b"), handed_back, put_back).await;
    f.end_counts_as(a_run("c"), Outcome::Lost, put_back).await;
}

pub(crate) async fn what_attempts_used_is_summed(f: &Fixture) {
    for (outcome, cpu_us, wall_us) in [(completed(), 3, 1 << 40), (Outcome::Lost, 40, 500)] {
        let run = f.running(a_run("mail")).await;
        let usage = Usage { cpu_us, wall_us, ..Usage::default() };
        assert_eq!(f.apply(Transition { usage, ..f.transition(&run, outcome) }).await, Applied);
    }
    let sums = f.activity().await;
    assert_eq!((sums.cpu_us, sums.wall_us), (43, (1 << 40) + 500));
}

pub(crate) async fn a_refused_transition_counts_nothing(f: &Fixture) {
    let ended = f.settled(a_run("a"), completed()).await;
    let asked = f.running(a_run("b")).await;
    f.storage.request_cancel(asked.id).await.expect("requested");
    let usage = Usage { cpu_us: 9, wall_us: 9, ..Usage::default() };
    let batch = [
        f.transition(&ended, completed()),
        f.transition(&Run { lease: Lease(9), ..asked.clone() }, completed()),
        f.transition(&Run { id: run_id(1), ..asked.clone() }, completed()),
        f.transition(&asked, retry_in(seconds(1))),
    ]
    .map(|transition| Transition { usage, ..transition });
    let refused = async {
        let answers = f.storage.apply(&batch).await.expect("answered");
        assert!(!answers.contains(&Applied), "{answers:?}");
    };
    f.counts_as(refused, NOTHING).await;
}

pub(crate) async fn of_two_ends_of_one_attempt_in_a_batch_one_counts(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let batch = [f.transition(&run, completed()), f.transition(&run, failed("late"))];
    let applied = async {
        let answers = f.storage.apply(&batch).await.expect("applied");
        assert_eq!(answers, [Applied, ApplyResult::WrongStatus(RunStatus::Completed)]);
    };
    f.counts_as(applied, Activity { completed: 1, ..NOTHING }).await;
}

pub(crate) async fn a_waiting_run_that_is_cancelled_counts_as_cancelled(f: &Fixture) {
    let [pending, scheduled] = f.enqueue_all([a_run("a"), a_run("b").due_in(seconds(5))]).await;
    let cancelled = async {
        for id in [pending, scheduled, pending] {
            f.storage.request_cancel(id).await.expect("answered");
        }
    };
    f.counts_as(cancelled, Activity { cancelled: 2, ..NOTHING }).await;
}

pub(crate) async fn a_running_run_that_should_stop_counts_only_as_what_it_ends_as(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let asked = async { assert_eq!(f.cancel(&run).await, CancelResult::Requested) };
    f.counts_as(asked, NOTHING).await;
    let ended = async { assert_eq!(f.settle(&run, completed()).await, Applied) };
    f.counts_as(ended, Activity { completed: 1, ..NOTHING }).await;
}

pub(crate) async fn what_neither_begins_nor_ends_anything_counts_nothing(f: &Fixture) {
    let broken = f.settled(a_run("a"), failed("broken")).await;
    let running = f.running(a_run("b")).await;
    f.enqueue(a_run("c").due_at(f.now().plus(seconds(1)))).await;
    // Within the same hour.
    f.clock.advance(seconds(1));
    let busy = async {
        assert_eq!(f.storage.promote(10).await.expect("promoted").count, 1);
        f.storage.renew(&[running.lease_key()], LEASE).await.expect("renewed");
        f.storage.requeue(broken.id).await.expect("requeued");
    };
    f.counts_as(busy, NOTHING).await;
}

pub(crate) async fn sums_outlive_their_runs(f: &Fixture) {
    f.settled(a_run("mail"), completed()).await;
    let pruned = async {
        let request = PruneRequest { finished_before: f.now().plus(seconds(1)), limit: 10 };
        assert_eq!(f.storage.prune(request).await.expect("pruned"), 1);
    };
    f.counts_as(pruned, NOTHING).await;
}
