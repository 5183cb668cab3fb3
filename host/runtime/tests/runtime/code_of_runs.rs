//! Which code runs execute: further attempts, and code that keeps trapping.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, ScriptedSandbox, describe, job, script};
use tempfile::TempDir;
use zapjobs_model::{
    Blame, Digest, Json, Outcome, RetryCode, RunError, RunStatus, StopReason, TenantId, Timestamp,
};
use zapjobs_runtime::{
    BreakerRules, HostOptions, PluginDirectory, PluginId, PluginOptions, VersionStore,
    breaker_lease_name,
};
use zapjobs_storage::ManualClock;

const OLD: &str = "flaky # old";
const NEW: &str = "flaky # new";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)))
}

fn plugins(folder: &TempDir, bench: &Bench, retry_code: RetryCode) -> PluginDirectory {
    let settle = Duration::ZERO;
    let options = PluginOptions { settle, retry_code, ..PluginOptions::new(TenantId::standard()) };
    let (storage, catalog) = (Arc::clone(&bench.storage), Arc::clone(&bench.catalog));
    PluginDirectory::open(folder.path(), options, Arc::new(ScriptedSandbox), storage, catalog)
        .expect("a directory")
}

/// The code of a run's second attempt, where its plugin is swapped, and perhaps its host
/// restarted, after the first.
async fn second_attempts_code(retry_code: RetryCode, restarted: bool) -> Digest {
    let clock = clock();
    let mut bench = Bench::on_clock(clock.clone());
    let folder = TempDir::new().expect("a folder");
    let mut directory = plugins(&folder, &bench, retry_code);
    let file = folder.path().join("plugin.wasm");
    fs::write(&file, OLD).expect("written");
    directory.rescan().await.expect("a round");
    let options = || HostOptions { retry_code, ..HostOptions::default() };
    let mut host = bench.host(options()).await;
    let id = bench.enqueue("flaky").await;
    let waiting = bench.reaches(id, RunStatus::AwaitingRetry).await;
    assert_eq!(waiting.digest, Some(Digest::of(OLD.as_bytes())));

    fs::write(&file, NEW).expect("written");
    directory.rescan().await.expect("a round");
    if restarted {
        host.shutdown(PATIENCE).await;
        bench = Bench::on(Arc::clone(&bench.storage));
        directory = plugins(&folder, &bench, retry_code);
        directory.rescan().await.expect("a round");
        host = bench.host(options()).await;
    }
    clock.advance(Duration::from_secs(61));
    let run = bench.ended(id).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Completed, 2));
    host.shutdown(PATIENCE).await;
    run.digest.expect("it ran")
}

#[tokio::test]
async fn a_further_attempt_runs_the_newest_code_unless_said() {
    let code = second_attempts_code(RetryCode::default(), false).await;
    assert_eq!(code, Digest::of(NEW.as_bytes()));
}

#[tokio::test]
async fn a_further_attempt_stays_with_its_code_where_that_is_asked_for() {
    let code = second_attempts_code(RetryCode::SameDigest, false).await;
    assert_eq!(code, Digest::of(OLD.as_bytes()));
}

#[tokio::test]
async fn a_further_attempt_stays_with_its_code_over_a_restart() {
    let code = second_attempts_code(RetryCode::SameDigest, true).await;
    assert_eq!(code, Digest::of(OLD.as_bytes()));
}

fn rules() -> HostOptions {
    let breaker = BreakerRules { threshold: 3, ..BreakerRules::default() };
    HostOptions { breaker, concurrency: 1, ..HostOptions::default() }
}

fn trapped() -> Outcome {
    let error = RunError::new(Blame::Guest, "trap", "unreachable code");
    Outcome::Stopped { reason: StopReason::Memory, error }
}

/// A job that traps until it is mended.
async fn trapping(bench: &Bench) -> Arc<AtomicBool> {
    let mended = Arc::new(AtomicBool::new(false));
    let inside = Arc::clone(&mended);
    let work = script(move |_, _, _| {
        let mended = inside.load(Ordering::SeqCst);
        async move { if mended { Outcome::Completed(Json::null()) } else { trapped() } }
    });
    bench.serve(describe("bad"), work).await;
    mended
}

#[tokio::test]
async fn runs_of_code_that_keeps_trapping_wait_until_a_probe_ends_well() {
    let clock = clock();
    let bench = Bench::on_clock(clock.clone());
    let mended = trapping(&bench).await;
    let host = bench.host(rules()).await;
    for _ in 0..3 {
        let run = bench.ended(bench.enqueue("bad").await).await;
        assert_eq!(run.status, RunStatus::Failed);
    }
    let id = bench.enqueue("bad").await;
    let waiting = bench.reaches(id, RunStatus::Scheduled).await;
    assert_eq!(waiting.attempt, 0, "no attempt is burnt");
    let error = waiting.error.expect("a reason");
    assert_eq!((error.error_type.as_str(), error.blame), ("out-of-service", Blame::Operator));
    let code = Digest::of(b"bad");
    let lease = bench.storage.named_lease(&breaker_lease_name(&job("bad"), code)).await;
    assert!(lease.expect("a storage").is_some(), "other hosts can know");

    mended.store(true, Ordering::SeqCst);
    // A host asks the store for its time when it starts, and then seldom. The catalog, with
    // what is out of service, is the same.
    host.shutdown(PATIENCE).await;
    clock.advance(Duration::from_secs(301));
    let host = bench.host(rules()).await;
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    let next = bench.ended(bench.enqueue("bad").await).await;
    assert_eq!(next.status, RunStatus::Completed, "it is in service again");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn another_host_learns_at_its_first_trap_what_is_out_of_service() {
    let clock = clock();
    let bench = Bench::on_clock(clock.clone());
    trapping(&bench).await;
    let host = bench.host(rules()).await;
    for _ in 0..3 {
        bench.ended(bench.enqueue("bad").await).await;
    }
    host.shutdown(PATIENCE).await;

    let other = Bench::on(Arc::clone(&bench.storage));
    trapping(&other).await;
    let host = other.host(rules()).await;
    assert_eq!(other.ended(other.enqueue("bad").await).await.status, RunStatus::Failed);
    let waiting = other.reaches(other.enqueue("bad").await, RunStatus::Scheduled).await;
    assert_eq!(waiting.error.map(|error| error.error_type), Some("out-of-service".to_owned()));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn an_operator_puts_a_plugin_into_service_again() {
    let clock = clock();
    let bench = Bench::on_clock(clock.clone());
    let folder = TempDir::new().expect("a folder");
    let mut directory = plugins(&folder, &bench, RetryCode::Newest);
    fs::write(folder.path().join("plugin.wasm"), "bad").expect("written");
    directory.rescan().await.expect("a round");
    let mended = trapping(&bench).await;
    let host = bench.host(rules()).await;
    for _ in 0..3 {
        bench.ended(bench.enqueue("bad").await).await;
    }
    let id = bench.enqueue("bad").await;
    bench.reaches(id, RunStatus::Scheduled).await;

    mended.store(true, Ordering::SeqCst);
    let plugin = PluginId { tenant: TenantId::standard(), name: "plugin".to_owned() };
    VersionStore::open(folder.path(), None).expect("a store").reset(&plugin).expect("ordered");
    assert!(directory.rescan().await.expect("a round").is_empty(), "nothing is loaded anew");
    let name = breaker_lease_name(&job("bad"), Digest::of(b"bad"));
    let lease = bench.storage.named_lease(&name).await.expect("a storage");
    assert_eq!(lease, None, "nor do other hosts take it for broken");
    clock.advance(Duration::from_secs(31));
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    host.shutdown(PATIENCE).await;
}
