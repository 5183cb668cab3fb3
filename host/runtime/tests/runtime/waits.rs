//! Sleeps and waits for signals, over attempts and hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, Script, describe, request, returning, script};
use zapjobs_model::port::{Services, Waited, Waits};
use zapjobs_model::wait::SUSPENSIONS_MAX;
use zapjobs_model::{
    Due, JobRequest, Json, Lease, Outcome, Run, RunId, RunStatus, SignalName, StepErrorKind,
    StepName, Timestamp,
};
use zapjobs_runtime::HostOptions;
use zapjobs_storage::{CancelResult, ManualClock, SendSignalResult};

const HOUR: Duration = Duration::from_secs(3_600);
const SUSPENDED: Outcome = Outcome::Snoozed { for_ms: 0 };

fn name(text: &str) -> SignalName {
    SignalName::new(text).expect("a good name")
}

fn waits(services: &Services) -> Arc<dyn Waits> {
    services.waits.clone().expect("a host lets runs wait")
}

/// A job that waits for a signal, for so long, and returns what it brought.
fn asking(limit: Option<Duration>) -> Script {
    script(move |invocation, _, _| async move {
        match waits(&invocation.services).signal(name("go"), limit).await.expect("answered") {
            Waited::Suspended => SUSPENDED,
            Waited::TimedOut => Outcome::Completed(Json::trusted("\"too late\"")),
            Waited::Signal(payload) => Outcome::Completed(payload),
        }
    })
}

async fn signal(bench: &Bench, run: RunId, payload: &str) -> SendSignalResult {
    let sent = bench.client.signal(run, &name("go"), &Json::trusted(payload)).await;
    sent.expect("the signal is answered")
}

#[tokio::test]
async fn a_run_that_sleeps_leaves_its_place_to_others() {
    let bench = Bench::new();
    let sleeper = script(|invocation, _, _| async move {
        match waits(&invocation.services).sleep("rest".to_owned(), HOUR).await {
            Ok(false) => SUSPENDED,
            other => panic!("an hour is not over: {other:?}"),
        }
    });
    bench.serve(describe("sleeper"), sleeper).await;
    bench.serve(describe("other"), returning(Json::null())).await;
    let host = bench.host(HostOptions { concurrency: 1, ..HostOptions::default() }).await;
    let asleep = bench.enqueue("sleeper").await;
    bench.reaches(asleep, RunStatus::Scheduled).await;
    let other = bench.enqueue("other").await;
    assert_eq!(bench.ended(other).await.status, RunStatus::Completed);
    let run = bench.run(asleep).await;
    assert_eq!((run.status, run.attempt, run.error), (RunStatus::Scheduled, 0, None));
    let wait = bench.storage.wait_of(asleep).await.expect("read").expect("it waits");
    assert_eq!((wait.signal, wait.until), (None, run.due_at));
    let cancelled = bench.client.cancel(asleep).await.expect("answered");
    assert_eq!(cancelled, CancelResult::Cancelled, "it ends at once");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_sleep_that_is_over_is_over_for_good() {
    let bench = Bench::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let sleeper = script(move |invocation, _, _| {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let waits = waits(&invocation.services);
            // However long later attempts say.
            let span = if nth == 0 { Duration::from_millis(30) } else { HOUR };
            if !waits.sleep("rest".to_owned(), span).await.expect("answered") {
                let again = waits.sleep("more".to_owned(), Duration::ZERO).await;
                assert_eq!(again, Ok(false), "an attempt that is to end begins no other wait");
                return SUSPENDED;
            }
            assert_eq!(waits.sleep("rest".to_owned(), HOUR).await, Ok(true));
            Outcome::Completed(Json::null())
        }
    });
    bench.serve(describe("sleeper"), sleeper).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("sleeper").await;
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    let steps = bench.storage.steps(id).await.expect("read");
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!(steps[0].name.as_str(), "sleep:rest");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_signal_wakes_the_run_that_waits_for_it() {
    let bench = Bench::new();
    bench.serve(describe("asking"), asking(None)).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("asking").await;
    bench.reaches(id, RunStatus::Scheduled).await;
    assert_eq!(signal(&bench, id, "[1]").await, SendSignalResult::Woke);
    let run = bench.ended(id).await;
    assert_eq!((run.output, run.attempt), (Some(Json::trusted("[1]")), 1));
    assert_eq!(signal(&bench, id, "2").await, SendSignalResult::Ended(RunStatus::Completed));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_signal_may_come_before_anyone_waits() {
    let bench = Bench::new();
    bench.serve(describe("asking"), asking(Some(HOUR))).await;
    let held = JobRequest { due: Due::In(Duration::from_millis(50)), ..request("asking") };
    let id = bench.client.enqueue(held).await.expect("enqueued");
    assert_eq!(signal(&bench, id, "null").await, SendSignalResult::Kept);
    let host = bench.host(HostOptions::default()).await;
    let run = bench.ended(id).await;
    assert_eq!(run.output, Some(Json::null()));
    assert_eq!(run.lease.0, 1, "it did not have to be suspended");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_wait_that_nobody_answers_ends_with_its_limit() {
    let bench = Bench::new();
    bench.serve(describe("asking"), asking(Some(Duration::from_millis(30)))).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("asking").await;
    let run = bench.ended(id).await;
    assert_eq!(run.output, Some(Json::trusted("\"too late\"")), "{:?}", run.error);
    let steps = bench.storage.steps(id).await.expect("read");
    let kept: Vec<_> = steps.iter().map(|it| (it.name.as_str(), it.result.as_str())).collect();
    assert_eq!(kept[1], ("wait:go#1", "null"), "that it was too late is recorded too");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_wait_ends_with_the_deadline_of_its_run() {
    let bench = Bench::new();
    bench.serve(describe("asking"), asking(None)).await;
    let host = bench.host(HostOptions::default()).await;
    let now = bench.storage.now().await.expect("a clock");
    let deadline = Some(now.plus(Duration::from_millis(300)));
    let limited = JobRequest { deadline, ..request("asking") };
    let id = bench.client.enqueue(limited).await.expect("enqueued");
    let run = bench.ended(id).await;
    let error = run.error.expect("an error");
    assert_eq!((run.status, error.error_type.as_str()), (RunStatus::Failed, "deadline"));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_name_that_a_job_uses_for_a_step_of_its_own_is_no_wait() {
    let bench = Bench::new();
    let clash = script(|invocation, _, _| async move {
        let steps = invocation.services.steps.clone().expect("a host keeps steps");
        for step in ["sleep:a", "wait:go#1"] {
            let step = StepName::new(step).expect("a good name");
            steps.record(step, Json::trusted("\"mine\"")).await.expect("recorded");
        }
        let waits = waits(&invocation.services);
        let slept = waits.sleep("a".to_owned(), HOUR).await.expect_err("no instant");
        let asked = waits.signal(name("go"), None).await.expect_err("no signal");
        assert_eq!([slept.kind, asked.kind], [StepErrorKind::BadResult; 2]);
        let long = waits.sleep("x".repeat(199), HOUR).await.expect_err("too long");
        assert_eq!(long.kind, StepErrorKind::BadName);
        Outcome::Completed(Json::null())
    });
    bench.serve(describe("clash"), clash).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("clash").await;
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_run_waits_no_more_often_than_it_may() {
    let bench = Bench::new();
    let restless = script(|invocation, _, _| async move {
        let waits = waits(&invocation.services);
        let mut slept = 0_u64;
        loop {
            match waits.sleep(format!("nap {slept}"), Duration::ZERO).await {
                Ok(true) => slept += 1,
                other => {
                    let kind = other.expect_err("no time is over at once").kind;
                    assert_eq!(kind, StepErrorKind::LimitReached);
                    return Outcome::Completed(Json::of(&slept).expect("a number"));
                }
            }
        }
    });
    bench.serve(describe("restless"), restless).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("restless").await;
    let run = bench.ended(id).await;
    assert_eq!(run.output, Some(Json::trusted(SUSPENSIONS_MAX.to_string())), "{:?}", run.error);
    host.shutdown(PATIENCE).await;
}

/// Sleeps, works, asks; dies when it has come to a place for the first time.
fn mortal(dies_at: usize, died: &Arc<AtomicBool>, worked: &Arc<AtomicUsize>) -> Script {
    let (has_died, died, worked) = (Arc::new(AtomicBool::new(false)), died.clone(), worked.clone());
    script(move |invocation, _, _| {
        let (has_died, died, worked) = (has_died.clone(), died.clone(), worked.clone());
        async move {
            let at = async |place: usize| {
                if place == dies_at && !has_died.swap(true, Ordering::SeqCst) {
                    died.store(true, Ordering::SeqCst);
                    std::future::pending::<()>().await;
                }
            };
            let waits = waits(&invocation.services);
            at(0).await;
            if !waits.sleep("rest".to_owned(), HOUR).await.expect("answered") {
                at(1).await;
                return SUSPENDED;
            }
            at(2).await;
            let steps = invocation.services.steps.clone().expect("a host keeps steps");
            let known = steps.steps().await.expect("read");
            if known.iter().all(|step| step.name.as_str() != "work") {
                worked.fetch_add(1, Ordering::SeqCst);
                let step = StepName::new("work").expect("a good name");
                steps.record(step, Json::null()).await.expect("recorded");
            }
            at(3).await;
            let waited = waits.signal(name("go"), None).await.expect("answered");
            match waited {
                Waited::Signal(payload) => {
                    at(4).await;
                    Outcome::Completed(payload)
                }
                _ => {
                    at(5).await;
                    SUSPENDED
                }
            }
        }
    })
}

#[tokio::test]
async fn a_host_that_dies_at_any_point_of_a_wait_leaves_a_run_that_goes_on() {
    for dies_at in 0..=6 {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
        let bench = Bench::on_clock(clock.clone());
        let (died, worked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        bench.serve(describe("mortal"), mortal(dies_at, &died, &worked)).await;
        let options = HostOptions { lease: Duration::from_secs(10), ..HostOptions::default() };
        let mut host = bench.host(options.clone()).await;
        let id = bench.enqueue("mortal").await;
        let (mut sent, mut seen) = (0, Lease(0));
        let run = loop {
            let run = next_stand(&bench, id, &died, seen).await;
            seen = run.lease;
            if run.status.is_final() {
                break run;
            }
            // Whatever it stands at, this host is gone, and time passes until there is another.
            drop(host);
            let wait = bench.storage.wait_of(id).await.expect("read");
            if wait.is_some_and(|wait| wait.signal.is_some()) && sent == 0 {
                sent += 1;
                assert_eq!(signal(&bench, id, "[7]").await, SendSignalResult::Woke);
            }
            clock.advance(2 * HOUR);
            host = bench.host(options.clone()).await;
        };
        assert_eq!(run.output, Some(Json::trusted("[7]")), "at {dies_at}: {:?}", run.error);
        assert_eq!(worked.load(Ordering::SeqCst), 1, "at {dies_at}");
        let steps = bench.storage.steps(id).await.expect("read");
        let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["sleep:rest", "work", "until:go#1", "wait:go#1"], "at {dies_at}");
        assert_eq!(bench.storage.signals(id).await.expect("read"), [], "at {dies_at}");
        host.shutdown(PATIENCE).await;
    }
}

/// Waits until the run has ended, waits after another attempt than was seen, or its host is to die.
async fn next_stand(bench: &Bench, id: RunId, died: &AtomicBool, seen: Lease) -> Run {
    let mut notices = bench.storage.subscribe();
    let stands = async {
        loop {
            let run = bench.run(id).await;
            let waits = run.status == RunStatus::Scheduled && run.lease > seen;
            if run.status.is_final() || waits || died.swap(false, Ordering::SeqCst) {
                return run;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), notices.next()).await;
        }
    };
    tokio::time::timeout(PATIENCE, stands).await.expect("the run gets on")
}
