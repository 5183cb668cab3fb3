//! Limits, pauses, and the admission of runs that they hold.

use std::sync::Arc;

use zapjobs_model::flow::ADMIT_RUNS_MAX;
use zapjobs_model::{
    FlowLimit, LimitChange, LimitScope, Outcome, RetryPolicy, RunId, RunStatus, Usage, settle,
};
use zapjobs_storage::{
    AdmitRequest, Admitted, ApplyResult, CancelResult, ClaimRequest, ClaimedRun, Clock as _,
    Notice, QueueSelection, RunFilter,
};

use crate::Fixture;
use crate::actions::{claimed_ids, completed, failed, retry_in, snoozed, told};
use crate::builders::{a_run, key, queue, seconds, some_runs, worker};
use crate::samples::a_claim;

const HANDED_BACK: Outcome = Outcome::HandedBack { after_ms: 0, error: None };

impl Fixture {
    pub(crate) async fn limit(&self, scope: &LimitScope, limit: FlowLimit) {
        self.change_limit(scope, LimitChange::set(limit)).await;
    }

    pub(crate) async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Option<FlowLimit> {
        self.storage.change_limit(scope, change).await.expect("the limit is changed")
    }

    pub(crate) async fn admit(&self, limit: usize) -> Admitted {
        let request = AdmitRequest { queues: QueueSelection::All, limit };
        self.storage.admit(request).await.expect("the admission is answered")
    }

    pub(crate) async fn used(&self, scope: &LimitScope) -> (u64, u64) {
        let limits = self.storage.limits().await.expect("the limits are listed");
        let used = limits.iter().find(|used| used.scope == *scope).expect("it is listed");
        (used.in_use, used.held)
    }

    /// Admits and claims all that may go.
    pub(crate) async fn go(&self) -> Vec<RunId> {
        self.admit(100).await;
        claimed_ids(&self.claim(100).await)
    }
}

pub(super) fn of_job() -> LimitScope {
    LimitScope::Job(key("default", "mail"))
}

pub(super) fn of_key() -> LimitScope {
    LimitScope::PerKey(key("default", "mail"))
}

pub(super) fn one_at_a_time() -> FlowLimit {
    FlowLimit::concurrency(1)
}

pub(crate) async fn a_storage_without_limits_has_nothing_to_admit(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    assert_eq!(f.admit(10).await, Admitted::IDLE);
    assert_eq!(f.storage.limits().await.expect("listed"), []);
    assert_eq!(f.claim_one().await.id, id);
}

pub(crate) async fn a_run_that_a_limit_applies_to_is_held_and_told_as_ready(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let mut notices = f.storage.subscribe();
    let id = f.enqueue(a_run("mail").queue("q")).await;
    told(&mut notices, Notice::Ready(queue("q"))).await;
    let other = f.enqueue(a_run("other").queue("q")).await;
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.claim_one().await.id, other);
    assert_eq!(f.admit(10).await.count, 1);
    told(&mut notices, Notice::Ready(queue("q"))).await;
    let run = f.stored(id).await;
    assert_eq!((run.status, run.due_at), (RunStatus::Pending, run.created_at));
}

pub(crate) async fn no_more_are_admitted_than_the_limit_has_slots(f: &Fixture) {
    f.limit(&of_job(), FlowLimit::concurrency(3)).await;
    let ids = f.enqueue_all([a_run("mail"), a_run("mail"), a_run("mail"), a_run("mail")]).await;
    let admitted = f.admit(2).await;
    assert_eq!((admitted.count, admitted.has_more), (2, true));
    let admitted = f.admit(10).await;
    assert_eq!((admitted.count, admitted.has_more, admitted.next_at), (1, false, None));
    assert_eq!(f.admit(10).await.count, 0);
    assert_eq!(claimed_ids(&f.claim(10).await), ids[..3]);
    assert_eq!(f.admit(10).await.count, 0, "a run that is claimed keeps its slot");
    assert_eq!(f.used(&of_job()).await, (3, 1));
}

pub(crate) async fn a_slot_is_given_back_when_its_run_ends_waits_or_is_cancelled(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    for outcome in [completed(), failed("no"), retry_in(seconds(9)), snoozed(seconds(9))] {
        f.enqueue(a_run("mail")).await;
        f.admit(1).await;
        let run = f.claim_one().await;
        assert_eq!(f.used(&of_job()).await.0, 1);
        assert_eq!(f.settle(&run, outcome).await, ApplyResult::Applied);
        assert_eq!(f.used(&of_job()).await.0, 0);
    }
    let id = f.enqueue(a_run("mail")).await;
    f.admit(1).await;
    let cancelled = f.storage.request_cancel(id).await.expect("answered");
    assert_eq!(cancelled, CancelResult::Cancelled);
    assert_eq!(f.used(&of_job()).await, (0, 0));
}

pub(crate) async fn an_attempt_handed_back_at_once_keeps_its_slot(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let [id, _] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    f.admit(1).await;
    let run = f.claim_one().await;
    f.settle(&run, HANDED_BACK).await;
    assert_eq!(f.status(id).await, RunStatus::Pending);
    assert_eq!(f.used(&of_job()).await, (1, 1));
    assert_eq!(f.go().await, [id]);
}

pub(crate) async fn held_runs_are_admitted_in_the_order_of_claims(f: &Fixture) {
    f.limit(&LimitScope::Everything, one_at_a_time()).await;
    let first = f.enqueue(a_run("mail")).await;
    let other = f.enqueue(a_run("other").queue("b").tenant("zeta")).await;
    f.clock.advance(seconds(1));
    let urgent = f.enqueue(a_run("mail").queue("b").priority(5)).await;
    let last = f.enqueue(a_run("mail")).await;
    let mut order = Vec::new();
    while order.len() < 4 {
        f.admit(10).await;
        let run = f.claim_one().await;
        order.push(run.id);
        f.settle(&run, completed()).await;
    }
    assert_eq!(order, [urgent, first, other, last]);
}

pub(crate) async fn each_key_has_slots_of_its_own(f: &Fixture) {
    f.limit(&of_key(), one_at_a_time()).await;
    let ids = f
        .enqueue_all([
            a_run("mail").limit_key("x"),
            a_run("mail").limit_key("x"),
            a_run("mail").limit_key("y/1 ü"),
            a_run("mail").limit_key("y/1 ü").queue("other"),
            a_run("mail").limit_key("y"),
        ])
        .await;
    assert_eq!(f.go().await, [ids[0], ids[2], ids[4]]);
    assert_eq!(f.used(&of_key()).await, (3, 2));
    let run = f.stored(ids[2]).await;
    f.settle(&run, completed()).await;
    assert_eq!(f.go().await, [ids[3]]);
}

pub(crate) async fn a_run_without_a_key_is_not_limited_per_key(f: &Fixture) {
    f.limit(&of_key(), one_at_a_time()).await;
    f.enqueue_all([a_run("mail"), a_run("mail"), a_run("other").limit_key("x")]).await;
    assert_eq!(f.claim(10).await.len(), 3);
}

pub(crate) async fn all_limits_of_a_run_must_have_room(f: &Fixture) {
    f.limit(&LimitScope::Queue(queue("q")), one_at_a_time()).await;
    f.limit(&of_job(), one_at_a_time()).await;
    let [both, of_queue, of_mail] = f
        .enqueue_all([
            a_run("mail").queue("q"),
            a_run("other").queue("q"),
            a_run("mail").queue("elsewhere"),
        ])
        .await;
    assert_eq!(f.go().await, [both]);
    let run = f.stored(both).await;
    f.settle(&run, completed()).await;
    let mut went = f.go().await;
    went.sort();
    assert_eq!(went, [of_queue, of_mail]);
}

pub(crate) async fn a_host_is_given_runs_of_its_queues_alone(f: &Fixture) {
    f.limit(&LimitScope::Everything, one_at_a_time()).await;
    let [elsewhere, here] =
        f.enqueue_all([a_run("mail").queue("a"), a_run("mail").queue("b")]).await;
    let queues = QueueSelection::Only(vec![queue("b"), queue("none")]);
    let admitted = f.storage.admit(AdmitRequest { queues, limit: 10 }).await.expect("admitted");
    assert_eq!(admitted.count, 1);
    assert_eq!(f.status(elsewhere).await, RunStatus::Held);
    assert_eq!(f.status(here).await, RunStatus::Pending);
}

pub(crate) async fn several_hosts_that_admit_at_once_never_exceed_a_limit(f: &Fixture) {
    const SLOTS: usize = 3;
    const RUNS: usize = 60;
    f.limit(&of_job(), FlowLimit::concurrency(3)).await;
    f.storage.enqueue(&some_runs("mail", RUNS)).await.expect("stored");
    let host = |number| {
        let storage = Arc::clone(&f.storage);
        let clock = Arc::clone(&f.clock);
        async move {
            let mut done = 0;
            loop {
                let request = AdmitRequest { queues: QueueSelection::All, limit: 2 };
                storage.admit(request).await.expect("answered");
                let request = ClaimRequest { worker: worker(number), ..a_claim(2) };
                let claimed = storage.claim(request).await.expect("answered");
                let counts = storage.counts(&RunFilter::default()).await;
                let counts = counts.expect("counted");
                assert!((counts.running + counts.pending) as usize <= SLOTS, "{counts:?}");
                let end = |it: &ClaimedRun| {
                    let policy = RetryPolicy::default();
                    settle(&it.run, completed(), Usage::default(), clock.now(), &policy, 0.5)
                };
                let ended: Vec<_> = claimed.iter().map(end).collect();
                done += ended.len();
                storage.apply(&ended).await.expect("applied");
                if counts.held + counts.running + counts.pending == 0 {
                    return done;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    let hosts: Vec<_> = (1..=4).map(|number| tokio::spawn(host(number))).collect();
    let mut done = 0;
    for host in hosts {
        done += host.await.expect("no limit was exceeded");
    }
    assert_eq!(done, RUNS);
}

pub(crate) async fn an_admission_takes_no_more_than_it_may(f: &Fixture) {
    f.change_limit(&of_job(), LimitChange::Pause).await;
    f.storage.enqueue(&some_runs("mail", ADMIT_RUNS_MAX + 5)).await.expect("stored");
    f.change_limit(&of_job(), LimitChange::Resume).await;
    let admitted = f.admit(usize::MAX).await;
    assert_eq!((admitted.count, admitted.has_more), (ADMIT_RUNS_MAX, true));
    assert_eq!(f.admit(usize::MAX).await.count, 5);
}
