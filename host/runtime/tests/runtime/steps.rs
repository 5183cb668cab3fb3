//! Steps of runs, over attempts and hosts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, script};
use tokio::sync::Notify;
use zapjobs_model::port::StepLog;
use zapjobs_model::{
    Blame, Json, Outcome, RunError, RunStatus, StepErrorKind, StepName, Timestamp,
};
use zapjobs_runtime::HostOptions;
use zapjobs_storage::ManualClock;

fn name(text: &str) -> StepName {
    StepName::new(text).expect("a good name")
}

/// Does a step once: as an SDK would.
async fn step(steps: &Arc<dyn StepLog>, step: &str, work: impl FnOnce() -> usize) -> usize {
    let known = steps.steps().await.expect("they are read");
    let known = known.into_iter().find(|it| it.name.as_str() == step);
    let result = match known {
        Some(known) => known.result,
        None => {
            let result = Json::of(&work()).expect("a number");
            steps.record(name(step), result).await.expect("it is recorded")
        }
    };
    result.as_str().parse().expect("a number")
}

#[tokio::test]
async fn a_step_is_done_once_over_all_attempts() {
    let bench = Bench::new();
    let done = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&done);
    let work = script(move |invocation, _, _| {
        let counted = Arc::clone(&counted);
        async move {
            let steps = invocation.services.steps.expect("a host keeps steps");
            let once = || 100 + counted.fetch_add(1, Ordering::SeqCst);
            let charged = step(&steps, "charge", once).await;
            if invocation.context.attempt < 3 {
                let error = RunError::new(Blame::Guest, "again", "not yet");
                return Outcome::Retry { error, after_ms: Some(1) };
            }
            Outcome::Completed(Json::of(&charged).expect("a number"))
        }
    });
    bench.serve(describe("order"), work).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("order").await;
    let run = bench.ended(id).await;
    assert_eq!(run.output, Some(Json::trusted("100")), "{:?}", run.error);
    assert_eq!(done.load(Ordering::SeqCst), 1);
    let steps = bench.storage.steps(id).await.expect("read");
    assert_eq!(steps.len(), 1);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_host_that_dies_between_steps_leaves_those_that_were_recorded() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let bench = Bench::on_clock(clock.clone());
    let done = Arc::new(Mutex::new(Vec::<&'static str>::new()));
    let (between, told) = (Arc::new(Notify::new()), Arc::clone(&done));
    let (dies, attempts) = (Arc::clone(&between), Arc::new(AtomicUsize::new(0)));
    let work = script(move |invocation, _, _| {
        let (told, dies) = (Arc::clone(&told), Arc::clone(&dies));
        let is_first = attempts.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            let steps = invocation.services.steps.expect("a host keeps steps");
            let note = |what| {
                let mut told = told.lock().expect("no panic");
                told.push(what);
                told.len()
            };
            step(&steps, "charge", || note("charge")).await;
            // The first host never gets further.
            if is_first {
                dies.notify_one();
                std::future::pending::<()>().await;
            }
            step(&steps, "ship", || note("ship")).await;
            Outcome::Completed(Json::null())
        }
    });
    bench.serve(describe("order"), work).await;
    let options = HostOptions { lease: Duration::from_secs(10), ..HostOptions::default() };
    let first = bench.host(options.clone()).await;
    let id = bench.enqueue("order").await;
    tokio::time::timeout(PATIENCE, between.notified()).await.expect("it is between two steps");
    drop(first);
    clock.advance(Duration::from_secs(60));
    let second = bench.host(options).await;
    let run = bench.ended(id).await;
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(*done.lock().expect("no panic"), ["charge", "ship"]);
    second.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn an_attempt_that_lost_its_run_records_no_step() {
    let bench = Bench::new();
    let kept = Arc::new(Mutex::new(None::<Arc<dyn StepLog>>));
    let keeps = Arc::clone(&kept);
    let work = script(move |invocation, _, _| {
        let keeps = Arc::clone(&keeps);
        async move {
            *keeps.lock().expect("no panic") = invocation.services.steps;
            Outcome::Completed(Json::null())
        }
    });
    bench.serve(describe("order"), work).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("order").await;
    bench.ended(id).await;
    let late = kept.lock().expect("no panic").take().expect("it ran");
    let error = late.record(name("late"), Json::null()).await.expect_err("it is too late");
    assert_eq!(error.kind, StepErrorKind::Lost);
    assert_eq!(bench.storage.steps(id).await.expect("read"), []);
    host.shutdown(PATIENCE).await;
}
