//! What a guest can call, and what becomes of it.

use zapjobs_model::{
    Access, CorrelationId, DirectoryGrant, Grants, ItemCounts, LogLevel, StopReason, Timestamp,
};

use crate::support::{Try, guest, hostile, load_with, output, sandbox, stopped};

#[tokio::test]
async fn standard_output_and_error_land_in_the_log() {
    let attempt = Try::of("print", "0");
    attempt.report(&hostile().await).await;
    let said: Vec<_> = attempt
        .heard
        .lines()
        .into_iter()
        .map(|line| (line.level, line.category, line.message))
        .collect();
    let line = |level, category: &str, message: &str| (level, category.into(), message.into());
    assert_eq!(
        said,
        [
            line(LogLevel::Info, "stdout", "to standard output"),
            line(LogLevel::Warn, "stderr", "to standard error"),
            line(LogLevel::Info, "stdout", "without an \\u{1b}[31mend"),
        ]
    );
}

#[tokio::test]
async fn a_log_flood_is_bounded_and_said() {
    let attempt = Try::of("flood", "0").limited(|limits| limits.log_lines_max = 100);
    let report = attempt.report(&hostile().await).await;
    assert_eq!(output(&report), "null");
    let lines = attempt.heard.lines();
    assert_eq!(lines.len(), 101);
    assert_eq!(lines[99].message, "line 99");
    assert_eq!((lines[100].level, lines[100].category.as_str()), (LogLevel::Warn, "zapjobs"));
    assert_eq!(lines[100].message, "19,900 log lines dropped: limit log_lines_max = 100");
    assert_eq!((report.usage.log_lines, report.usage.log_lines_dropped), (100, 19_900));
}

#[tokio::test]
async fn a_log_flood_is_slowed_to_its_rate_and_said() {
    let attempt = Try::of("flood", "0").limited(|limits| {
        limits.log_lines_burst_max = 50;
        limits.log_lines_per_second_max = 1;
    });
    let report = attempt.report(&hostile().await).await;
    assert_eq!(output(&report), "null");
    let (kept, dropped) = (report.usage.log_lines, report.usage.log_lines_dropped);
    // One more for each second that it took.
    let seconds = report.usage.wall_us / 1_000_000 + 1;
    assert!((50..=50 + seconds).contains(&kept), "{:?}", report.usage);
    assert_eq!(kept + dropped, 20_000);
    let last = attempt.heard.lines().pop().expect("lines").message;
    assert!(last.starts_with("19,9"), "{last}");
    assert!(
        last.ends_with(" log lines dropped: rate limit 1/s (limit log_lines_per_second_max = 1)"),
        "{last}"
    );
}

#[tokio::test]
async fn progress_arrives_at_its_pace_and_the_newest_in_the_end() {
    let attempt = Try::of("report-much", "0").limited(|limits| limits.progress_per_second_max = 1);
    let report = attempt.report(&hostile().await).await;
    assert_eq!(attempt.heard.progress().expect("progress").done, 9_999);
    let counts = ItemCounts { processed: 9_999, succeeded: 9_999, failed: 0 };
    assert_eq!(attempt.heard.counts(), Some(counts));
    let heard = attempt.heard.reports() as u64;
    let seconds = report.usage.wall_us / 1_000_000 + 1;
    assert!((2..=2 + seconds).contains(&heard), "{heard} reports, {:?}", report.usage);
}

#[tokio::test]
async fn log_bytes_are_bounded_too() {
    let attempt = Try::of("flood", "0").limited(|limits| limits.log_bytes_max = 1_000);
    let report = attempt.report(&hostile().await).await;
    assert!((900..=1_000).contains(&report.usage.log_bytes), "{:?}", report.usage);
}

#[tokio::test]
async fn a_line_without_end_takes_no_memory_of_the_host() {
    let attempt = Try::of("print-without-end", "0").limited(|limits| limits.cpu_ms_max = 100);
    stopped(&attempt.report(&hostile().await).await, StopReason::CpuTime);
    let lines = attempt.heard.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].message.len() < 17 << 10, "{} bytes", lines[0].message.len());
    assert!(lines[0].message.ends_with("bytes cut)"));
}

#[tokio::test]
async fn a_huge_log_line_is_cut_and_one_beyond_all_bounds_stops_the_run() {
    let plugin = hostile().await;
    let attempt = Try::of("huge-log", "0");
    assert_eq!(output(&attempt.report(&plugin).await), "null");
    let lines = attempt.heard.lines();
    assert!(lines[0].message.ends_with(" bytes cut)"), "{}", lines[0].message.len());
    assert!(lines[0].message.len() <= (16 << 10) + 40);
    let report = Try::of("too-huge-log", "0").report(&plugin).await;
    let error = stopped(&report, StopReason::HostcallBytes);
    assert_eq!(
        error.message,
        "passed more than 8 MiB to the host in one call (limit hostcall_bytes_max = 8388608)"
    );
}

#[tokio::test]
async fn fields_progress_and_counts_arrive() {
    let attempt = Try::of("say", "0");
    attempt.report(&hostile().await).await;
    let lines = attempt.heard.lines();
    assert_eq!(lines.len(), 1, "a trace line is below the least level: {lines:?}");
    assert_eq!((lines[0].level, lines[0].category.as_str()), (LogLevel::Warn, "hostile::say"));
    let fields = lines[0].fields.as_ref().expect("fields").as_str();
    assert_eq!(fields, r#"{"n":1,"text":"not json","o":{"a":[1]}}"#);
    let progress = attempt.heard.progress().expect("progress");
    assert_eq!((progress.done, progress.total), (1, Some(2)));
    assert_eq!(progress.message.len(), 1_024);
    let counts = ItemCounts { processed: 3, succeeded: 2, failed: 1 };
    assert_eq!(attempt.heard.counts(), Some(counts));
}

#[tokio::test]
async fn a_guest_knows_its_run() {
    let mut attempt = Try::of("context", "0");
    let context = &mut attempt.invocation.context;
    context.correlation_id = Some(CorrelationId::new("order-7").expect("good"));
    context.deadline = Some(Timestamp::from_micros(1_500_999));
    context.metadata.insert("k".into(), "v".into());
    let report = attempt.report(&hostile().await).await;
    assert_eq!(
        output(&report),
        r#"["00000000-0000-0000-0000-000000000007",2,3,"context","default","TriggerKind::Api","order-7",1500,"k=v"]"#
    );
}

#[tokio::test]
async fn nothing_of_the_host_shows() {
    let plugin = hostile().await;
    assert_eq!(output(&Try::of("environment", "0").report(&plugin).await), "[0,0]");
    assert_eq!(output(&Try::of("stdin", "0").report(&plugin).await), "0");
    assert_eq!(output(&Try::of("files", "0").report(&plugin).await), r#"["",false,false]"#);
    assert_eq!(output(&Try::of("connect", "0").report(&plugin).await), "[true,false]");
}

#[tokio::test]
async fn a_granted_directory_shows_and_no_more_of_it_than_granted() {
    let host = tempfile::tempdir().expect("a directory");
    let data = host.path().join("data");
    std::fs::create_dir(&data).expect("made");
    std::fs::write(data.join("given.txt"), "given").expect("written");
    std::fs::write(host.path().join("secret.txt"), "secret").expect("written");
    let grant = |access| DirectoryGrant { host: data.clone(), guest: "/data".to_owned(), access };
    let cases = [
        (Access::ReadOnly, r#"["given",false,false]"#),
        (Access::ReadWrite, r#"["given",true,false]"#),
    ];
    for (access, expected) in cases {
        let grants = Grants { directories: vec![grant(access)] };
        let plugin = load_with(&sandbox(), guest("hostile"), grants).await.expect("loads");
        assert_eq!(output(&Try::of("files", "0").report(&plugin).await), expected);
    }
    assert_eq!(std::fs::read_to_string(data.join("made.txt")).expect("made"), "made");
}
