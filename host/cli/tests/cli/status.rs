//! How an installation stands, once and as it changes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Folder, component};

/// A host with one running run and one that failed.
fn busy() -> (Folder, Server) {
    let folder = Folder::new();
    folder.put_plugin("misbehave", &component("misbehave"));
    let server = Server::start(&folder, &["--concurrency", "7"]);
    assert_eq!(folder.run(&["enqueue", "panics", "--wait"]).code, 1);
    assert_eq!(folder.run(&["enqueue", "sleep", "--input", r#"{"ms":600000}"#]).code, 0);
    folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);
    (folder, server)
}

#[test]
fn one_look_tells_of_hosts_queues_runs_and_failures() {
    let (folder, _server) = busy();
    let seen = folder.json(&["status"]);
    assert_eq!(seen["workers"][0]["concurrency"], 7);
    assert_eq!(
        (&seen["counts"]["running"], &seen["counts"]["failed"], &seen["queues"][0]["queue"]),
        (&json!(1), &json!(1), &json!("default"))
    );
    assert_eq!(seen["running"][0]["job_type"], "sleep");
    assert_eq!(seen["failures"][0]["job_type"], "panics");
    assert!(seen["total"]["enqueued"].as_u64().expect("a number") >= 2, "{seen}");
    let shown = folder.run(&["status"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    for part in ["HOSTS 1 of 1 alive", "RUNNING 1\n", "FAILED 1", "tenant default"] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }
    let nobody = folder.json(&["status", "--tenant", "acme"]);
    assert_eq!((&nobody["running"], &nobody["failures"]), (&json!([]), &json!([])));
}

/// Watches until a line is as wanted, then interrupts; answers how it ended.
fn watched(folder: &Folder, arguments: &[&str], wanted: impl Fn(&str) -> bool) -> Option<i32> {
    let mut child = folder.command(arguments).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut begun = false;
    loop {
        let line = stdout.next().expect("it goes on").expect("a line");
        if wanted(&line) {
            break;
        }
        if !begun {
            begun = true;
            let asked = folder.run(&["enqueue", "panics"]);
            assert_eq!(asked.code, 0, "{}", asked.stderr);
        }
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().expect("kill").success());
    child.wait().expect("a child").code()
}

#[test]
fn watching_without_a_terminal_writes_a_line_for_each_change() {
    let (folder, _server) = busy();
    let ended = watched(&folder, &["status", "--watch"], |line| line.contains("failed 2"));
    assert_eq!(ended, Some(0));
    let ended = watched(&folder, &["--json", "status", "--watch"], |line| {
        let seen: Value = serde_json::from_str(line).expect("each line is a document");
        seen["counts"]["failed"] == 3
    });
    assert_eq!(ended, Some(0));
}
