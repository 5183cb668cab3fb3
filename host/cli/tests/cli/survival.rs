//! Hosts that die, stop and work beside each other: nothing is lost, nothing is done twice.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Folder, component};

pub(crate) fn sleeps(folder: &Folder, count: usize, ms: u64) {
    let mut lines = String::new();
    for _ in 0..count {
        writeln!(lines, "{{\"ms\":{ms}}}").unwrap();
    }
    std::fs::write(folder.path("sleeps"), lines).unwrap();
    let made = folder.json(&["enqueue", "sleep", "--inputs", "@sleeps"]);
    assert_eq!(made["ids"].as_array().unwrap().len(), count);
}

fn serving(arguments: &[&str]) -> (Folder, Server) {
    let folder = Folder::new();
    folder.put_plugin("misbehave", &component("misbehave"));
    let server = Server::start(&folder, arguments);
    (folder, server)
}

#[test]
fn a_host_that_is_killed_loses_no_run_and_records_none_twice() {
    let (folder, mut server) = serving(&["--concurrency", "16", "--lease", "1s"]);
    sleeps(&folder, 1_000, 20);
    let done = ["--job", "sleep", "--status", "completed"];
    folder.runs_once(&done, |runs| runs.len() >= 100);
    server.signal("KILL");
    assert_eq!(server.ended(), None, "killed by a signal");
    let before = folder.runs(&done);
    assert!(before.len() < 1_000, "it was killed in the middle");

    let _server = Server::start(&folder, &["--concurrency", "16", "--lease", "1s"]);
    let after = folder.runs_once(&done, |runs| runs.len() == 1_000);
    let ids: HashSet<&str> = after.iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1_000);
    assert_eq!(folder.runs(&["--job", "sleep"]).len(), 1_000, "no run was added");
    assert!(after.iter().all(|run| run["attempt"] == 1), "a host's death burns no attempt");
    let lost = after.iter().filter(|run| run["host_faults"] == 1).count();
    println!("killed after {} of 1000 runs; {lost} were under way", before.len());
    assert!(lost > 0, "some were under way");
    for run in before {
        let same = after.iter().find(|it| it["id"] == run["id"]).expect("it is still there");
        assert_eq!(&run, same, "what was recorded stays as it was");
    }
}

#[test]
fn a_host_that_is_asked_to_stop_hands_back_what_is_under_way() {
    let (folder, server) = serving(&["--drain", "100ms"]);
    sleeps(&folder, 1, 600_000);
    folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);
    assert_eq!(server.stop()["handed_back"], 1);
    let run = &folder.runs(&["--job", "sleep"])[0];
    assert_eq!((&run["status"], &run["attempt"]), (&json!("pending"), &json!(0)));
    assert_eq!((&run["host_faults"], &run["error"]), (&json!(0), &Value::Null));
}

#[test]
fn a_host_that_is_asked_to_stop_lets_runs_end_in_time() {
    let (folder, server) = serving(&["--drain", "60s"]);
    sleeps(&folder, 1, 1_500);
    folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);
    assert_eq!(server.stop()["handed_back"], 0);
    assert_eq!(folder.runs(&["--job", "sleep"])[0]["status"], "completed");
}

#[test]
fn a_second_signal_ends_a_host_at_once() {
    let (folder, mut server) = serving(&["--drain", "1h"]);
    sleeps(&folder, 1, 600_000);
    folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);
    server.signal("TERM");
    server.wait_for("stopping");
    server.signal("TERM");
    assert_eq!(server.ended(), Some(130));
}

#[test]
fn two_hosts_share_one_database_and_no_run() {
    let (folder, first) = serving(&["--concurrency", "4"]);
    let second = Server::start(&folder, &["--concurrency", "4"]);
    sleeps(&folder, 300, 20);
    let done = ["--job", "sleep", "--status", "completed"];
    let runs = folder.runs_once(&done, |runs| runs.len() == 300);
    assert!(runs.iter().all(|run| run["lease"] == 1), "each was claimed once");
    let workers: HashSet<&str> = runs.iter().map(|run| run["worker"].as_str().unwrap()).collect();
    assert_eq!(workers.len(), 2, "both worked");
    first.stop();
    second.stop();
}
