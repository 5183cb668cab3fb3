//! Schedules from the command line.

use serde_json::json;

use crate::server::Server;
use crate::support::{Folder, component};

#[test]
fn a_preview_tells_the_instants_through_a_change_of_the_clock() {
    let folder = Folder::new();
    let times = folder.json(&[
        "schedule",
        "preview",
        "0 9 * * MON-FRI",
        "--tz",
        "Europe/Lisbon",
        "--from",
        "2027-03-25T12:00:00Z",
        "--count",
        "3",
    ]);
    let expected = ["2027-03-26T09:00:00Z", "2027-03-29T08:00:00Z", "2027-03-30T08:00:00Z"];
    assert_eq!(times, json!(expected));
    let every = folder.json(&[
        "schedule",
        "preview",
        "--every",
        "90s",
        "--from",
        "2027-01-01T00:00:00Z",
        "--count",
        "2",
    ]);
    assert_eq!(every, json!(["2027-01-01T00:01:30Z", "2027-01-01T00:03:00Z"]));
    let human = folder.run(&["schedule", "preview", "0 9 * * MON-FRI", "--tz", "Europe/Lisbon"]);
    assert!(human.stdout.contains("at 09:00 on Monday to Friday"), "{}", human.stdout);
}

#[test]
fn a_schedule_that_cannot_be_is_refused_with_its_place() {
    let folder = Folder::new();
    let ended = folder.run(&["schedule", "preview", "0 25 * * *"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("hour 25 is out of bounds"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\n  0 25 * * *\n    ^^"), "{}", ended.stderr);
    assert_eq!(folder.run(&["schedule", "preview"]).code, 2);
}

#[test]
fn a_schedule_is_made_changed_triggered_and_removed() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &[]);
    let added = folder.json(&[
        "schedule",
        "add",
        "nightly",
        "--job",
        "greet",
        "0 3 * * *",
        "--tz",
        "Europe/Lisbon",
        "--input",
        r#"{"name":"Ada"}"#,
        "--tag",
        "mine",
        "--missed",
        "fire-all:7",
    ]);
    assert_eq!(added["missed"], json!({ "kind": "fire-all", "max": 7 }));
    assert!(added["next_fire_at"].is_string());
    let input = r#"{"name":"Ada"}"#;
    let again =
        folder.run(&["schedule", "add", "nightly", "--job", "greet", "@daily", "--input", input]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("already"), "{}", again.stderr);

    let edited = folder.json(&["schedule", "edit", "nightly", "--overlap", "skip"]);
    assert_eq!((&edited["overlap"], &edited["tags"]), (&json!("skip"), &json!(["mine"])));
    assert_eq!(folder.json(&["schedule", "disable", "nightly"])["enabled"], false);
    assert_eq!(folder.json(&["schedule", "enable", "nightly"])["enabled"], true);

    let id = folder.json(&["schedule", "trigger", "nightly"])["id"].clone();
    let run = folder.json(&["runs", "show", id.as_str().unwrap()]);
    assert_eq!(run["metadata"], json!({ "schedule": "nightly" }));
    assert_eq!(run["input"], json!({ "name": "Ada" }));

    let listed = folder.run(&["schedule", "list"]);
    assert!(listed.stdout.contains("at 03:00 every day"), "{}", listed.stdout);
    let shown = folder.json(&["schedule", "show", "nightly"]);
    assert_eq!(shown["description"], "at 03:00 every day");
    let reset = folder.run(&["schedule", "reset", "nightly"]);
    assert!(reset.stderr.contains("no plugin declares"), "{}", reset.stderr);
    folder.json(&["schedule", "remove", "nightly"]);
    assert_eq!(folder.json(&["schedule", "list"]), json!({ "schedules": [] }));
    assert_eq!(folder.run(&["schedule", "show", "nightly"]).code, 2);
}

#[test]
fn what_could_not_run_is_not_scheduled() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &[]);
    let add = |more: &[&str]| {
        let ended =
            folder.run(&[["schedule", "add", "it", "--every", "1h"].as_slice(), more].concat());
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        ended.stderr
    };
    assert!(add(&["--job", "gret"]).contains("unknown job type"));
    assert!(add(&["--job", "greet", "--input", "7"]).contains("does not fit"));
    assert!(add(&["--job", "greet", "--tolerance", "2d"]).contains("tolerance"));
    let late = ["schedule", "add", "it", "--job", "greet", "--at", "2020-01-01T00:00:00Z"];
    assert!(folder.run(&late).stderr.contains("has passed"));
    assert_eq!(folder.json(&["schedule", "list"]), json!({ "schedules": [] }));
}

#[test]
fn a_host_fires_a_schedule() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &[]);
    folder.json(&[
        "schedule",
        "add",
        "often",
        "--job",
        "greet",
        "--every",
        "1s",
        "--input",
        r#"{"name":"Ada"}"#,
    ]);
    let begun = std::time::Instant::now();
    let runs = loop {
        let runs = folder.runs(&["--job", "greet", "--status", "completed"]);
        if !runs.is_empty() {
            break runs;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "nothing fired");
    };
    assert_eq!(runs[0]["metadata"]["schedule"], "often");
    assert_eq!(runs[0]["trigger"], "scheduled");
}
