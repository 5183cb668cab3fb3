//! What is wrong is said in one line that names the place and the remedy, and harms nothing.

use std::os::unix::process::CommandExt;

use crate::server::Server;
use crate::support::{Ended, Folder, component};

/// One line, with these words, and nothing that only a programmer could read.
pub(crate) fn assert_says(ended: &Ended, code: i32, words: &[&str]) {
    let text = &ended.stderr;
    assert_eq!(ended.code, code, "{text}");
    assert_eq!(ended.stdout, "");
    assert_eq!(text.trim_end().lines().count(), 1, "one line: {text}");
    assert!(text.starts_with("error: "), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing: {text}");
    }
    for jargon in ["panicked", "RUST_BACKTRACE", "Error {", "Err(", "Some("] {
        assert!(!text.contains(jargon), "{text}");
    }
}

#[test]
fn files_that_are_no_plugins_are_named_for_what_they_are() {
    let folder = Folder::new();
    let hello = component("hello");
    let files: [(&str, Vec<u8>, &str); 6] = [
        ("empty", Vec::new(), "empty"),
        ("text", b"hello".to_vec(), "not a WebAssembly component"),
        ("core", wat::parse_str("(module)").unwrap(), "core WebAssembly module"),
        ("cut", hello[..1_000].to_vec(), "truncated or damaged"),
        ("other", wat::parse_str("(component)").unwrap(), "zapjobs:job"),
        ("wants", wat::parse_str("(component (import \"a:b/c\" (instance)))").unwrap(), ""),
    ];
    for (name, bytes, words) in files {
        folder.put_plugin(name, &bytes);
        let path = format!("plugins/{name}.wasm");
        assert_says(&folder.run(&["run", &path]), 2, &[&path, words]);
    }
    assert_says(&folder.run(&["run", "none.wasm"]), 2, &["none.wasm", "No such file"]);
}

#[test]
fn inputs_that_do_not_fit_are_told_where() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    folder.put_plugin("misbehave", &component("misbehave"));
    let _server = Server::start(&folder, &[]);
    std::fs::write(folder.path("lines"), "{\"name\":\"a\"}\n{\"name\":7}\n{oh\n").unwrap();
    let cases: [(&[&str], &[&str]); 8] = [
        (&["enqueue", "greet", "--input", r#"{"name":7}"#], &["greet", "/name", "string"]),
        (&["enqueue", "greet", "--input", r#"{"name": }"#], &["line 1 column 10"]),
        (&["enqueue", "greet", "--input", "@none.json"], &["none.json", "No such file"]),
        (&["enqueue", "greet", "--inputs", "@lines"], &["lines line 3"]),
        (&["enqueue", "gret"], &["unknown job type gret", "greet"]),
        (&["run", "plugins/hello.wasm", "--input", "{}"], &["greet", "\"name\" is a required"]),
        (&["run", "plugins/misbehave.wasm"], &["several jobs", "--job", "flaky"]),
        (&["run", "plugins/misbehave.wasm", "--job", "flaki"], &["did you mean flaky?"]),
    ];
    for (arguments, words) in cases {
        assert_says(&folder.run(arguments), 2, words);
    }
    assert_eq!(folder.runs(&["--job", "greet"]).len(), 0, "nothing was stored");
}

#[test]
fn settings_that_are_wrong_are_told_with_their_source() {
    let folder = Folder::new();
    std::fs::write(folder.path("typo.toml"), "[host]\nconcurency = 4\n").unwrap();
    std::fs::write(folder.path("broken.toml"), "storage = \n").unwrap();
    std::fs::write(folder.path("bounds.toml"), "[limits]\nmemory = \"9GiB\"\n").unwrap();
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--config", "typo.toml", "config"], &["typo.toml line 2", "host.concurrency?"]),
        (&["--config", "broken.toml", "config"], &["broken.toml line 1"]),
        (&["--config", "bounds.toml", "config"], &["bounds.toml line 2", "64KiB to 4GiB"]),
        (&["--config", "none.toml", "config"], &["none.toml", "No such file"]),
        (&["--set", "host.lease=forever", "config"], &["host.lease", "such as 30s"]),
        (&["--set", "host.leese=1s", "config"], &["did you mean host.lease?"]),
        (&["serve", "--concurrency", "0"], &["--concurrency", "1 to 10000"]),
    ];
    for (arguments, words) in cases {
        assert_says(&folder.run(arguments), 2, words);
    }
    let mut command = folder.command(&["config"]);
    let ended = command.env("ZAPJOBS_HOST_LEASE", "1").output().unwrap().into();
    assert_says(&ended, 2, &["environment ZAPJOBS_HOST_LEASE"]);
}

#[test]
fn storages_that_cannot_be_used_say_what_to_do() {
    let folder = Folder::new();
    std::fs::write(folder.path("text.db"), "this is no database, and never was one\n".repeat(9))
        .unwrap();
    let cases: [(i32, &[&str], &[&str]); 7] = [
        (2, &["--storage", "memory:", "enqueue", "greet"], &["inside one process", "zapjobs run"]),
        (2, &["--storage", "mysql://x", "serve"], &["mysql", "sqlite:PATH"]),
        (2, &["--storage", "zapjobs.db", "serve"], &["no scheme", "sqlite:PATH"]),
        (3, &["--storage", "sqlite:no/such.db", "serve"], &["directory no ", "create it"]),
        (3, &["--storage", "sqlite:none.db", "runs", "list"], &["none.db", "zapjobs serve"]),
        (2, &["--storage", "sqlite:text.db", "serve"], &["text.db"]),
        (3, &["--plugins", "text.db", "serve"], &["plugins directory text.db"]),
    ];
    for (code, arguments, words) in cases {
        let ended = folder.run(&[arguments, &["--log-level", "error"]].concat());
        assert_says(&ended, code, words);
    }
    assert!(!folder.path("none.db").exists(), "looking makes no database");
}

#[test]
fn a_database_that_may_not_be_written_is_named() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    Server::start(&folder, &[]).stop();
    let database = folder.path("zapjobs.db");
    let mut rights = std::fs::metadata(&database).unwrap().permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(&database, rights).unwrap();
    let arguments = ["enqueue", "greet", "--input", r#"{"name":"A"}"#];
    let mut command = folder.command(&arguments);
    // The superuser may write everything: be somebody else, to whom the folder is closed too.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| {
        use std::os::unix::fs::MetadataExt;
        me.uid() == 0
    });
    if is_root {
        // The program itself may lie where only the superuser looks.
        let program = folder.path("zapjobs");
        std::fs::copy(env!("CARGO_BIN_EXE_zapjobs"), &program).unwrap();
        let open = || std::os::unix::fs::PermissionsExt::from_mode(0o555);
        std::fs::set_permissions(&program, open()).unwrap();
        std::fs::set_permissions(folder.path("."), open()).unwrap();
        command = folder.command_of(&program, &arguments);
        command.uid(65_534);
    }
    let ended = command.output().unwrap().into();
    assert_says(&ended, 3, &["zapjobs.db", "may not be written"]);
}

#[test]
fn runs_that_are_not_there_are_named() {
    let folder = Folder::new();
    Server::start(&folder, &[]).stop();
    let id = "01a1fc00-c344-7550-9b4d-e340c7e90d02";
    for command in ["show", "logs", "cancel", "retry"] {
        assert_says(&folder.run(&["runs", command, id]), 2, &[id, "runs list"]);
        assert_says(&folder.run(&["runs", command, "e90d02"]), 2, &["e90d02"]);
        assert_says(&folder.run(&["runs", command, "no-id"]), 2, &["no-id", "UUID"]);
    }
}

#[test]
fn arguments_that_cannot_be_read_say_what_is_allowed() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 7] = [
        (&["enqueue", "greet", "--in", "10"], "such as 30s"),
        (&["enqueue", "greet", "--at", "tomorrow"], "RFC 3339"),
        (&["enqueue", "a b"], "job type"),
        (&["enqueue", "greet", "--priority", "5000"], "-1000 to 1000"),
        (&["enqueue", "greet", "--metadata", "x"], "KEY=VALUE"),
        (&["runs", "list", "--status", "done"], "completed"),
        (&["run", "x.wasm", "--dir", "plugins"], "HOST:GUEST"),
    ];
    for (arguments, words) in cases {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn failures_are_json_where_json_is_asked_for() {
    let folder = Folder::new();
    let ended = folder.run(&["--json", "runs", "list"]);
    let failure: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(failure["error"]["code"], 3);
    assert_eq!(ended.code, 3);
}
