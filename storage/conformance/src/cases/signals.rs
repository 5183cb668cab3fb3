//! Waits of runs, and signals to them.

use zapjobs_model::settle::suspend;
use zapjobs_model::signal::{SIGNAL_BYTES_MAX, SIGNALS_PENDING_MAX, received};
use zapjobs_model::step::STEPS_MAX;
use zapjobs_model::{
    Json, Lease, LeaseKey, Run, RunId, RunStatus, Signal, SignalName, StepName, Suspension, Usage,
    Wait,
};
use zapjobs_storage::SendSignalResult::{self, Kept, Woke};
use zapjobs_storage::TakeSignalResult::{self, Nothing, Recorded, Stale};
use zapjobs_storage::{
    ApplyResult, CancelResult, ErrorKind, Notice, PruneRequest, RequeueResult,
    SendSignalResult as S,
};

use crate::Fixture;
use crate::actions::{completed, failed, refused, told};
use crate::builders::{a_run, json, queue, run_id, seconds};

/// Rounds of a race.
const ROUNDS: usize = 15;

fn signal(text: &str) -> SignalName {
    SignalName::new(text).expect("a good name")
}

fn step(text: &str) -> StepName {
    StepName::new(text).expect("a good name")
}

/// Ends an attempt that waits for this long, for a signal where one is named.
pub(crate) fn a_suspension(f: &Fixture, run: &Run, name: Option<&str>, wait: u64) -> Suspension {
    let wait = Wait { signal: name.map(signal), until: f.now().plus(seconds(wait)) };
    Suspension { transition: suspend(run, &wait, Usage::default(), f.now()), wait }
}

impl Fixture {
    async fn send(&self, run: RunId, name: &str, payload: &str) -> SendSignalResult {
        let sent = self.storage.send_signal(run, &signal(name), &json(payload)).await;
        sent.expect("the signal is answered")
    }

    async fn receive(&self, run: &Run, name: &str, to: &str) -> TakeSignalResult {
        let taken = self.storage.take_signal(run.lease_key(), &signal(name), &step(to)).await;
        taken.expect("the wish is answered")
    }

    async fn suspend(&self, run: &Run, name: Option<&str>, wait: u64) -> ApplyResult {
        let suspension = a_suspension(self, run, name, wait);
        self.storage.suspend(&suspension).await.expect("the suspension is answered")
    }

    async fn wait_of(&self, run: RunId) -> Option<Wait> {
        self.storage.wait_of(run).await.expect("the wait is read")
    }

    /// Names and payloads.
    async fn signals(&self, run: RunId) -> Vec<(String, String)> {
        let signals = self.storage.signals(run).await.expect("the signals are read");
        signals.into_iter().map(|it| (it.name.to_string(), it.payload.to_string())).collect()
    }

    /// A run that was suspended for a signal, for a minute.
    async fn waiting_for(&self, name: &str) -> Run {
        let run = self.running(a_run("mail")).await;
        assert_eq!(self.suspend(&run, Some(name), 60).await, ApplyResult::Applied);
        self.stored(run.id).await
    }
}

fn taken(payload: &str) -> TakeSignalResult {
    Recorded(received(&json(payload)))
}

pub(crate) async fn a_run_that_sleeps_waits_for_its_time_alone(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.suspend(&run, None, 60).await, ApplyResult::Applied);
    let asleep = f.stored(run.id).await;
    let until = f.now().plus(seconds(60));
    assert_eq!((asleep.status, asleep.due_at), (RunStatus::Scheduled, until));
    assert_eq!((asleep.attempt, asleep.error), (0, None), "no attempt is burnt");
    assert_eq!(f.wait_of(run.id).await, Some(Wait { signal: None, until }));
    assert_eq!(f.send(run.id, "wake up", "1").await, Kept, "it waits for no signal");
    assert_eq!(f.status(run.id).await, RunStatus::Scheduled);
    f.clock.advance(seconds(60));
    f.storage.promote(10).await.expect("promoted");
    assert_eq!(f.wait_of(run.id).await, None, "it is over");
    assert_eq!(f.claim_one().await.id, run.id);
}

pub(crate) async fn a_signal_makes_the_run_ready_that_waits_for_it(f: &Fixture) {
    let run = f.waiting_for("approved").await;
    assert_eq!(f.send(run.id, "else", "1").await, Kept);
    assert_eq!(f.status(run.id).await, RunStatus::Scheduled, "it waits for another");
    f.clock.advance(seconds(5));
    let mut notices = f.storage.subscribe();
    assert_eq!(f.send(run.id, "approved", "2").await, Woke);
    told(&mut notices, Notice::Ready(run.queue.clone())).await;
    let woken = f.stored(run.id).await;
    assert_eq!((woken.status, woken.due_at), (RunStatus::Pending, f.now()));
    assert_eq!(f.wait_of(run.id).await, None);
    assert_eq!(f.send(run.id, "approved", "3").await, Kept, "it is ready already");
    let again = f.claim_one().await;
    assert_eq!(again.attempt, 1, "the attempt that waited is not counted");
    assert_eq!(f.receive(&again, "approved", "wait").await, taken("2"));
    f.storage.promote(10).await.expect("promoted");
    assert_eq!(f.claim(1).await, [], "it is nowhere else");
}

pub(crate) async fn a_signal_that_came_before_ends_the_wait_at_once(f: &Fixture) {
    let run = f.running(a_run("mail").queue("a")).await;
    assert_eq!(f.send(run.id, "else", "1").await, Kept);
    assert_eq!(f.send(run.id, "approved", "2").await, Kept);
    f.clock.advance(seconds(1));
    let mut notices = f.storage.subscribe();
    assert_eq!(f.suspend(&run, Some("approved"), 60).await, ApplyResult::Applied);
    told(&mut notices, Notice::Ready(queue("a"))).await;
    let woken = f.stored(run.id).await;
    assert_eq!((woken.status, woken.due_at, woken.attempt), (RunStatus::Pending, f.now(), 0));
    assert_eq!(f.wait_of(run.id).await, None);
}

pub(crate) async fn signals_are_taken_in_their_order_and_once(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let odd = "it's \"quoted\" \u{1F980} 100%";
    for (name, payload) in [("a", "1"), (odd, "null"), ("a", "{\"k\": [1.50]}"), ("a", "3")] {
        assert_eq!(f.send(run.id, name, payload).await, Kept);
    }
    assert_eq!(f.receive(&run, "a", "wait 1").await, taken("1"));
    assert_eq!(f.receive(&run, "a", "wait 1").await, taken("1"), "asked again: no other one");
    assert_eq!(f.receive(&run, "a", "wait 2").await, taken("{\"k\": [1.50]}"));
    assert_eq!(f.receive(&run, "b", "wait 3").await, Nothing);
    assert_eq!(f.receive(&run, odd, "wait 4").await, taken("null"));
    assert_eq!(f.signals(run.id).await, [("a".to_owned(), "3".to_owned())]);
    let steps = f.storage.steps(run.id).await.expect("read");
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["wait 1", "wait 2", "wait 4"]);
    assert_eq!(steps[2].result, received(&Json::null()));
    let other = f.running(a_run("mail")).await;
    assert_eq!(f.receive(&other, "a", "wait 1").await, Nothing, "each run has its own");
}

pub(crate) async fn a_signal_is_kept_with_its_instant(f: &Fixture) {
    let run = f.enqueue(a_run("mail")).await;
    f.clock.advance(seconds(3));
    assert_eq!(f.send(run, "a", "[1]").await, Kept, "it waits for its first attempt");
    let kept = f.storage.signals(run).await.expect("read");
    assert_eq!(kept, [Signal { name: signal("a"), payload: json("[1]"), at: f.now() }]);
    assert_eq!(f.signals(run_id(1)).await, []);
    assert_eq!(f.wait_of(run).await, None);
    assert_eq!(f.wait_of(run_id(1)).await, None);
}

pub(crate) async fn an_attempt_that_lost_its_run_takes_no_signal(f: &Fixture) {
    let first = f.waiting_for("a").await;
    assert_eq!(f.send(first.id, "a", "1").await, Woke);
    assert_eq!(f.receive(&first, "a", "wait").await, Stale, "it is not running");
    let second = f.claim_one().await;
    assert_eq!(f.receive(&first, "a", "wait").await, Stale, "claimed anew");
    assert_eq!(f.suspend(&first, Some("b"), 60).await, ApplyResult::StaleLease);
    assert_eq!(f.wait_of(first.id).await, None);
    let unknown = LeaseKey { run: run_id(1), lease: Lease(1) };
    let answer = f.storage.take_signal(unknown, &signal("a"), &step("wait")).await;
    assert_eq!(answer.expect("answered"), Stale);
    assert_eq!(f.receive(&second, "a", "wait").await, taken("1"));
}

pub(crate) async fn a_stale_suspension_leaves_the_wait_as_it_is(f: &Fixture) {
    let run = f.waiting_for("a").await;
    let wait = f.wait_of(run.id).await;
    let again = f.suspend(&run, Some("b"), 30).await;
    assert_eq!(again, ApplyResult::WrongStatus(RunStatus::Scheduled));
    assert_eq!(f.wait_of(run.id).await, wait);
    assert_eq!(f.send(run.id, "a", "1").await, Woke);
    let second = f.claim_one().await;
    assert_eq!(f.suspend(&second, Some("c"), 60).await, ApplyResult::Applied);
    assert_eq!(f.suspend(&run, Some("b"), 30).await, ApplyResult::StaleLease);
    assert_eq!(f.send(run.id, "b", "1").await, Kept);
    assert_eq!(f.send(run.id, "c", "1").await, Woke);
}

pub(crate) async fn a_run_that_should_stop_is_not_suspended(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.request_cancel(run.id).await.expect("asked");
    assert_eq!(f.suspend(&run, Some("a"), 60).await, ApplyResult::CancelRequested);
    assert_eq!(f.send(run.id, "a", "1").await, Kept);
    assert_eq!(f.suspend(&run, Some("a"), 60).await, ApplyResult::CancelRequested, "with a signal");
    assert_eq!(f.status(run.id).await, RunStatus::Running);
}

pub(crate) async fn a_cancelled_run_sleeps_no_more_and_takes_no_signals(f: &Fixture) {
    let run = f.waiting_for("a").await;
    assert_eq!(f.storage.request_cancel(run.id).await.expect("asked"), CancelResult::Cancelled);
    assert_eq!(f.wait_of(run.id).await, None);
    assert_eq!(f.send(run.id, "a", "1").await, S::Ended(RunStatus::Cancelled));
    assert_eq!(f.signals(run.id).await, []);
    assert_eq!(f.send(run_id(1), "a", "1").await, S::NotFound);
    let ended = f.settled(a_run("mail"), completed()).await;
    assert_eq!(f.send(ended.id, "a", "1").await, S::Ended(RunStatus::Completed));
}

pub(crate) async fn signals_stay_when_a_run_ends_and_is_requeued(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.send(run.id, "a", "1").await, Kept);
    assert_eq!(f.settle(&run, failed("broken")).await, ApplyResult::Applied);
    assert_eq!(f.signals(run.id).await.len(), 1);
    let requeued = f.storage.requeue(run.id).await.expect("answered");
    assert_eq!(requeued, RequeueResult::Requeued);
    let again = f.claim_one().await;
    assert_eq!(f.receive(&again, "a", "wait").await, taken("1"));
}

pub(crate) async fn signals_and_waits_go_with_their_run_when_it_is_pruned(f: &Fixture) {
    let run = f.waiting_for("b").await;
    assert_eq!(f.send(run.id, "a", "1").await, Kept);
    assert_eq!(f.storage.request_cancel(run.id).await.expect("asked"), CancelResult::Cancelled);
    f.clock.advance(seconds(1));
    let kept = f.running(a_run("mail")).await;
    assert_eq!(f.send(kept.id, "a", "1").await, Kept);
    let request = PruneRequest { finished_before: f.now(), limit: 10 };
    assert_eq!(f.storage.prune(request).await.expect("pruned"), 1);
    assert_eq!(f.signals(run.id).await, []);
    assert_eq!(f.signals(kept.id).await.len(), 1);
}

pub(crate) async fn a_run_keeps_no_more_signals_than_it_may(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    for number in 0..SIGNALS_PENDING_MAX {
        assert_eq!(f.send(run.id, "a", &number.to_string()).await, Kept);
    }
    assert_eq!(f.send(run.id, "b", "1").await, S::Full);
    assert_eq!(f.signals(run.id).await.len() as u64, SIGNALS_PENDING_MAX);
    assert_eq!(f.receive(&run, "a", "wait").await, taken("0"));
    assert_eq!(f.send(run.id, "b", "1").await, Kept, "there is room again");
    let signals = f.signals(run.id).await;
    assert_eq!(signals[0].1, "1");
    assert_eq!(signals[99], ("b".to_owned(), "1".to_owned()), "it stands last");
}

pub(crate) async fn a_signal_is_not_taken_where_its_step_has_no_room(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    for number in 0..STEPS_MAX {
        let name = step(&number.to_string());
        let recorded = f.storage.record_step(run.lease_key(), &name, &json("1")).await;
        recorded.expect("recorded");
    }
    assert_eq!(f.receive(&run, "a", "wait").await, Nothing);
    assert_eq!(f.send(run.id, "a", "1").await, Kept);
    assert_eq!(f.receive(&run, "a", "wait").await, TakeSignalResult::Full);
    assert_eq!(f.signals(run.id).await.len(), 1);
}

pub(crate) async fn a_signal_that_is_too_long_and_a_suspension_that_ends_are_refused(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let bytes = usize::try_from(SIGNAL_BYTES_MAX).expect("it fits");
    let longest = json(&format!("\"{}\"", "x".repeat(bytes - 2)));
    let sent = f.storage.send_signal(run.id, &signal("a"), &longest).await;
    assert_eq!(sent.expect("answered"), Kept);
    assert_eq!(f.receive(&run, "a", "wait").await, Recorded(received(&longest)));
    let longer = json(&format!("\"{}\"", "x".repeat(bytes - 1)));
    refused(f.storage.send_signal(run.id, &signal("a"), &longer).await, ErrorKind::InvalidRequest);
    assert_eq!(f.signals(run.id).await, []);
    let mut suspension = a_suspension(f, &run, None, 60);
    suspension.transition = f.transition(&run, completed());
    refused(f.storage.suspend(&suspension).await, ErrorKind::InvalidRequest);
    assert_eq!(f.status(run.id).await, RunStatus::Running);
}

pub(crate) async fn no_signal_is_lost_between_look_and_wait(f: &Fixture) {
    for round in 0..ROUNDS {
        let run = f.running(a_run("mail")).await;
        let suspension = a_suspension(f, &run, Some("go"), 60);
        let sent = f
            .together(|storage, number| {
                let suspension = suspension.clone();
                async move {
                    // One suspends, all others send; by turns first and last.
                    if number == round % 2 {
                        let answer = storage.suspend(&suspension).await;
                        assert_eq!(answer.expect("answered"), ApplyResult::Applied);
                        return Kept;
                    }
                    let payload = json(&number.to_string());
                    let run = suspension.transition.key.run;
                    let sent = storage.send_signal(run, &signal("go"), &payload).await;
                    sent.expect("answered")
                }
            })
            .await;
        assert_eq!(f.status(run.id).await, RunStatus::Pending, "round {round}: {sent:?}");
        assert!(sent.iter().filter(|it| **it == Woke).count() <= 1, "woken once: {sent:?}");
        assert_eq!(f.signals(run.id).await.len(), sent.len() - 1, "each is kept");
        let again = f.claim_one().await;
        for number in 1..sent.len() {
            let answer = f.receive(&again, "go", &format!("wait {number}")).await;
            assert!(matches!(answer, Recorded(_)), "{answer:?}");
        }
        assert_eq!(f.receive(&again, "go", "one more").await, Nothing);
        assert_eq!(f.settle(&again, completed()).await, ApplyResult::Applied);
    }
}

pub(crate) async fn a_signal_that_several_take_is_taken_once(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.send(run.id, "go", "1").await, Kept);
    let key = run.lease_key();
    let answers = f
        .together(|storage, number| async move {
            let to = step(&format!("wait {number}"));
            storage.take_signal(key, &signal("go"), &to).await.expect("answered")
        })
        .await;
    let recorded = answers.iter().filter(|answer| **answer == taken("1")).count();
    assert_eq!(recorded, 1, "{answers:?}");
    assert_eq!(f.storage.steps(run.id).await.expect("read").len(), 1);
}
