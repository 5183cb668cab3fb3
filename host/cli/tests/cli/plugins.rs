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
    assert!(ended.stderr.contains("there is no limit \"cpu_max\""), "{}", ended.stderr);
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

#[test]
fn a_plugin_goes_back_to_the_version_before_and_forth_again() {
    let folder = Folder::new();
    let old = component("hello");
    folder.put_plugin("hello", &old);
    let server = Server::start(&folder, &[]);
    folder.put_plugin("hello", &another_version(&old));
    let new = server.wait_for("serving")["digest"].clone();
    let versions = folder.json(&["plugins", "history", "hello"])["versions"].clone();
    assert_eq!(versions[0]["digest"], new);
    let before = versions[1]["digest"].clone();

    let ordered = folder.json(&["plugins", "rollback", "hello"]);
    assert_eq!((&ordered["order"], &ordered["digest"]), (&json!("pinned"), &before));
    let serving = server.wait_for("serving");
    assert_eq!((&serving["digest"], &serving["from"]), (&before, &json!("pinned")));
    let input = ["--input", r#"{"name":"Ada"}"#, "--wait"];
    let run = folder.json(&[["enqueue", "greet"].as_slice(), &input].concat());
    assert_eq!(run["digest"], before);
    let listed = folder.json(&["plugins", "list"]);
    assert_eq!((&listed[0]["state"], &listed[0]["serving"]), (&json!("pinned"), &before));

    folder.json(&["plugins", "unpin", "hello"]);
    assert_eq!(server.wait_for("serving")["digest"], new);
    let again = folder.run(&["plugins", "unpin", "hello"]);
    assert_eq!(again.code, 2, "{}", again.stderr);
    let short = &before.as_str().unwrap()[..8];
    folder.json(&["plugins", "rollback", "hello", "--to", short]);
    assert_eq!(server.wait_for("serving")["digest"], before);
}

#[test]
fn a_plugin_that_wants_more_than_before_waits_for_approval() {
    let folder = Folder::new();
    folder.put_plugin("job", &component("noop"));
    let server = Server::start(&folder, &[]);
    folder.put_plugin("job", &component("hostile"));
    let held = server.wait_for("held");
    assert_eq!(held["wants_more"], json!(["files", "sockets"]), "{held}");
    let listed = folder.json(&["plugins", "list"]);
    assert_eq!((&listed[0]["state"], &listed[0]["jobs"]), (&json!("held"), &json!(["noop"])));
    let human = folder.run(&["plugins", "list"]);
    assert!(human.stdout.contains("plugins approve job"), "{}", human.stdout);

    folder.json(&["plugins", "approve", "job"]);
    let serving = server.wait_for("serving");
    assert_eq!((&serving["digest"], &serving["replaced"]), (&held["digest"], &json!(true)));
    assert_eq!(folder.json(&["plugins", "list"])[0]["state"], "serving");
}

#[test]
fn each_tenant_has_its_own_plugins_in_its_own_folder() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("plugins/acme")).unwrap();
    std::fs::write(folder.path("plugins/acme/hello.wasm"), component("hello")).unwrap();
    let _server = Server::start(&folder, &[]);
    let input = ["greet", "--input", r#"{"name":"Ada"}"#, "--wait"];
    let ended = folder.run(&[["--tenant", "acme", "enqueue"].as_slice(), &input].concat());
    assert_eq!(ended.stdout, "\"Hello, Ada!\"\n", "{}", ended.stderr);
    let other = folder.run(&[["enqueue"].as_slice(), &input].concat());
    assert_eq!(other.code, 2, "{}", other.stderr);
    let listed = folder.json(&["--tenant", "acme", "plugins", "list"]);
    assert_eq!(listed[0]["jobs"], json!(["greet"]));
}

#[test]
fn a_manifest_says_how_a_job_is_tried_again() {
    let folder = Folder::new();
    let manifest = "[jobs.greet.retry]\nkind = \"fixed\"\nbase_ms = 5000\n\
                    not_retried = [\"config.*\"]\n";
    std::fs::write(folder.path("plugins/hello.toml"), manifest).unwrap();
    folder.put_plugin("hello", &component("hello"));
    let server = Server::start(&folder, &[]);
    server.stop();
    let jobs = folder.json(&["plugins", "jobs"]);
    assert_eq!(jobs[0]["retry"]["kind"], "fixed");
    let words = jobs[0]["retry_words"].as_str().unwrap();
    assert!(words.contains("waiting 5s each time") && words.contains("not after config.*"));
    let shown = folder.run(&["plugins", "jobs"]).stdout;
    assert!(shown.contains("greet") && shown.contains("5s each time"), "{shown}");
}
