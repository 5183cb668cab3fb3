//! A configuration file is written: by flags, by answers, and never over another.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::server::Server;
use crate::support::{Ended, Folder};

/// Runs `init` with these lines as answers.
fn answered(folder: &Folder, arguments: &[&str], answers: &str) -> Ended {
    let mut child = folder
        .command(&[&["init"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may end before it has read all.
    let _ = stdin.write_all(answers.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends").into()
}

/// What a command of the folder works with, and why.
fn setting(folder: &Folder, key: &str) -> (String, String) {
    let all = folder.json(&["config"]);
    let text = |name: &str| all[key][name].as_str().expect("a text").to_owned();
    (text("value"), text("source"))
}

#[test]
fn answers_make_a_file_that_a_host_serves_by() {
    let folder = Folder::new();
    let ended = answered(&folder, &["--http", "off"], "mysql://x\nsqlite:mine.db\n\nacme\n30d\n");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("this build has no storage \"mysql\""), "{}", ended.stderr);
    assert!(!ended.stderr.contains("http.listen"), "a flag answered it: {}", ended.stderr);
    assert!(ended.stdout.contains("wrote zapjobs.toml"), "{}", ended.stdout);
    assert!(ended.stdout.contains("zapjobs new hello\n  zapjobs serve"), "{}", ended.stdout);
    assert_eq!(setting(&folder, "storage").0, "sqlite:mine.db");
    assert_eq!(setting(&folder, "tenant").0, "acme");
    assert!(setting(&folder, "host.retention").1.contains("zapjobs.toml line"));
    assert_eq!(setting(&folder, "host.lease").1, "default");
    let text = std::fs::read_to_string(folder.path("zapjobs.toml")).expect("it is there");
    assert!(text.contains("# Use 1s to 1h. Environment: ZAPJOBS_HOST_LEASE.\n# lease = \"30s\""));
    assert!(!folder.path("mine.db").exists(), "looking made no database");
    Server::start(&folder, &[]).stop();
    assert!(folder.path("mine.db").exists());
}

#[test]
fn nothing_is_asked_with_yes_and_nothing_is_overwritten_without_force() {
    let folder = Folder::new();
    let made = folder.json(&["init", "--yes", "--set", "host.concurrency=9"]);
    assert_eq!(made["settings"]["host.concurrency"], "9");
    assert_eq!(made["settings"]["storage"], "sqlite:zapjobs.db");
    assert_eq!(made["next"], json!(["zapjobs new hello", "zapjobs serve"]));
    assert_eq!(setting(&folder, "host.concurrency").0, "9");
    let again = folder.run(&["init", "--yes"]);
    assert_eq!(again.code, 2, "{}", again.stderr);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(setting(&folder, "host.concurrency").0, "9", "it stays as it was");
    assert_eq!(folder.run(&["init", "--yes", "--force"]).code, 0);
    assert_eq!(setting(&folder, "host.concurrency").1, "default");
    std::fs::write(folder.path("zapjobs.toml"), "no = such\nsetting\n").expect("written");
    assert_eq!(folder.run(&["init", "--yes", "--force"]).code, 0, "a broken file is replaced too");
    let other = folder.run(&["--config", "other.toml", "init", "--yes"]);
    assert!(other.stdout.contains("zapjobs --config other.toml serve"), "{}", other.stdout);
}

#[test]
fn a_storage_that_cannot_be_used_is_told_and_nothing_is_written() {
    let folder = Folder::new();
    let url = "postgres://ada:hush@127.0.0.1:1/jobs";
    let refused = folder.run(&["init", "--yes", "--storage", url]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was written"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("hush"), "{}", refused.stderr);
    assert!(!folder.path("zapjobs.toml").exists());
    let taken = folder.run(&["init", "--yes", "--storage", url, "--no-check"]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    assert!(!taken.stdout.contains("hush") && !taken.stderr.contains("hush"), "{}", taken.stderr);
    let text = std::fs::read_to_string(folder.path("zapjobs.toml")).expect("it is there");
    assert!(text.contains("storage = \"postgres://ada:hush@127.0.0.1:1/jobs\""), "{text}");
    let wrong = folder.run(&["init", "--yes", "--force", "--storage", "mysql://ada:hush@x/y"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
}

#[test]
fn what_the_environment_says_stays_out_of_the_file() {
    let folder = Folder::new();
    let mut command = folder.command(&["init"]);
    let ended: Ended = command
        .args(["--yes", "--no-check"])
        .env("ZAPJOBS_STORAGE", "postgres://ada:hush@db/jobs")
        .output()
        .expect("it starts")
        .into();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = std::fs::read_to_string(folder.path("zapjobs.toml")).expect("it is there");
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(setting(&folder, "storage").1, "default");
}

#[test]
fn answers_that_end_too_early_write_nothing() {
    let folder = Folder::new();
    let ended = answered(&folder, &[], "sqlite:a.db\n");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("the answers ended at plugins"), "{}", ended.stderr);
    assert!(!folder.path("zapjobs.toml").exists());
}
