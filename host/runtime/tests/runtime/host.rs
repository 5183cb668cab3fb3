//! A host from claim to record, with a scripted sandbox on the memory driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, endless, request, returning, script};
use tokio::sync::Barrier;
use zapjobs_model::{
    Blame, Due, ItemCounts, Json, LogLevel, LogLine, Outcome, Priority, Progress, RunError,
    RunStatus, Schedule, Timestamp, Trigger,
};
use zapjobs_runtime::{HostOptions, SubmitError};
use zapjobs_storage::{
    CancelResult, Clock, LogPageRequest, ManualClock, RunFilter, RunPageRequest,
    SchedulePageRequest,
};

fn one_at_a_time() -> HostOptions {
    HostOptions { concurrency: 1, guest_threads: 1, ..HostOptions::default() }
}

fn flaky() -> RunError {
    RunError::new(Blame::Guest, "flaky", "not this time")
}

#[tokio::test]
async fn a_run_goes_from_request_to_result_with_its_log_and_progress() {
    let bench = Bench::new();
    let talk = script(|invocation, sink, _| async move {
        sink.log(LogLine {
            at: Timestamp::from_micros(1),
            level: LogLevel::Info,
            category: "job".to_owned(),
            message: format!("attempt {}", invocation.context.attempt),
            fields: None,
        });
        sink.progress(Progress { done: 3, total: Some(4), message: "nearly".to_owned() });
        sink.counts(ItemCounts { processed: 3, succeeded: 2, failed: 1 });
        Outcome::Completed(Json::trusted("\"done\""))
    });
    bench.serve(describe("talk"), talk).await;
    let host = bench.host(HostOptions::default()).await;

    let id = bench.enqueue("talk").await;
    let run = bench.ended(id).await;

    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(run.output, Some(Json::trusted("\"done\"")));
    assert_eq!((run.attempt, run.worker), (1, Some(host.worker())));
    assert_eq!((run.progress.done, run.counts.failed), (3, 1));
    assert!(run.digest.is_some() && run.finished_at >= run.started_at);
    let page = LogPageRequest { run: id, after: None, limit: 10 };
    let log = bench.storage.log_page(page).await.expect("a log");
    assert_eq!(log.entries.len(), 1, "the log is there before the result is");
    assert_eq!(log.entries[0].line.message, "attempt 1");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_failing_job_is_tried_again_until_it_succeeds() {
    let bench = Bench::new();
    let third = script(|invocation, _, _| async move {
        match invocation.context.attempt {
            3 => Outcome::Completed(Json::null()),
            _ => Outcome::Retry { error: flaky(), after_ms: None },
        }
    });
    bench.serve(describe("third"), third).await;
    let host = bench.host(HostOptions::default()).await;
    let run = bench.ended(bench.enqueue("third").await).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Completed, 3));
    assert_eq!(run.error, None, "what failed before is past");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_job_that_never_succeeds_fails_with_its_own_error() {
    let bench = Bench::new();
    let never = script(|_, _, _| async { Outcome::Retry { error: flaky(), after_ms: None } });
    bench.serve(describe("never"), never).await;
    let host = bench.host(HostOptions::default()).await;
    let run = bench.ended(bench.enqueue("never").await).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Failed, 3));
    assert_eq!(run.error, Some(flaky()));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_on_request() {
    let bench = Bench::new();
    bench.serve(describe("endless"), endless()).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("endless").await;
    bench.reaches(id, RunStatus::Running).await;
    assert_eq!(bench.client.cancel(id).await.expect("asked"), CancelResult::Requested);
    let run = bench.ended(id).await;
    assert_eq!(run.status, RunStatus::Cancelled);
    assert_eq!(run.error.map(|error| error.blame), Some(Blame::Operator));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn shutdown_hands_back_what_does_not_end_with_its_attempt_unconsumed() {
    let bench = Bench::new();
    bench.serve(describe("endless"), endless()).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("endless").await;
    bench.reaches(id, RunStatus::Running).await;
    assert_eq!(host.shutdown(Duration::ZERO).await, 1);
    let run = bench.run(id).await;
    assert_eq!((run.status, run.attempt, run.host_faults), (RunStatus::Pending, 0, 0));
    assert!(bench.storage.workers().await.expect("workers").is_empty(), "it signed off");
}

#[tokio::test]
async fn shutdown_lets_attempts_end_within_the_drain_time() {
    let bench = Bench::new();
    let gate = Arc::new(Barrier::new(2));
    let inside = Arc::clone(&gate);
    let gated = script(move |_, _, _| {
        let gate = Arc::clone(&inside);
        async move {
            gate.wait().await;
            Outcome::Completed(Json::null())
        }
    });
    bench.serve(describe("gated"), gated).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("gated").await;
    bench.reaches(id, RunStatus::Running).await;
    let (interrupted, _) = tokio::join!(host.shutdown(PATIENCE), gate.wait());
    assert_eq!(interrupted, 0);
    assert_eq!(bench.run(id).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_run_can_be_cancelled_while_its_host_drains() {
    let bench = Bench::new();
    bench.serve(describe("endless"), endless()).await;
    // The heartbeat tells of cancellations too; here it comes too late for that.
    let rare_heartbeats = HostOptions { lease: Duration::from_secs(3_600), ..Default::default() };
    let host = bench.host(rare_heartbeats).await;
    let id = bench.enqueue("endless").await;
    bench.reaches(id, RunStatus::Running).await;
    let cancel = async {
        // Polled after the shutdown has begun.
        tokio::task::yield_now().await;
        bench.client.cancel(id).await.expect("asked")
    };
    let (interrupted, asked) = tokio::join!(host.shutdown(PATIENCE), cancel);
    assert_eq!((interrupted, asked), (0, CancelResult::Requested));
    assert_eq!(bench.run(id).await.status, RunStatus::Cancelled);
}

#[tokio::test]
async fn no_more_attempts_are_under_way_than_permitted() {
    const PERMITTED: usize = 4;
    let bench = Bench::new();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
    let counted = script(move |_, _, _| {
        let (now, most) = (Arc::clone(&inside), Arc::clone(&peak));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Outcome::Completed(Json::null())
        }
    });
    bench.serve(describe("counted"), counted).await;
    let requests = (0..500).map(|_| request("counted")).collect();
    let ids = bench.client.enqueue_all(requests).await.expect("enqueued");
    let host = bench.host(HostOptions { concurrency: PERMITTED, ..HostOptions::default() }).await;
    for id in ids {
        assert_eq!(bench.ended(id).await.attempt, 1, "each runs once");
    }
    let most = most.load(Ordering::SeqCst);
    assert!((1..=PERMITTED).contains(&most), "{most} at once");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn urgent_runs_go_first() {
    let bench = Bench::new();
    bench.serve(describe("quick"), returning(Json::null())).await;
    let low = bench.enqueue("quick").await;
    let urgent = zapjobs_model::JobRequest { priority: Priority::MAX, ..request("quick") };
    let high = bench.client.enqueue(urgent).await.expect("enqueued");
    let host = bench.host(one_at_a_time()).await;
    let (low, high) = (bench.ended(low).await, bench.ended(high).await);
    assert!(high.started_at < low.started_at);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_panic_in_the_sandbox_spoils_one_attempt_and_nothing_else() {
    let bench = Bench::new();
    let first = Arc::new(AtomicUsize::new(0));
    let panicky = script(move |_, _, _| {
        let call = first.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(call > 0, "this panic is part of the test");
            Outcome::Completed(Json::null())
        }
    });
    bench.serve(describe("panicky"), panicky).await;
    let host = bench.host(HostOptions::default()).await;
    let run = bench.ended(bench.enqueue("panicky").await).await;
    assert_eq!((run.status, run.attempt, run.host_faults), (RunStatus::Completed, 1, 1));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_run_whose_job_nothing_serves_waits_and_says_why() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
    let bench = Bench::on_clock(clock.clone());
    bench.declare(&describe("later")).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("later").await;
    let waiting = bench.reaches(id, RunStatus::Scheduled).await;
    assert_eq!(waiting.attempt, 0);
    assert_eq!(waiting.error.map(|error| error.error_type), Some("unserved".to_owned()));

    bench.serve(describe("later"), returning(Json::null())).await;
    clock.advance(Duration::from_secs(6));
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_delayed_run_starts_no_earlier_than_asked() {
    let bench = Bench::new();
    bench.serve(describe("later"), returning(Json::null())).await;
    let host = bench.host(HostOptions::default()).await;
    let later =
        zapjobs_model::JobRequest { due: Due::In(Duration::from_millis(150)), ..request("later") };
    let run = bench.ended(bench.client.enqueue(later).await.expect("enqueued")).await;
    let waited = run.started_at.expect("a start").since(run.created_at);
    assert!(waited >= Duration::from_millis(150), "{waited:?}");
    assert!(waited < Duration::from_secs(1), "the wake-up is precise: {waited:?}");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_run_past_its_deadline_is_not_started() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
    let bench = Bench::on_clock(clock.clone());
    bench.serve(describe("late"), returning(Json::null())).await;
    let deadline = Some(clock.now().plus(Duration::from_secs(1)));
    let late = zapjobs_model::JobRequest { deadline, ..request("late") };
    let id = bench.client.enqueue(late).await.expect("enqueued");
    clock.advance(Duration::from_secs(2));
    let host = bench.host(HostOptions::default()).await;
    let run = bench.ended(id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error.map(|error| error.error_type), Some("deadline".to_owned()));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn an_interval_schedule_fires_once_for_each_time() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
    let bench = Bench::on_clock(clock.clone());
    let mut hourly = describe("hourly");
    hourly.schedule = Schedule::every_ms(3_600_000).expect("a schedule");
    bench.serve(hourly, returning(Json::null())).await;
    let (one, other) =
        tokio::join!(bench.host(HostOptions::default()), bench.host(HostOptions::default()));
    let fired = |count: usize| {
        let bench = &bench;
        async move {
            let mut notices = bench.storage.subscribe();
            loop {
                let request = RunPageRequest { limit: 10, ..RunPageRequest::default() };
                let runs = bench.storage.runs(request).await.expect("runs").runs;
                assert!(runs.len() <= count, "a fire time fires once, whoever tries");
                if runs.len() == count && runs.iter().all(|run| run.status.is_final()) {
                    return runs;
                }
                let _ = tokio::time::timeout(Duration::from_millis(50), notices.next()).await;
            }
        }
    };
    clock.advance(Duration::from_secs(3_600));
    tokio::time::timeout(PATIENCE, fired(1)).await.expect("it fires");
    clock.advance(Duration::from_secs(3_600));
    let runs = tokio::time::timeout(PATIENCE, fired(2)).await.expect("it fires again");
    assert!(runs.iter().all(|run| run.trigger == Trigger::Scheduled));
    let page = SchedulePageRequest { tenant: None, after: None, limit: 10 };
    let schedules = bench.storage.schedules(&page).await.expect("a storage").schedules;
    assert_eq!(schedules.len(), 1);
    let schedule = &schedules[0];
    assert!(schedule.last_fire_at.is_some() && schedule.next_fire_at > schedule.last_fire_at);
    assert_eq!(schedule.last_run, Some(runs[0].id));
    assert_eq!(runs[0].metadata["schedule"], "hourly");
    tokio::join!(one.shutdown(PATIENCE), other.shutdown(PATIENCE));
}

#[tokio::test]
async fn runs_of_a_dead_worker_are_taken_back_and_its_late_result_is_refused() {
    use zapjobs_model::{RetryPolicy, Usage, WorkerId, settle};
    use zapjobs_storage::{ClaimRequest, QueueSelection, TenantSelection};

    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
    let bench = Bench::on_clock(clock.clone());
    bench.serve(describe("quick"), returning(Json::trusted("1"))).await;
    let id = bench.enqueue("quick").await;
    let dead = ClaimRequest {
        worker: WorkerId(uuid::Uuid::from_u128(1)),
        queues: QueueSelection::All,
        tenants: TenantSelection::All,
        limit: 1,
        lease: Duration::from_secs(1),
    };
    let claimed = bench.storage.claim(dead).await.expect("claimed").remove(0).run;
    clock.advance(Duration::from_secs(2));

    let host = bench.host(HostOptions::default()).await;
    let run = bench.ended(id).await;
    assert_eq!((run.status, run.attempt, run.host_faults), (RunStatus::Completed, 1, 1));
    let late = settle(
        &claimed,
        Outcome::Completed(Json::trusted("2")),
        Usage::default(),
        clock.now(),
        &RetryPolicy::default(),
        0.5,
    );
    let refused = bench.storage.apply(&[late]).await.expect("answered");
    assert!(matches!(refused[..], [stale] if stale.is_stale()), "{refused:?}");
    assert_eq!(bench.run(id).await.output, Some(Json::trusted("1")));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn an_unknown_job_type_is_refused_with_names_that_are_like_it() {
    let bench = Bench::new();
    bench.serve(describe("greet"), returning(Json::null())).await;
    let error = bench.client.enqueue(request("gret")).await.expect_err("unknown");
    assert_eq!(error.to_string(), "unknown job type gret: there are greet");
}

#[tokio::test]
async fn an_input_that_breaks_the_schema_is_refused_and_nothing_is_stored() {
    let bench = Bench::new();
    let mut strict = describe("strict");
    strict.input_schema = Some(Json::trusted(r#"{"type":"object"}"#));
    bench.serve(strict, returning(Json::null())).await;
    let error = bench.client.enqueue(request("strict")).await.expect_err("no object");
    assert!(matches!(error, SubmitError::Invalid(_)), "{error}");
    let counts = bench.storage.counts(&RunFilter::default()).await.expect("counts");
    assert_eq!(counts.total(), 0);
}

#[tokio::test]
async fn an_error_that_the_policy_names_is_not_tried_again() {
    let bench = Bench::new();
    let failing = script(|_, _, _| async {
        let error = RunError::new(Blame::Guest, "config.missing", "there is no key");
        Outcome::Retry { error, after_ms: None }
    });
    let named = zapjobs_model::ErrorPattern::new("config.*").expect("a pattern");
    let description = describe("work");
    let retry = zapjobs_model::RetryPolicy { not_retried: vec![named], ..description.retry };
    bench.serve(zapjobs_model::JobDescription { retry, ..description }, failing).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("work").await;
    let run = bench.ended(id).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Failed, 1));
    host.shutdown(PATIENCE).await;
}
