//! Limits and pauses that are put, changed and lifted.

use zapjobs_model::{FlowLimit, LimitChange, LimitKeyPointer, LimitScope, Rate, RateAlgorithm};
use zapjobs_storage::{Admitted, ApplyResult, ErrorKind, LimitUse};

use super::flow::{of_job, of_key, one_at_a_time};
use crate::Fixture;
use crate::actions::{completed, refused};
use crate::builders::{a_run, queue, seconds, tenant};

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

pub(crate) async fn limits_that_make_no_sense_are_refused_and_change_nothing(f: &Fixture) {
    for bad in [FlowLimit::default(), FlowLimit::concurrency(0)] {
        let answer = f.storage.change_limit(&of_job(), LimitChange::set(bad)).await;
        refused(answer, ErrorKind::InvalidRequest);
    }
    refused(f.storage.change_limit(&of_key(), LimitChange::Pause).await, ErrorKind::InvalidRequest);
    assert_eq!(f.storage.limits().await.expect("listed"), []);
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
