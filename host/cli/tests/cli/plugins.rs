//! Plugins that come, change and go while a host serves.

use serde_json::json;

use crate::server::Server;
use crate::support::{Folder, another_version, component};

#[test]
fn a_plugin_that_is_dropped_in_serves_at_once() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    folder.put_plugin("hello", &component("hello"));
    assert_eq!(server.wait_for("serving")["jobs"], json!(["greet"]));
    let ended = folder.run(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    assert_eq!(ended.stdout, "\"Hello, Ada!\"\n", "{}", ended.stderr);
    let listed = folder.json(&["plugins", "list"]);
    assert_eq!(listed[0]["jobs"], json!(["greet"]));
}

#[test]
fn a_run_keeps_the_code_it_began_with_while_its_plugin_is_swapped() {
    let folder = Folder::new();
    let old = component("misbehave");
    folder.put_plugin("misbehave", &old);
    let server = Server::start(&folder, &[]);
    let before = folder.json(&["plugins", "list"])[0]["digest"].clone();
    let run = folder.json(&["enqueue", "sleep", "--input", r#"{"ms":3000}"#]);
    folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);

    folder.put_plugin("misbehave", &another_version(&old));
    let swapped = server.wait_for("serving");
    assert_eq!(swapped["replaced"], true);
    let new = folder.json(&["enqueue", "sleep", "--input", r#"{"ms":0}"#, "--wait"]);
    assert_eq!(new["digest"], swapped["digest"]);

    let id = run["id"].as_str().unwrap();
    assert_eq!(folder.run(&["runs", "logs", id, "--follow"]).code, 0);
    let old_run = folder.json(&["runs", "show", id]);
    assert_eq!((&old_run["status"], &old_run["digest"]), (&json!("completed"), &before));
    assert_eq!(old_run["attempt"], 1, "it was not interrupted");
}

#[test]
fn a_broken_plugin_is_reported_and_harms_nobody() {
    let folder = Folder::new();
    let whole = component("hello");
    folder.put_plugin("hello", &whole);
    let server = Server::start(&folder, &[]);
    folder.put_plugin("hello", &whole[..whole.len() / 2]);
    let refused = server.wait_for("refused");
    assert!(refused["reason"].as_str().unwrap().contains("truncated"), "{refused}");
    assert!(refused["still_serving"].is_string(), "{refused}");
    folder.put_plugin("core", &wat::parse_str("(module)").unwrap());
    assert!(server.wait_for("refused")["reason"].as_str().unwrap().contains("core"));

    let ended = folder.run(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let listed = folder.run(&["plugins", "list"]);
    assert!(listed.stdout.contains("truncated or damaged"), "{}", listed.stdout);
}

#[test]
fn a_broken_manifest_is_named_with_its_line() {
    let folder = Folder::new();
    std::fs::write(folder.path("plugins/hello.toml"), "[limits]\ncpu_max = 1\n").unwrap();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &["--ready-file", "ready.json"]);
    let ready = std::fs::read_to_string(folder.path("ready.json")).unwrap();
    assert!(ready.contains("hello.toml") && ready.contains("line 2"), "{ready}");
    let ended = folder.run(&["run", "plugins/hello.wasm", "--input", r#"{"name":"Ada"}"#]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("unknown field `cpu_max`"), "{}", ended.stderr);
}

#[test]
fn runs_of_a_plugin_that_was_removed_wait() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let server = Server::start(&folder, &[]);
    std::fs::remove_file(folder.path("plugins/hello.wasm")).unwrap();
    assert_eq!(server.wait_for("removed")["jobs"], json!(["greet"]));
    let input = r#"{"name":"Ada"}"#;
    let ended = folder.run(&["enqueue", "greet", "--input", input, "--wait", "--timeout", "300ms"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("no plugin serves greet now"), "{}", ended.stderr);

    folder.put_plugin("hello", &component("hello"));
    server.wait_for("serving");
    let runs = folder.runs_once(&["--job", "greet"], |runs| runs[0]["status"] == "completed");
    assert_eq!(runs[0]["attempt"], 1, "waiting burnt no attempt");
}

#[test]
fn a_component_can_be_inspected_and_run_without_a_host() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let inspected = folder.json(&["plugins", "inspect", "plugins/hello.wasm"]);
    assert_eq!(inspected["jobs"][0]["job_type"], "greet");
    assert_eq!(inspected["refused"], json!(null));
    let human = folder.run(&["plugins", "inspect", "plugins/hello.wasm"]);
    assert!(human.stdout.contains("log lines, within limits"), "{}", human.stdout);

    let ran = folder.json(&["run", "plugins/hello.wasm", "--input", r#"{"name":"Ada"}"#]);
    assert_eq!((&ran["outcome"], &ran["output"]), (&json!("completed"), &json!("Hello, Ada!")));
}
