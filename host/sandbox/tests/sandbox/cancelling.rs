//! What happens to an attempt that should stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use zapjobs_model::port::CancelReason::{LeaseLost, Requested, Shutdown};
use zapjobs_model::port::{CancelReason, Plugin};
use zapjobs_model::{Blame, Outcome, Report};
use zapjobs_sandbox::SandboxOptions;

use crate::support::{Heard, Try, guest, hostile, load_with, sandbox_with};

/// Starts a job on another thread, lets `begun` say when it runs, cancels it, and tells how
/// long it took to stop.
async fn cancel(plugin: &Arc<dyn Plugin>, job: &str, reason: CancelReason) -> (Report, Duration) {
    let attempt = Try::of(job, "0");
    let cancellation = Arc::clone(&attempt.cancellation);
    let (running, _) = start(plugin, attempt);
    // Something else runs to its end on the same sandbox: by then the guest has begun.
    for _ in 0..50 {
        Try::of("echo", "0").report(plugin).await;
    }
    let start = Instant::now();
    cancellation.cancel(reason);
    let report = running.await.expect("no panic");
    (report, start.elapsed())
}

fn start(plugin: &Arc<dyn Plugin>, attempt: Try) -> (JoinHandle<Report>, Arc<Heard>) {
    let (plugin, heard) = (Arc::clone(plugin), Arc::clone(&attempt.heard));
    (tokio::spawn(async move { attempt.report(&plugin).await }), heard)
}

/// The quickest of a few cancellations: others may keep the machine busy meanwhile.
async fn quickest(
    plugin: &Arc<dyn Plugin>,
    job: &str,
    reason: CancelReason,
    check: impl Fn(Outcome),
) -> Duration {
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let (report, took) = cancel(plugin, job, reason).await;
        check(report.outcome);
        quickest = quickest.min(took);
    }
    quickest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_never_looks_stops_at_once() {
    let plugin = hostile().await;
    for job in ["spin", "sleep"] {
        let took = quickest(&plugin, job, Requested, |outcome| {
            let Outcome::Cancelled(error) = outcome else { panic!("{outcome:?}") };
            assert_eq!(error.blame, Blame::Operator);
            assert_eq!(error.message, "stopped on request before it ended by itself");
        });
        let took = took.await;
        assert!(took < Duration::from_millis(50), "{job}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_looks_ends_by_itself() {
    let plugin = hostile().await;
    let attempt = Try::of("heed", "0");
    let cancellation = Arc::clone(&attempt.cancellation);
    let (running, heard) = start(&plugin, attempt);
    heard.progressed.notified().await;
    for _ in 0..50 {
        Try::of("echo", "0").report(&plugin).await;
    }
    cancellation.cancel(Requested);
    let outcome = running.await.expect("no panic").outcome;
    let Outcome::Cancelled(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.error_type, "heeded");
    assert_eq!(error.message, "stopped as asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_looked_once_is_stopped_after_its_grace() {
    let grace = Duration::from_millis(300);
    let sandbox = sandbox_with(SandboxOptions { cancel_grace: grace, ..SandboxOptions::default() });
    let plugin = load_with(&sandbox, guest("hostile"), Default::default()).await.expect("loads");
    for job in ["spin-after-looking", "sleep-after-looking"] {
        let (report, took) = cancel(&plugin, job, Requested).await;
        assert!(matches!(report.outcome, Outcome::Cancelled(_)), "{:?}", report.outcome);
        assert!(took >= grace && took < grace * 10, "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_shuts_down_or_lost_the_lease_hands_back_at_once() {
    let plugin = hostile().await;
    for reason in [Shutdown, LeaseLost] {
        for job in ["spin", "sleep", "spin-after-looking", "sleep-after-looking"] {
            let took = quickest(&plugin, job, reason, |outcome| {
                assert_eq!(outcome, Outcome::HandedBack { after_ms: 0, error: None });
            });
            let took = took.await;
            assert!(took < Duration::from_millis(50), "{job}: {took:?}");
        }
    }
}

#[tokio::test]
async fn a_run_that_is_cancelled_before_it_begins_may_still_complete() {
    // Whoever asks too late for a job this short gets its output: the runtime decides.
    let attempt = Try::of("echo", "1");
    attempt.cancellation.cancel(Requested);
    let report = attempt.report(&hostile().await).await;
    assert!(
        matches!(report.outcome, Outcome::Completed(_) | Outcome::Cancelled(_)),
        "{:?}",
        report.outcome
    );
}

#[tokio::test]
async fn dropping_an_attempt_ends_it() {
    let plugin = hostile().await;
    let attempt = Try::of("sleep", "0");
    let begun = tokio::time::timeout(Duration::from_millis(50), attempt.report(&plugin)).await;
    assert!(begun.is_err(), "it was to sleep for an hour");
    // Its slot is free again, however often this happens.
    for _ in 0..100 {
        let attempt = Try::of("sleep", "0");
        let dropped = tokio::select! {
            biased;
            _ = attempt.report(&plugin) => false,
            () = tokio::task::yield_now() => true,
        };
        assert!(dropped, "it was to sleep for an hour");
    }
}
