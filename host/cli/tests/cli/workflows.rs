//! Runs that follow others, and many runs at once, from the command line.

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Folder, component};

fn serving() -> (Folder, Server) {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    folder.put_plugin("misbehave", &component("misbehave"));
    let server = Server::start(&folder, &[]);
    (folder, server)
}

fn node<'a>(workflow: &'a Value, name: &str) -> &'a Value {
    let runs = workflow["runs"].as_array().expect("a list").iter();
    let mut found = runs.filter(|run| run["metadata"]["workflow.node"] == name);
    found.next().expect("the node is there")
}

#[test]
fn a_workflow_runs_in_order_and_hands_on_what_its_runs_return() {
    let (folder, _server) = serving();
    let text = r#"
        name = "greetings"
        [[nodes]]
        name = "second"
        job = "greet"
        input = { name = { "$output" = "first" } }
        after = ["first"]
        [[nodes]]
        name = "first"
        job = "greet"
        input = { name = "Ada" }
        [[nodes]]
        name = "never"
        job = "greet"
        input = { name = "Eve" }
        after = ["first:failure"]
    "#;
    std::fs::write(folder.path("greetings.toml"), text).unwrap();
    let started = folder.json(&["workflow", "run", "greetings.toml"]);
    let id = started["id"].as_str().unwrap();
    let tag = format!("workflow:{id}");
    let is_over = |runs: &[Value]| {
        runs.iter().all(|run| run["status"] == "completed" || run["status"] == "cancelled")
    };
    folder.runs_once(&["--tag", &tag], is_over);
    let shown = folder.json(&["workflow", "show", id]);
    assert_eq!((&shown["name"], &shown["counts"]["completed"]), (&json!("greetings"), &json!(2)));
    assert_eq!(node(&shown, "second")["output"], "Hello, Hello, Ada!!");
    assert_eq!(node(&shown, "never")["error"]["type"], "skipped");
    let human = folder.run(&["workflow", "show", id]);
    assert!(human.stdout.contains("first:failure"), "{}", human.stdout);
}

#[test]
fn a_workflow_that_cannot_be_is_refused_by_name() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    server.stop();
    let nodes = json!([
        { "name": "a", "job": "greet", "after": ["b"] },
        { "name": "b", "job": "greet", "after": ["a:always"] },
    ]);
    std::fs::write(folder.path("circle.json"), json!({ "nodes": nodes }).to_string()).unwrap();
    let ended = folder.run(&["workflow", "run", "circle.json"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("circle: a after b after a"), "{}", ended.stderr);
    assert_eq!(folder.runs(&[]).len(), 0);
    let unknown = folder.run(&["workflow", "show", "01890000-0000-7000-8000-00000000abcd"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

#[test]
fn what_waits_is_shown_and_called_off() {
    let (folder, _server) = serving();
    let later = ["enqueue", "greet", "--input", r#"{"name":"A"}"#, "--in", "1h"];
    let first = folder.json(&later)["id"].as_str().unwrap().to_owned();
    let after = format!("{first}:always");
    let next = folder.json(&["enqueue", "greet", "--input", r#"{"name":"B"}"#, "--after", &after]);
    let shown = folder.json(&["runs", "show", next["id"].as_str().unwrap()]);
    assert_eq!(shown["status"], "held");
    assert_eq!(shown["after"], json!([{ "run": first, "on": "always" }]));

    let refused = folder.run(&["runs", "cancel", "--job", "greet"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stdout.contains("2 runs match"), "{}", refused.stdout);
    let counted = folder.json(&["runs", "cancel", "--job", "greet", "--dry-run"]);
    assert_eq!(counted["matching"], 2);
    let report = folder.json(&["runs", "cancel", "--job", "greet", "--yes"]);
    assert_eq!(report["done"], 2);
    let gone = folder.json(&["runs", "delete", "--all", "--job", "greet", "--yes"]);
    assert_eq!(gone["done"], 2);
    assert_eq!(folder.runs(&["--job", "greet"]).len(), 0);
}

#[test]
fn failed_runs_are_grouped_and_run_again_or_given_up() {
    let (folder, _server) = serving();
    for _ in 0..2 {
        assert_eq!(folder.run(&["enqueue", "panics", "--wait"]).code, 1);
    }
    let dead = folder.json(&["dead", "list"]);
    let group = &dead["groups"][0];
    assert_eq!((&group["job_type"], &group["count"]), (&json!("panics"), &json!(2)));
    let kind = group["error_type"].as_str().unwrap();
    let shown = folder.json(&["dead", "show", "panics", "--error", kind]);
    assert_eq!(shown["runs"].as_array().unwrap().len(), 2);
    let again = folder.json(&["dead", "retry", "--job", "panics", "--error", kind, "--yes"]);
    assert_eq!(again["done"], 2);
    let failed = ["--job", "panics", "--status", "failed"];
    let all = |runs: &[Value]| runs.len() == 2;
    let runs = folder.runs_once(&failed, all);
    assert!(runs.iter().all(|run| run["trigger"] == "retry"));
    let gone = folder.json(&["dead", "discard", "--job", "panics", "--yes"]);
    assert_eq!(gone["done"], 2);
    assert_eq!(folder.json(&["dead", "list"])["groups"], json!([]));
    // One that did well is none of them, though it is named.
    let well = folder.json(&["enqueue", "greet", "--input", r#"{"name":"A"}"#, "--wait"]);
    let refused = folder.run(&["dead", "discard", well["id"].as_str().unwrap()]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("is completed: nothing was done"), "{}", refused.stderr);
    assert_eq!(folder.runs(&["--job", "greet"]).len(), 1);
}
