//! The job as the host calls it, on real files.

use std::fs;
use std::path::Path;

use access_log as _;
use zapjobs_sdk::ErrorKind;
use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::TestContext;

const LOG: &str = r#"192.0.2.7 - - [14/Nov/2026:09:30:00 +0000] "GET /a?x=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0" 0.010
192.0.2.7 - - [14/Nov/2026:09:30:01 +0000] "GET /a HTTP/1.1" 200 512 "-" "Mozilla/5.0" 0.020
not a line of a log
192.0.2.8 - - [14/Nov/2026:10:30:01 +0000] "GET /b HTTP/1.1" 503 17 "-" "curl/8.17.0" 1.500
"#;

fn input(directory: &Path, to: &str) -> Value {
    json!({ "from": directory, "to": directory.join(to) })
}

fn directory_with_log() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("access.log"), LOG).expect("the log is written");
    directory
}

#[test]
fn a_log_is_reported_on_and_the_report_is_written() {
    let directory = directory_with_log();
    let test = TestContext::new();
    let output = test.run_json("access-log", input(directory.path(), ".")).expect("it completes");
    let report = &output["report"];
    assert_eq!((&report["requests"], &report["malformed_lines"]), (&json!(3), &json!(1)));
    assert_eq!(report["status_classes"]["5xx"], 1);
    assert_eq!(report["top_paths"][0], json!({"name": "/a", "requests": 2, "too_many_by_max": 0}));
    assert_eq!(report["robots"]["requests"], 1);
    assert_eq!(report["request_time"]["max_ms"], 1_500.0);
    assert_eq!(report["busiest_hour"], "2026-11-14T09");

    assert_eq!(output["written"], json!(["report.json", "report.md"]));
    let written = fs::read_to_string(directory.path().join("report.json")).expect("it is there");
    let written: Value = serde_json::from_str(&written).expect("it is JSON");
    assert_eq!(&written, report);

    let progress = test.last_progress().expect("progress was told");
    assert_eq!((progress.done, progress.total), (LOG.len() as u64, Some(LOG.len() as u64)));
    let counts = test.item_counts().expect("items were counted");
    assert_eq!((counts.processed, counts.succeeded, counts.failed), (4, 3, 1));
    let warned = test.logs().into_iter().find(|line| line.message == "malformed line");
    assert_eq!(warned.expect("the line is located").fields["line"], 3);
}

#[test]
fn without_an_output_directory_the_report_is_the_output() {
    let directory = directory_with_log();
    let test = TestContext::new();
    let output =
        test.run_json("access-log", input(directory.path(), "none")).expect("it completes");
    assert_eq!(output["written"], json!([]));
    assert_eq!(output["report"]["requests"], 3);
}

#[test]
fn a_request_to_stop_is_heeded() {
    let directory = directory_with_log();
    let test = TestContext::new().cancelled();
    let error = test.run_json("access-log", input(directory.path(), ".")).expect_err("it stops");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!directory.path().join("report.json").exists());
}

#[test]
fn an_empty_directory_fails_for_good() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let error = TestContext::new()
        .run_json("access-log", input(directory.path(), "."))
        .expect_err("there is no log");
    assert_eq!((error.kind(), error.error_type()), (ErrorKind::Permanent, "no-logs"));
}

#[test]
fn an_empty_input_is_enough() {
    let error = TestContext::new().run_json("access-log", json!({})).expect_err("no /in here");
    assert_ne!(error.error_type(), "invalid-input");
}
