//! Hints. That one is *not* sent is never asked: hints may be superfluous, and may be lost.

use zapjobs_model::{EventKind, JobEvent, Outcome, RunStatus};
use zapjobs_storage::Notice;

use crate::Fixture;
use crate::actions::{failed, retry_in, snoozed, told};
use crate::builders::{a_run, queue, run_id, seconds};

fn ready(name: &str) -> Notice {
    Notice::Ready(queue(name))
}

fn an_event(f: &Fixture, number: u64) -> JobEvent {
    JobEvent {
        at: f.now(),
        tenant: zapjobs_model::TenantId::standard(),
        run: run_id(number),
        job_type: crate::builders::job_type("mail"),
        queue: queue("q"),
        kind: EventKind::Settled(RunStatus::Completed),
    }
}

pub(crate) async fn each_queue_that_receives_a_pending_run_is_told_ready(f: &Fixture) {
    for name in ["a", "b"] {
        let mut notices = f.storage.subscribe();
        f.enqueue_all(["a", "b"].map(|name| a_run("mail").queue(name))).await;
        told(&mut notices, ready(name)).await;
    }
}

pub(crate) async fn a_run_that_must_wait_is_told_scheduled(f: &Fixture) {
    let mut notices = f.storage.subscribe();
    f.enqueue(a_run("mail").due_in(seconds(5))).await;
    told(&mut notices, Notice::Scheduled).await;
}

pub(crate) async fn a_run_that_goes_back_to_pending_is_told_ready(f: &Fixture) {
    let run = f.running(a_run("mail").queue("q")).await;
    let mut notices = f.storage.subscribe();
    f.settle(&run, Outcome::Lost).await;
    told(&mut notices, ready("q")).await;
}

pub(crate) async fn a_run_that_goes_back_to_wait_is_told_scheduled(f: &Fixture) {
    for outcome in [retry_in(seconds(5)), snoozed(seconds(5))] {
        let run = f.running(a_run("mail")).await;
        let mut notices = f.storage.subscribe();
        f.settle(&run, outcome).await;
        told(&mut notices, Notice::Scheduled).await;
    }
}

pub(crate) async fn a_promoted_run_is_told_ready(f: &Fixture) {
    f.enqueue(a_run("mail").queue("q").due_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    let mut notices = f.storage.subscribe();
    f.storage.promote(10).await.expect("promoted");
    told(&mut notices, ready("q")).await;
}

pub(crate) async fn a_running_run_that_should_stop_is_told(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let mut notices = f.storage.subscribe();
    f.storage.request_cancel(run.id).await.expect("requested");
    told(&mut notices, Notice::CancelRequested(run.id)).await;
}

pub(crate) async fn published_events_arrive_in_one_notice(f: &Fixture) {
    let mut notices = f.storage.subscribe();
    let events = vec![an_event(f, 1), an_event(f, 2)];
    f.storage.publish(events.clone());
    told(&mut notices, Notice::Events(events.into())).await;
}

pub(crate) async fn every_listener_is_told(f: &Fixture) {
    let mut both = [f.storage.subscribe(), f.storage.subscribe()];
    f.enqueue(a_run("mail").queue("q")).await;
    for notices in &mut both {
        told(notices, ready("q")).await;
    }
}

pub(crate) async fn publishing_to_nobody_does_no_harm(f: &Fixture) {
    f.storage.publish(vec![an_event(f, 1)]);
    drop(f.storage.subscribe());
    f.storage.publish(vec![an_event(f, 1)]);
    f.settled(a_run("mail"), failed("broken")).await;
}

pub(crate) async fn a_slow_listener_is_told_to_look_for_itself(f: &Fixture) {
    let mut notices = f.storage.subscribe();
    for number in 0..=zapjobs_storage::EVENTS_BUFFERED_MAX as u64 {
        f.storage.publish(vec![an_event(f, number)]);
    }
    told(&mut notices, Notice::Resync).await;
}

pub(crate) async fn closing_ends_subscriptions(f: &Fixture) {
    let mut notices = f.storage.subscribe();
    f.storage.close().await.expect("closed");
    let ended = async { while notices.next().await.is_some() {} };
    let waited = tokio::time::timeout(seconds(20), ended).await;
    assert!(waited.is_ok(), "the subscription outlives the storage");
}
