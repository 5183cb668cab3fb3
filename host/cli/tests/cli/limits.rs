//! Limits and pauses from the command line.

use serde_json::json;

use crate::server::Server;
use crate::support::{Folder, component};

#[test]
fn a_pause_holds_runs_until_it_is_resumed() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &[]);
    let paused = folder.json(&["pause", "--job", "greet"]);
    assert_eq!(paused["scope"], "job:default/greet");
    assert_eq!(paused["limit"]["paused"], true);
    let asked = folder.run(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#]);
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let listed = folder.json(&["limits", "list"]);
    assert_eq!(listed["limits"][0]["held"], 1);
    assert_eq!(folder.runs(&["--status", "held"]).len(), 1);

    assert_eq!(folder.json(&["resume", "--job", "greet"])["limit"], json!(null));
    let next = folder.run(&["enqueue", "greet", "--input", r#"{"name":"Bob"}"#, "--wait"]);
    assert_eq!((next.code, next.stdout.as_str()), (0, "\"Hello, Bob!\"\n"), "{}", next.stderr);
    // What was held goes as well.
    folder.runs_once(&["--status", "completed"], |runs| runs.len() == 2);
    assert_eq!(folder.runs(&["--status", "held"]).len(), 0);
}

#[test]
fn a_limit_is_set_listed_and_removed() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let server = Server::start(&folder, &[]);
    let set = ["limits", "set", "--job", "greet", "--per-key", "--key", "/name"];
    let set = [&set[..], &["--concurrency", "1", "--rate", "50/s", "--burst", "5"]].concat();
    assert_eq!(folder.run(&set).code, 0);
    let listed = folder.run(&["limits", "list"]);
    let row = "1 at a time; 50 per 1s, up to 5 at once; key at /name";
    assert!(listed.stdout.contains(row), "{}", listed.stdout);
    let run = folder.json(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    assert_eq!(run["limit_key"], "Ada");
    assert_eq!(folder.run(&["limits", "remove", "--job", "greet", "--per-key"]).code, 0);
    assert_eq!(folder.json(&["limits", "list"])["limits"], json!([]));
    server.stop();

    let nothing = folder.run(&["limits", "set", "--all", "--concurrency", "0"]);
    assert_eq!(nothing.code, 2, "{}", nothing.stderr);
    assert!(nothing.stderr.contains("use 1 to 100000"), "{}", nothing.stderr);
    assert_eq!(folder.run(&["pause"]).code, 2, "it must be said what");
}
