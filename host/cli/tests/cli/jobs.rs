//! Runs from the command line: asked for, followed, put off, tried again, called off.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Folder, component};

fn serving(arguments: &[&str]) -> (Folder, Server) {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    folder.put_plugin("misbehave", &component("misbehave"));
    let server = Server::start(&folder, arguments);
    (folder, server)
}

#[test]
fn a_job_can_be_asked_for_and_awaited() {
    let (folder, server) = serving(&["--ready-file", "ready.json"]);
    let ready: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["plugins"][0]["jobs"], json!(["greet"]));
    assert_eq!(ready["refused"], json!([]));

    let ended = folder.run(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "\"Hello, Ada!\"\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("greeting name=Ada"), "{}", ended.stderr);

    server.stop();
    assert!(!folder.path("ready.json").exists(), "a host that has ended is not ready");
}

#[test]
fn what_was_asked_is_kept_and_shown() {
    let (folder, _server) = serving(&[]);
    let run = folder.json(&[
        "enqueue",
        "chatter",
        "--input",
        r#"{"lines":3}"#,
        "--wait",
        "--tag",
        "mine",
        "--priority",
        "-5",
        "--correlation-id",
        "request 7",
        "--metadata",
        "who=Ada",
        "--max-attempts",
        "9",
    ]);
    assert_eq!(run["output"], 3);
    assert_eq!(run["progress"]["done"], 3);
    assert_eq!(run["counts"]["succeeded"], 3);
    let id = run["id"].as_str().unwrap();

    let shown = folder.json(&["runs", "show", &id[id.len() - 8..]]);
    assert_eq!(shown["correlation_id"], "request 7");
    assert_eq!(shown["metadata"]["who"], "Ada");
    assert_eq!((&shown["priority"], &shown["max_attempts"]), (&json!(-5), &json!(9)));
    assert_eq!(folder.runs(&["--tag", "mine"]).len(), 1);
    assert_eq!(folder.runs(&["--tag", "mine", "--status", "failed"]).len(), 0);
    assert_eq!(folder.runs(&["--tag", "mine", "--since", "1h"]).len(), 1);

    let log = folder.run(&["runs", "logs", id, "--follow"]);
    assert_eq!(log.stdout.matches("chatting line=").count(), 3, "{}", log.stdout);
    let quiet = folder.run(&["runs", "logs", id, "--level", "error"]);
    assert_eq!(quiet.stdout, "");
    let human = folder.run(&["runs", "show", id]);
    assert!(human.stdout.contains("3 processed"), "{}", human.stdout);
}

#[test]
fn a_listing_goes_on_where_the_page_before_ended() {
    let (folder, _server) = serving(&[]);
    std::fs::write(
        folder.path("names"),
        "{\"name\":\"a\"}\n{\"name\":\"b\"}\n\n{\"name\":\"c\"}\n",
    )
    .unwrap();
    let made = folder.json(&["enqueue", "greet", "--inputs", "@names"]);
    assert_eq!(made["ids"].as_array().unwrap().len(), 3);
    let list = ["runs", "list", "--job", "greet", "--limit", "2"];
    let first = folder.json(&list);
    let next = first["next"].as_str().expect("there is more");
    let second = folder.json(&[&list[..], &["--after", next]].concat());
    assert_eq!(first["runs"].as_array().unwrap().len(), 2);
    assert_eq!(second["runs"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn a_run_that_is_put_off_starts_no_earlier() {
    let (folder, _server) = serving(&[]);
    let asked = Instant::now();
    let arguments = ["enqueue", "greet", "--input", r#"{"name":"A"}"#, "--in", "400ms", "--wait"];
    let ended = folder.run(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(asked.elapsed() >= Duration::from_millis(400), "{:?}", asked.elapsed());
}

#[test]
fn a_failed_attempt_is_tried_again_until_it_goes_well() {
    let (folder, _server) = serving(&[]);
    let run = folder.json(&["enqueue", "flaky", "--input", r#"{"failures":2}"#, "--wait"]);
    assert_eq!(
        (&run["output"], &run["attempt"], &run["max_attempts"]),
        (&json!(3), &json!(3), &json!(5))
    );
}

#[test]
fn a_run_that_failed_says_why_and_can_be_run_again() {
    let (folder, _server) = serving(&[]);
    let ended = folder.run(&["enqueue", "panics", "--wait"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("failed") && ended.stderr.contains("meant to panic"));
    let failed = folder.runs(&["--status", "failed"]);
    let id = failed[0]["id"].as_str().unwrap();
    let again = folder.run(&["runs", "retry", id, "--wait"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    let run = folder.json(&["runs", "show", id]);
    assert_eq!(run["trigger"], "retry");
}

#[test]
fn a_schedule_fires_by_itself() {
    let (folder, _server) = serving(&[]);
    let ticks = ["--job", "tick", "--status", "completed"];
    let runs = folder.runs_once(&ticks, |runs| runs.len() >= 2);
    assert!(runs.iter().all(|run| run["trigger"] == "scheduled" && run["output"] == "tock"));
    assert!(runs[0]["tags"].as_array().unwrap().contains(&json!("scheduled")));
}

#[test]
fn waiting_ends_when_its_time_is_over_and_the_run_goes_on() {
    let (folder, _server) = serving(&[]);
    let input = r#"{"ms":600000}"#;
    let ended = folder.run(&["enqueue", "sleep", "--input", input, "--wait", "--timeout", "200ms"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let running = folder.runs_once(&["--job", "sleep", "--status", "running"], |it| it.len() == 1);
    assert_eq!(running[0]["attempt"], 1);
}

/// Starts a command that shows a run's log on stderr, and interrupts it once it does.
fn interrupted(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = folder.command(arguments);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("spinning") {
        assert_ne!(stderr.read_line(&mut text).unwrap(), 0, "it ended before: {text}");
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    let code = child.wait().unwrap().code();
    stderr.read_to_string(&mut text).unwrap();
    (code, text)
}

#[test]
fn an_interrupted_wait_leaves_the_run_and_says_how_to_stop_it() {
    let (folder, _server) = serving(&[]);
    let (code, text) = interrupted(&folder, &["enqueue", "spin", "--wait"]);
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("zapjobs runs cancel"), "{text}");
    assert_eq!(folder.runs(&["--job", "spin", "--status", "running"]).len(), 1);
}

#[test]
fn an_interrupted_attempt_without_a_host_ends() {
    let folder = Folder::new();
    folder.put_plugin("misbehave", &component("misbehave"));
    let arguments = ["run", "plugins/misbehave.wasm", "--job", "spin"];
    let (code, text) = interrupted(&folder, &arguments);
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("cancelled"), "{text}");
}

#[test]
fn an_endless_loop_stops_at_its_limit_and_disturbs_nobody() {
    let (folder, _server) = serving(&["--set", "limits.cpu=2s", "--guest-threads", "2"]);
    std::fs::write(folder.path("loops"), "null\nnull\nnull\nnull\n").unwrap();
    folder.json(&["enqueue", "spin", "--inputs", "@loops"]);
    folder.runs_once(&["--job", "spin", "--status", "running"], |runs| runs.len() == 4);

    // Four loops on two threads, and a neighbour still gets its turn.
    let asked = Instant::now();
    let neighbour = folder.run(&["enqueue", "greet", "--input", r#"{"name":"A"}"#, "--wait"]);
    println!("beside four endless loops, a greeting took {:?}", asked.elapsed());
    assert_eq!(neighbour.code, 0, "{}", neighbour.stderr);

    let failed = folder.runs_once(&["--job", "spin", "--status", "failed"], |runs| runs.len() == 4);
    for run in failed {
        assert_eq!(
            (&run["error"]["type"], &run["error"]["blame"]),
            (&json!("cpu-time"), &json!("guest"))
        );
    }
}

/// Three tries, because the machine's other work can hold any one of them up.
#[test]
fn a_cancelled_loop_stops_within_a_tenth_of_a_second() {
    let (folder, _server) = serving(&[]);
    let waits = [(); 3].map(|()| {
        let run = folder.json(&["enqueue", "spin"]);
        let id = run["id"].as_str().unwrap();
        folder.runs_once(&["--job", "spin", "--status", "running"], |runs| runs.len() == 1);
        let cancelled = folder.json(&["runs", "cancel", id, "--wait", "--timeout", "30s"]);
        assert_eq!(cancelled["status"], "cancelled");
        cancelled["waited_us"].as_u64().unwrap()
    });
    println!("cancelled after (us): {waits:?}");
    assert!(waits.into_iter().min().unwrap() < 100_000, "{waits:?}");
}

#[test]
fn a_second_unique_request_and_a_repeated_one_are_answered_the_first_run() {
    let (folder, server) = serving(&[]);
    server.stop();
    let unique = ["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--unique"];
    let first = folder.json(&unique);
    assert_eq!(first["result"], "stored");
    let second = folder.json(&unique);
    assert_eq!((&second["id"], &second["result"]), (&first["id"], &json!("existing")));
    let replacing =
        [&unique[..], &["--unique-key", "k", "--unique-for", "10m", "--on-conflict", "replace"]];
    assert_eq!(folder.json(&replacing.concat())["result"], "stored");
    assert_eq!(folder.json(&replacing.concat())["result"], "replaced");

    let named = ["enqueue", "greet", "--idempotency-key", "x", "--input"];
    let heard = folder.json(&[&named[..], &[r#"{"name":"Ada"}"#]].concat());
    let again = folder.json(&[&named[..], &[r#"{ "name": "Ada" }"#]].concat());
    assert_eq!((&again["id"], &again["result"]), (&heard["id"], &json!("existing")));
    let ended = folder.run(&[&named[..], &[r#"{"name":"Bob"}"#]].concat());
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("was used for another request"), "{}", ended.stderr);
    let ended = folder.run(&[&unique[..], &["--unique-for", "1ms"]].concat());
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("use 1 second to 30 days"), "{}", ended.stderr);
}
