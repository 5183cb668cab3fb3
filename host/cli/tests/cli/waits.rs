//! Runs that wait for a signal, from the command line.

use serde_json::json;

use crate::server::Server;
use crate::support::{Folder, component};

/// Asks for an approval; answers the run's id once it waits.
fn asked(folder: &Folder) -> String {
    let expense = r#"{"purpose":"chairs","cents":12000}"#;
    let made = folder.json(&["enqueue", "approval", "--input", expense]);
    let id = made["ids"][0].as_str().or(made["id"].as_str()).expect("an id").to_owned();
    folder.runs_once(&["--status", "scheduled"], |runs| runs.iter().any(|run| run["id"] == id));
    id
}

#[test]
fn a_run_waits_for_an_approval_over_the_death_of_its_host() {
    let folder = Folder::new();
    folder.put_plugin("approval", &component("approval"));
    let mut server = Server::start(&folder, &[]);
    let id = asked(&folder);
    let shown = folder.json(&["runs", "show", &id]);
    assert_eq!(shown["wait"]["signal"], "approval");
    assert_eq!(shown["attempt"], 0, "no attempt is burnt");
    let told = folder.run(&["runs", "show", &id]).stdout;
    assert!(told.contains("signal approval until "), "{told}");
    server.signal("KILL");
    assert_eq!(server.ended(), None, "killed by a signal");

    let kept = folder.run(&["runs", "signal", &id, "other"]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert!(kept.stdout.contains("is kept for"), "{}", kept.stdout);
    assert_eq!(folder.json(&["runs", "show", &id])["signals"][0]["name"], "other");
    let answer = r#"{"approved":true,"by":"Ada"}"#;
    let woke = folder.json(&["runs", "signal", &id, "approval", "--payload", answer]);
    assert_eq!(woke["woke"], true);
    let _server = Server::start(&folder, &[]);
    let done = folder.runs_once(&["--status", "completed"], |runs| !runs.is_empty());
    assert_eq!(done[0]["output"], json!({ "approved": "Ada" }));
    let steps = folder.json(&["runs", "steps", &id]);
    let names: Vec<_> = steps.as_array().unwrap().iter().map(|step| &step["name"]).collect();
    assert_eq!(names, ["ask", "until:approval#1", "wait:approval#1", "decide"]);

    let late = folder.run(&["runs", "signal", &id, "approval"]);
    assert_eq!(late.code, 1, "{}", late.stderr);
    assert!(late.stderr.contains("takes no signals any more"), "{}", late.stderr);
    let bad = folder.run(&["runs", "signal", &id, "approval", "--payload", "{"]);
    assert_eq!(bad.code, 2, "{}", bad.stderr);
    assert!(bad.stderr.contains("--payload"), "{}", bad.stderr);
}
