//! Limits, pauses, and the admission of runs that they hold.

use std::sync::Arc;

use zapjobs_model::flow::ADMIT_RUNS_MAX;
use zapjobs_model::{
    FlowLimit, LimitChange, LimitKeyPointer, LimitScope, Outcome, Rate, RateAlgorithm, RetryPolicy,
    RunId, RunStatus, Usage, settle,
};
use zapjobs_storage::{
    AdmitRequest, Admitted, ApplyResult, CancelResult, ClaimRequest, ClaimRunRequest, ClaimRunResult,
    ClaimedRun, Clock as _, ErrorKind, FireRequest, LimitUse, Notice, QueueSelection, ReleaseResult,
    RequeueResult, RunFilter,
};

use crate::Fixture;
use crate::actions::{claimed_ids, completed, failed, refused, retry_in, snoozed, told};
use crate::builders::{
    LEASE, a_run, a_schedule, key, queue, seconds, some_runs, tenant, worker,
};
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

    async fn used(&self, scope: &LimitScope) -> (u64, u64) {
        let limits = self.storage.limits().await.expect("the limits are listed");
        let used = limits.iter().find(|used| used.scope == *scope).expect("it is listed");
        (used.in_use, used.held)
    }

    /// Admits and claims all that may go.
    async fn go(&self) -> Vec<RunId> {
        self.admit(100).await;
        claimed_ids(&self.claim(100).await)
    }
}

fn of_job() -> LimitScope {
    LimitScope::Job(key("default", "mail"))
}

fn of_key() -> LimitScope {
    LimitScope::PerKey(key("default", "mail"))
}

fn one_at_a_time() -> FlowLimit {
    FlowLimit::concurrency(1)
}

pub(crate) async fn a_storage_without_limits_has_nothing_to_admit(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    assert_eq!(f.admit(10).await, Admitted::IDLE);
    assert_eq!(f.storage.limits().await.expect("listed"), []);
    assert_eq!(f.claim_one().await.id, id);
}

pub(crate) async fn a_limit_is_kept_as_it_was_put(f: &Fixture) {
    let rate = Rate::new(7, seconds(60)).kept_by(RateAlgorithm::SlidingWindow);
    let limit = FlowLimit {
        rate: Some(rate),
        key_pointer: LimitKeyPointer::new("/customer").ok(),
        ..FlowLimit::concurrency(3)
    };
    f.limit(&of_key(), limit.clone()).await;
    f.limit(&LimitScope::Everything, one_at_a_time()).await;
    let paused = f.change_limit(&LimitScope::Everything, LimitChange::Pause).await;
    let unused = |scope, limit| LimitUse { scope, limit, in_use: 0, held: 0 };
    let everything = unused(LimitScope::Everything, paused.expect("it is limited"));
    let listed = f.storage.limits().await.expect("listed");
    assert_eq!(listed, [everything, unused(of_key(), limit)]);
    let in_force = f.storage.limits_in_force().await.expect("read");
    assert_eq!(in_force.len(), 2);
    f.change_limit(&of_key(), LimitChange::Remove).await;
    f.change_limit(&LimitScope::Everything, LimitChange::Remove).await;
    f.change_limit(&LimitScope::Everything, LimitChange::Resume).await;
    assert_eq!(f.storage.limits().await.expect("listed"), []);
}

pub(crate) async fn limits_that_make_no_sense_are_refused_and_change_nothing(f: &Fixture) {
    for bad in [FlowLimit::default(), FlowLimit::concurrency(0)] {
        let answer = f.storage.change_limit(&of_job(), LimitChange::set(bad)).await;
        refused(answer, ErrorKind::InvalidRequest);
    }
    refused(
        f.storage.change_limit(&of_key(), LimitChange::Pause).await,
        ErrorKind::InvalidRequest,
    );
    assert_eq!(f.storage.limits().await.expect("listed"), []);
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

pub(crate) async fn runs_that_were_ready_before_a_limit_are_held(f: &Fixture) {
    let scopes = [
        LimitScope::Everything,
        LimitScope::Tenant(tenant("default")),
        LimitScope::Queue(queue("default")),
        of_job(),
        of_key(),
    ];
    for scope in scopes {
        let runs = [a_run("mail").limit_key("x"), a_run("mail").limit_key("x")];
        let [first, second] = f.enqueue_all(runs).await;
        f.limit(&scope, one_at_a_time()).await;
        assert_eq!(f.claim(10).await, [], "{scope}");
        assert_eq!(f.go().await, [first], "{scope}");
        f.change_limit(&scope, LimitChange::Remove).await;
        assert_eq!(f.go().await, [second], "{scope}");
        assert_eq!(f.admit(10).await, Admitted::IDLE);
        for id in [first, second] {
            let run = f.stored(id).await;
            f.settle(&run, completed()).await;
        }
    }
}

pub(crate) async fn runs_that_were_running_before_a_limit_count(f: &Fixture) {
    let run = f.running(a_run("mail").limit_key("x")).await;
    f.limit(&of_job(), one_at_a_time()).await;
    f.limit(&of_key(), one_at_a_time()).await;
    let next = f.enqueue(a_run("mail").limit_key("x")).await;
    assert_eq!((f.used(&of_job()).await, f.used(&of_key()).await), ((1, 1), (1, 1)));
    assert_eq!(f.go().await, []);
    f.settle(&run, completed()).await;
    assert_eq!(f.go().await, [next]);
}

pub(crate) async fn a_pause_stops_what_is_ready_and_a_resume_lets_it_go(f: &Fixture) {
    let scopes = [LimitScope::Queue(queue("default")), of_job(), LimitScope::Everything];
    for scope in scopes {
        let before = f.enqueue(a_run("mail")).await;
        f.change_limit(&scope, LimitChange::Pause).await;
        let after = f.enqueue(a_run("mail")).await;
        assert_eq!(f.go().await, [], "{scope}");
        f.change_limit(&scope, LimitChange::Resume).await;
        assert_eq!(f.go().await, [before, after], "{scope}");
    }
}

pub(crate) async fn a_run_under_way_goes_on_under_a_pause(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.change_limit(&LimitScope::Everything, LimitChange::Pause).await;
    assert_eq!(f.settle(&run, completed()).await, ApplyResult::Applied);
}

pub(crate) async fn a_lifted_limit_lets_all_go_in_steps(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    f.enqueue_all([a_run("mail"), a_run("mail"), a_run("mail")]).await;
    f.change_limit(&of_job(), LimitChange::Remove).await;
    let admitted = f.admit(2).await;
    assert_eq!((admitted.count, admitted.has_more), (2, true));
    let admitted = f.admit(2).await;
    assert_eq!((admitted.count, admitted.has_more), (1, false));
    assert_eq!(f.admit(2).await, Admitted::IDLE);
    assert_eq!(f.claim(10).await.len(), 3);
}

pub(crate) async fn a_rate_admits_its_burst_and_then_one_at_a_time(f: &Fixture) {
    let rate = Rate::new(10, seconds(1)).kept_by(RateAlgorithm::TokenBucket { burst: 2 });
    f.limit(&of_job(), FlowLimit::rate(rate)).await;
    f.storage.enqueue(&some_runs("mail", 9)).await.expect("stored");
    let next_at = f.now().plus(seconds(1) / 10);
    let admitted = f.admit(100).await;
    assert_eq!((admitted.count, admitted.next_at, admitted.has_more), (2, Some(next_at), false));
    assert_eq!(f.admit(100).await.next_at, Some(next_at));
    f.clock.advance(seconds(1) / 10);
    assert_eq!(f.admit(100).await.count, 1);
    f.clock.advance(seconds(3600));
    assert_eq!(f.admit(100).await.count, 2, "an outage makes no larger burst");
}

pub(crate) async fn a_sliding_window_admits_its_count_in_each_span(f: &Fixture) {
    let rate = Rate::new(3, seconds(10)).kept_by(RateAlgorithm::SlidingWindow);
    f.limit(&LimitScope::Everything, FlowLimit::rate(rate)).await;
    f.storage.enqueue(&some_runs("mail", 9)).await.expect("stored");
    assert_eq!(f.admit(2).await.count, 2);
    f.clock.advance(seconds(5));
    let admitted = f.admit(100).await;
    assert_eq!(admitted.count, 1);
    let next_at = admitted.next_at.expect("a rate says when");
    assert!((5_000..=5_100).contains(&next_at.since(f.now()).as_millis()), "{next_at}");
    f.clock.advance(next_at.since(f.now()));
    assert_eq!(f.admit(100).await.count, 2);
}

pub(crate) async fn a_run_that_becomes_due_is_held(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let id = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    assert_eq!(f.status(id).await, RunStatus::Scheduled);
    assert_eq!(f.admit(10).await.count, 0);
    f.clock.advance(seconds(5));
    let mut notices = f.storage.subscribe();
    assert_eq!(f.storage.promote(10).await.expect("promoted").count, 1);
    told(&mut notices, Notice::Ready(queue("default"))).await;
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
}

pub(crate) async fn a_limited_run_is_not_claimed_by_name_before_it_is_admitted(f: &Fixture) {
    let claim = async |run| {
        let request = ClaimRunRequest { run, worker: worker(1), lease: LEASE };
        f.storage.claim_run(request).await.expect("answered")
    };
    f.limit(&of_job(), one_at_a_time()).await;
    let held = f.enqueue(a_run("mail")).await;
    let due = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    for run in [held, due] {
        assert_eq!(claim(run).await, ClaimRunResult::WrongStatus(RunStatus::Held));
    }
    f.admit(10).await;
    assert!(matches!(claim(held).await, ClaimRunResult::Claimed(_)));
    assert_eq!(claim(due).await, ClaimRunResult::WrongStatus(RunStatus::Held));
}

pub(crate) async fn a_limited_run_is_not_let_go_by_a_release(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let limited = f.enqueue(a_run("mail")).await;
    let held = f.enqueue(a_run("mail").held()).await;
    assert_eq!(f.admit(10).await.count, 1, "what something else holds is in no line");
    assert_eq!(f.claim_one().await.id, limited);
    let release = async |run| f.storage.release_runs(&[run]).await.expect("answered");
    assert_eq!(release(held).await, [ReleaseResult::Released]);
    assert_eq!(f.status(held).await, RunStatus::Held);
    assert_eq!(release(held).await, [ReleaseResult::WrongStatus(RunStatus::Held)]);
    assert_eq!(f.go().await, []);
    let run = f.stored(limited).await;
    f.settle(&run, completed()).await;
    assert_eq!(f.go().await, [held]);
}

pub(crate) async fn a_held_run_that_is_cancelled_leaves_its_line(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let [first, second] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    let cancelled = f.storage.request_cancel(first).await.expect("answered");
    assert_eq!(cancelled, CancelResult::Cancelled);
    assert_eq!(f.go().await, [second]);
}

pub(crate) async fn a_retried_run_takes_its_turn_again(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let id = f.enqueue(a_run("mail")).await;
    f.admit(1).await;
    let run = f.claim_one().await;
    f.settle(&run, retry_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    f.storage.promote(10).await.expect("promoted");
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
    let run = f.stored(id).await;
    f.settle(&run, failed("no")).await;
    assert_eq!(f.storage.requeue(id).await.expect("answered"), RequeueResult::Requeued);
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
}

pub(crate) async fn a_lost_attempt_gives_its_slot_back(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let [lost, next] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    assert_eq!(f.go().await, [lost]);
    f.clock.advance(LEASE);
    // As hosts do: the first loss is tried again at once, with the slot; the second waits.
    for _ in 0..2 {
        let expired = f.storage.expired(10).await.expect("listed");
        assert_eq!(expired.len(), 1);
        f.settle(&expired[0], Outcome::Lost).await;
        assert!(f.used(&of_job()).await.0 <= 1);
        f.go().await;
        f.clock.advance(LEASE);
    }
    let states = (f.status(lost).await, f.status(next).await);
    assert_eq!(states, (RunStatus::Scheduled, RunStatus::Running));
}

pub(crate) async fn a_fired_run_is_held(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let definition = a_schedule("default", "mail", f.now());
    f.storage.put_definitions(&[definition]).await.expect("stored");
    let run = a_run("mail").build();
    let id = run.id;
    let request =
        FireRequest { key: key("default", "mail"), due: f.now(), next: None, run };
    f.storage.fire(request).await.expect("fired");
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
}

pub(crate) async fn limits_say_what_they_have_in_use_and_hold(f: &Fixture) {
    f.limit(&LimitScope::Tenant(tenant("acme")), FlowLimit::concurrency(2)).await;
    f.limit(&LimitScope::Queue(queue("a")), FlowLimit::rate(Rate::new(1, seconds(1)))).await;
    f.enqueue_all([
        a_run("mail").tenant("acme").queue("a"),
        a_run("mail").tenant("acme").queue("b"),
        a_run("mail").tenant("acme").queue("b"),
        a_run("mail").queue("a"),
    ])
    .await;
    assert_eq!(f.admit(10).await.count, 2);
    assert_eq!(f.used(&LimitScope::Tenant(tenant("acme"))).await, (2, 1));
    assert_eq!(f.used(&LimitScope::Queue(queue("a"))).await, (0, 1), "a rate has no slots");
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

pub(crate) async fn a_rate_is_kept_by_several_hosts_over_time(f: &Fixture) {
    const SPAN: u32 = 4;
    let rate = Rate::new(100, seconds(1));
    f.limit(&LimitScope::Everything, FlowLimit::rate(rate)).await;
    let some = some_runs("mail", 600);
    f.storage.enqueue(&some).await.expect("stored");
    let mut went = Vec::new();
    // Every 20 ms each of four hosts asks, all at the same time.
    for _ in 0..SPAN * 50 {
        let mut at_once = 0;
        loop {
            let asked = [(); 4].map(|()| {
                let storage = Arc::clone(&f.storage);
                let request = AdmitRequest { queues: QueueSelection::All, limit: 5 };
                tokio::spawn(async move { storage.admit(request).await.expect("answered") })
            });
            let mut has_more = false;
            for answer in asked {
                let admitted = answer.await.expect("it does not panic");
                at_once += admitted.count;
                has_more |= admitted.has_more;
            }
            if !has_more {
                break;
            }
        }
        went.push(at_once);
        f.clock.advance(seconds(1) / 50);
    }
    let all: usize = went.iter().sum();
    // The burst, and a hundred in each second, within 2 %.
    assert!((392..=418).contains(&all), "{all} went in {SPAN} seconds: {went:?}");
    let most = went.windows(50).map(|second| second.iter().sum::<usize>()).max();
    assert!(most <= Some(110), "{most:?} went within a second");
}

pub(crate) async fn an_admission_takes_no_more_than_it_may(f: &Fixture) {
    f.change_limit(&of_job(), LimitChange::Pause).await;
    f.storage.enqueue(&some_runs("mail", ADMIT_RUNS_MAX + 5)).await.expect("stored");
    f.change_limit(&of_job(), LimitChange::Resume).await;
    let admitted = f.admit(usize::MAX).await;
    assert_eq!((admitted.count, admitted.has_more), (ADMIT_RUNS_MAX, true));
    assert_eq!(f.admit(usize::MAX).await.count, 5);
}
