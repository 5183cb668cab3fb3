//! What happens at each limit.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::{Blame, Json, Outcome, StopReason};

use crate::support::{Try, details, guest, hostile, load, output, stopped};

#[tokio::test]
async fn an_endless_loop_ends_at_its_cpu_limit() {
    let plugin = hostile().await;
    let mut used = Vec::new();
    for _ in 0..10 {
        let attempt = Try::of("spin", "0").limited(|limits| limits.cpu_ms_max = 50);
        let report = attempt.report(&plugin).await;
        let error = stopped(&report, StopReason::CpuTime);
        assert_eq!(error.blame, Blame::Guest);
        assert_eq!(error.message, "used more than 50 ms of CPU time (limit cpu_ms_max = 50)");
        used.push(report.usage);
        let details = details(error);
        assert_eq!(details["limits"]["cpu_ms_max"], 50);
        assert_eq!(details["usage"]["cpu_us"], report.usage.cpu_us);
        assert!(details["backtrace"].as_array().is_some_and(|frames| !frames.is_empty()));
    }
    // None ends before its limit. How late one ends is the system's doing where other programs
    // want the processors too; that most end in time is the sandbox's.
    let all: Vec<_> = used.iter().map(|usage| (usage.cpu_us, usage.wall_us)).collect();
    let mut cpu_us: Vec<u64> = used.iter().map(|usage| usage.cpu_us).collect();
    cpu_us.sort_unstable();
    assert!(cpu_us[0] >= 50_000, "CPU and wall time in us: {all:?}");
    assert!(cpu_us[4] < 60_000, "half end within 10 ms; CPU and wall time in us: {all:?}");
    assert!(cpu_us[9] < 150_000, "all end within 100 ms; CPU and wall time in us: {all:?}");
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_wall_limit() {
    let plugin = hostile().await;
    let attempt = Try::of("spin", "0").limited(|limits| limits.wall_ms_max = 50);
    let report = attempt.report(&plugin).await;
    let error = stopped(&report, StopReason::WallTime);
    assert_eq!(error.message, "ran longer than 50 ms, waits included (limit wall_ms_max = 50)");
    assert!(report.usage.wall_us >= 50_000);
    assert_eq!(report.usage.wait_us, 0, "a time slice's end is no wait for the host");
}

#[tokio::test]
async fn handles_beyond_the_limit_are_said() {
    let attempt = Try::of("hoard", "0").limited(|limits| limits.handles_max = 100);
    let report = attempt.report(&hostile().await).await;
    let error = stopped(&report, StopReason::Handles);
    assert_eq!(
        error.message,
        "held more than 100 host resources (streams, files, timers, requests) at a time (limit \
         handles_max = 100)"
    );
}

#[tokio::test]
async fn random_bytes_beyond_all_bounds_take_no_memory_of_the_host() {
    let report = Try::of("much-random", "0").report(&hostile().await).await;
    let error = stopped(&report, StopReason::Trap);
    assert!(error.message.contains("requested len"), "{error}");
}

#[tokio::test]
async fn the_details_of_a_stop_tell_what_helps() {
    let attempt = Try::of("panic", "\"x\"");
    let report = attempt.report(&hostile().await).await;
    let details = details(stopped(&report, StopReason::Panic));
    assert_eq!(details["limits"]["handles_max"], 1_000);
    assert_eq!(details["usage"]["cpu_us"], report.usage.cpu_us);
    let last = details["last_log_lines"].as_array().expect("lines");
    assert!(
        last.iter().any(|line| line.as_str().is_some_and(|line| line.contains("cannot go on")))
    );
    assert!(details.get("core_dump").is_none());
}

#[tokio::test]
async fn a_core_dump_is_kept_on_request_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("dumps");
    let options = zapjobs_sandbox::SandboxOptions {
        core_dump_dir: Some(directory.clone()),
        ..zapjobs_sandbox::SandboxOptions::default()
    };
    let sandbox = crate::support::sandbox_with(options);
    let plugin = crate::support::load_with(&sandbox, guest("hostile"), Default::default())
        .await
        .expect("loads");
    for job in ["abort", "spin"] {
        let attempt = Try::of(job, "0").limited(|limits| limits.cpu_ms_max = 20);
        let report = attempt.report(&plugin).await;
        let Outcome::Stopped { error, .. } = &report.outcome else { panic!("{report:?}") };
        let details = details(error);
        assert!(details["backtrace"].as_array().is_some_and(|frames| !frames.is_empty()));
        let path = details["core_dump"].as_str().expect("a path");
        let dump = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(dump.starts_with(b"\0asm"), "{job}");
        let mode = std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let report = Try::of("echo", "7").report(&plugin).await;
    assert_eq!(output(&report), "7");
}

#[tokio::test]
async fn a_guest_that_sleeps_ends_at_its_wall_limit_and_uses_no_cpu() {
    let plugin = hostile().await;
    let attempt = Try::of("sleep", "0").limited(|limits| {
        limits.wall_ms_max = 100;
        limits.cpu_ms_max = 50;
    });
    let (report, took) = attempt.timed(&plugin).await;
    stopped(&report, StopReason::WallTime);
    assert!(report.usage.cpu_us < 50_000, "{:?}", report.usage);
    assert!((90_000..=report.usage.wall_us).contains(&report.usage.wait_us), "{:?}", report.usage);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_cpu_hog_does_not_keep_its_thread_from_others() {
    let plugin = hostile().await;
    let hog = Try::of("spin", "0").limited(|limits| limits.cpu_ms_max = 20_000);
    let (hog_plugin, cancellation) = (Arc::clone(&plugin), Arc::clone(&hog.cancellation));
    // This runtime has one thread: the hog has it until its first time slice ends.
    let hogging = tokio::spawn(async move { hog.report(&hog_plugin).await });
    tokio::task::yield_now().await;
    for n in 0..20 {
        let report = Try::of("echo", &n.to_string()).report(&plugin).await;
        assert_eq!(output(&report), n.to_string());
    }
    assert!(!hogging.is_finished(), "the hog ended before it was asked to");
    cancellation.cancel(zapjobs_model::port::CancelReason::Requested);
    let report = hogging.await.expect("no panic");
    assert!(matches!(report.outcome, Outcome::Cancelled(_)), "{:?}", report.outcome);
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused_and_said() {
    let plugin = hostile().await;
    let attempt = Try::of("grow", "0").limited(|limits| limits.memory_bytes_max = 32 << 20);
    let report = attempt.report(&plugin).await;
    let error = stopped(&report, StopReason::Memory);
    assert!(
        error.message.contains("more than 32 MiB (limit memory_bytes_max = 33554432)"),
        "{error}"
    );
    assert!((16 << 20..=32 << 20).contains(&report.usage.memory_bytes_peak), "{:?}", report.usage);
}

#[tokio::test]
async fn an_instance_that_begins_beyond_the_limit_does_not_start() {
    let plugin = hostile().await;
    let attempt = Try::of("echo", "0").limited(|limits| limits.memory_bytes_max = 64 << 10);
    let report = attempt.report(&plugin).await;
    stopped(&report, StopReason::Memory);
}

#[tokio::test]
async fn the_memories_of_all_instances_count_together() {
    let wat = include_str!("memories.wat");
    let error = load(wat::parse_str(wat).expect("WAT")).await.err().expect("a refusal");
    assert_eq!(
        error.to_string(),
        "this plugin fails to describe itself: needed 80 MiB of memory, more than 64 MiB (limit \
         memory_bytes_max = 67108864): fix its `describe`"
    );
}

#[tokio::test]
async fn endless_recursion_fills_the_stack() {
    let report = Try::of("recurse", "0").report(&hostile().await).await;
    let error = stopped(&report, StopReason::Stack);
    assert!(error.message.contains("endless recursion"), "{error}");
    let frames = details(error)["backtrace"].as_array().expect("frames").len();
    assert_eq!(frames, 32);
}

#[tokio::test]
async fn a_panic_names_file_line_and_message() {
    let attempt = Try::of("panic", "\"x\"");
    let report = attempt.report(&hostile().await).await;
    let error = stopped(&report, StopReason::Panic);
    assert!(error.message.starts_with("panicked at "), "{error}");
    assert!(error.message.contains("lib.rs:"), "{error}");
    assert!(error.message.ends_with(": cannot go on with \"x\"\nsecond line"), "{error}");
    let details = details(error);
    assert!(details["file"].as_str().is_some_and(|file| file.ends_with("lib.rs")));
    assert!(details["line"].as_u64().is_some_and(|line| line > 10));
    let frames = details["backtrace"].to_string();
    assert!(frames.contains("core::panicking::panic_fmt"), "{frames}");
    let said: Vec<_> = attempt.heard.lines().into_iter().map(|line| line.message).collect();
    assert!(said.iter().any(|line| line.starts_with("cannot go on")), "{said:?}");
}

#[tokio::test]
async fn other_traps_are_said_in_plain_words() {
    let plugin = hostile().await;
    let report = Try::of("abort", "0").report(&plugin).await;
    let error = stopped(&report, StopReason::Trap);
    assert_eq!(error.message, "stopped itself (abort or unreachable code)");
    let report = Try::of("exit", "0").report(&plugin).await;
    let error = stopped(&report, StopReason::Contract);
    assert_eq!(error.message, "the job exited with status 1 instead of returning");
    // Rust checks before it divides: a panic, not a trap.
    let report = Try::of("divide", "0").report(&plugin).await;
    let error = stopped(&report, StopReason::Panic);
    assert!(error.message.contains("attempt to divide by zero"), "{error}");
}

#[tokio::test]
async fn an_output_beyond_its_limit_is_refused() {
    let plugin = hostile().await;
    let limit = |limits: &mut zapjobs_model::Limits| limits.output_bytes_max = 1_000;
    let report = Try::of("huge-output", "998").limited(limit).report(&plugin).await;
    assert_eq!(output(&report).len(), 1_000);
    assert_eq!(report.usage.output_bytes, 1_000);
    let report = Try::of("huge-output", "999").limited(limit).report(&plugin).await;
    let error = stopped(&report, StopReason::OutputTooLarge);
    assert_eq!(
        error.message,
        "returned 1001 bytes, more than 1000 bytes (limit output_bytes_max = 1000)"
    );
    // So large that the host does not even take it over.
    let report = Try::of("huge-output", "20000000").limited(limit).report(&plugin).await;
    stopped(&report, StopReason::OutputTooLarge);
}

#[tokio::test]
async fn an_output_that_is_no_json_breaks_the_contract() {
    let report = Try::of("bad-output", "0").report(&hostile().await).await;
    let error = stopped(&report, StopReason::Contract);
    assert!(error.message.starts_with("the output is no JSON: invalid JSON: EOF"), "{error}");
}

#[tokio::test]
async fn an_input_beyond_its_limit_never_reaches_the_guest() {
    let attempt = Try::of("echo", "\"12345\"").limited(|limits| limits.input_bytes_max = 6);
    let report = attempt.report(&hostile().await).await;
    let Outcome::Failed(error) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(error.message, "the input has 7 bytes (limit input_bytes_max = 6)");
}

#[tokio::test]
async fn each_kind_of_failure_asks_for_its_outcome_within_bounds() {
    let plugin = hostile().await;
    let fail =
        async |kind: &str| Try::of("fail", &format!("\"{kind}\"")).report(&plugin).await.outcome;
    assert!(matches!(fail("retry").await, Outcome::Retry { after_ms: None, .. }));
    assert!(matches!(fail("retry-after").await, Outcome::Retry { after_ms: Some(1_234), .. }));
    assert_eq!(fail("snooze").await, Outcome::Snoozed { for_ms: 5_678 });
    assert!(matches!(fail("cancelled").await, Outcome::Cancelled(_)));
    let Outcome::Failed(error) = fail("permanent").await else { panic!("not permanent") };
    assert_eq!(error.error_type, "t".repeat(200));
    assert!(error.message.starts_with("m\\u{1b}m\\u{1b}"), "{error}");
    assert!(error.message.len() < (16 << 10) + 100);
    assert_eq!(error.details, Some(Json::trusted("{\"key\":1}")));
}

#[tokio::test]
async fn nothing_of_one_attempt_reaches_the_next_and_usage_is_small() {
    let plugin = load(guest("noop")).await.expect("loads");
    for n in 0..100 {
        let report = Try::of("noop", &n.to_string()).report(&plugin).await;
        assert_eq!(output(&report), n.to_string());
        assert!(report.usage.memory_bytes_peak < 4 << 20, "{:?}", report.usage);
        assert!(report.usage.wall_us >= 1 && report.usage.cpu_us >= 1, "{:?}", report.usage);
    }
}

#[tokio::test]
async fn a_full_sandbox_is_the_hosts_fault() {
    let plugin = hostile().await;
    let attempts: Vec<_> = (0..40)
        .map(|_| {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move {
                let attempt = Try::of("sleep", "0").limited(|limits| limits.wall_ms_max = 500);
                attempt.run(&plugin).await
            })
        })
        .collect();
    let mut full = 0;
    for attempt in attempts {
        match attempt.await.expect("no panic") {
            Ok(report) => drop(stopped(&report, StopReason::WallTime).clone()),
            Err(error) => {
                assert_eq!((error.blame, error.error_type.as_str()), (Blame::Host, "sandbox-full"));
                assert!(error.message.contains("instances_max"), "{error}");
                full += 1;
            }
        }
    }
    assert_eq!(full, 20, "16 instances and 4 spare ones run, the others do not");
}
