//! Runs that belong together, from the command line.

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Folder, component};

const TWO: &str = "{\"job\":\"greet\",\"input\":{\"name\":\"A\"}}\n\n\
                   {\"job\":\"greet\",\"input\":{\"name\":\"B\"},\"tags\":[\"red\"]}\n";

fn serving() -> (Folder, Server) {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    folder.put_plugin("misbehave", &component("misbehave"));
    let server = Server::start(&folder, &[]);
    (folder, server)
}

#[test]
fn a_batch_is_stored_awaited_and_shown() {
    let (folder, _server) = serving();
    std::fs::write(folder.path("runs.jsonl"), TWO).unwrap();
    let after = "greet={\"name\":\"C\"}";
    let create = ["batch", "create", "runs.jsonl", "--name", "hello", "--on-success", after];
    let started = folder.json(&create);
    let id = started["id"].as_str().unwrap();
    assert_eq!(started["runs"].as_array().unwrap().len(), 2);
    let batch = folder.json(&["batch", "wait", id, "--timeout", "1m"]);
    assert_eq!((&batch["completed"], &batch["total"]), (&json!(2), &json!(2)));
    let shown = folder.json(&["batch", "show", id]);
    assert_eq!((&shown["state"], &shown["batch"]["name"]), (&json!("succeeded"), &json!("hello")));
    assert_eq!(folder.runs(&["--batch", id]).len(), 2);
    assert_eq!(folder.runs(&["--batch", id, "--tag", "red"]).len(), 1);
    let is_over = |runs: &[Value]| runs.iter().all(|run| run["status"] == "completed");
    assert_eq!(folder.runs_once(&["--job", "greet"], is_over).len(), 3);
    let listed = folder.json(&["batch", "list"]);
    assert_eq!(listed["batches"][0]["id"], id);
    let text = folder.run(&["batch", "show", id]);
    assert!(text.stdout.contains("2 completed, 0 failed"), "{}", text.stdout);
}

#[test]
fn an_open_batch_grows_until_it_is_closed() {
    let (folder, _server) = serving();
    std::fs::write(folder.path("runs.jsonl"), TWO).unwrap();
    let outer = folder.json(&["batch", "create", "--open"]);
    let outer = outer["id"].as_str().unwrap();
    let added = folder.json(&["batch", "add", outer, "runs.jsonl"]);
    assert_eq!(added["runs"].as_array().unwrap().len(), 2);
    let inner = folder.json(&["batch", "create", "runs.jsonl", "--parent", outer]);
    let closed = folder.json(&["batch", "close", outer]);
    assert_eq!(closed["total"], 3);
    let late = folder.run(&["batch", "add", outer, "runs.jsonl"]);
    assert!(late.code != 0 && late.stderr.contains("takes no more members"), "{}", late.stderr);
    folder.json(&["batch", "wait", outer, "--timeout", "1m"]);
    let nested = folder.json(&["batch", "list", "--parent", outer]);
    assert_eq!(nested["batches"][0]["id"], inner["id"]);
}

#[test]
fn a_batch_that_fails_is_told_and_run_again_or_called_off() {
    let (folder, _server) = serving();
    std::fs::write(folder.path("bad.jsonl"), "{\"job\":\"panics\"}\n").unwrap();
    let id = folder.json(&["batch", "create", "bad.jsonl"]);
    let id = id["id"].as_str().unwrap();
    let waited = folder.run(&["batch", "wait", id, "--timeout", "1m"]);
    assert_eq!(waited.code, 1, "{}", waited.stderr);
    assert!(waited.stdout.contains("0 completed, 1 failed"), "{}", waited.stdout);
    assert_eq!(folder.json(&["batch", "retry", id])["runs"]["done"], 1);
    let open = folder.json(&["batch", "create", "--open"]);
    let open = open["id"].as_str().unwrap();
    let waited = folder.run(&["batch", "wait", open, "--timeout", "1ms"]);
    assert_eq!(waited.code, 4, "{}", waited.stderr);
    assert_eq!(folder.json(&["batch", "cancel", open])["batches"], 1);
    folder.json(&["batch", "wait", open, "--timeout", "1m"]);
}

#[test]
fn what_is_wrong_with_a_batch_is_told_where() {
    let (folder, _server) = serving();
    std::fs::write(folder.path("runs.jsonl"), "{\"job\":\"greet\"}\n{\"jib\":1}\n").unwrap();
    let wrong = folder.run(&["batch", "create", "runs.jsonl"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("runs.jsonl line 2: "), "{}", wrong.stderr);
    let unknown = "01890000-0000-7000-8000-00000000abcd";
    for command in ["show", "cancel", "retry", "close", "wait"] {
        let answer = folder.run(&["batch", command, unknown]);
        assert_eq!(answer.code, 2, "{}", answer.stderr);
        assert!(answer.stderr.contains("there is no batch"), "{}", answer.stderr);
    }
    assert_eq!(folder.json(&["batch", "list"])["batches"], json!([]));
}
