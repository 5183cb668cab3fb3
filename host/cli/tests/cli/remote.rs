//! The same commands on a storage and on a server: what they show and do is the same.

use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Ended, Folder, component};

/// A host with the API, and a token for it.
struct Installation {
    folder: Folder,
    _server: Server,
    url: String,
    token: String,
}

/// How a command is to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Local,
    Remote,
}

impl Installation {
    /// With leases so long that no sign of life changes what is shown meanwhile.
    fn new() -> Self {
        let folder = Folder::new();
        folder.put_plugin("hello", &component("hello"));
        folder.put_plugin("misbehave", &component("misbehave"));
        let server = Server::start(&folder, &["--http", "127.0.0.1:0", "--lease", "1h"]);
        let url = format!("http://{}", server.ready()["http"].as_str().expect("an address"));
        let made = folder.json(&["tokens", "create", "t", "--scope", "operate", "--all-tenants"]);
        let token = made["token"].as_str().expect("a token").to_owned();
        Self { folder, _server: server, url, token }
    }

    fn run(&self, way: Way, arguments: &[&str]) -> Ended {
        let mut command = self.folder.command(arguments);
        if way == Way::Remote {
            command.env("ZAPJOBS_SERVER", &self.url).env("ZAPJOBS_TOKEN", &self.token);
        }
        let ended = Ended::from(command.output().expect("the command starts"));
        assert!(!ended.stderr.contains(&self.token) && !ended.stdout.contains(&self.token));
        ended
    }

    /// The documents that a command prints, and how it ends.
    fn documents(&self, way: Way, arguments: &[&str]) -> (i32, Vec<Value>) {
        let ended = self.run(way, &[&["--json"], arguments].concat());
        let lines = ended.stdout.lines().map(serde_json::from_str::<Value>);
        let documents: Result<Vec<Value>, _> = lines.collect();
        assert!(ended.code <= 1, "{way:?} {arguments:?}: {}", ended.stderr);
        (ended.code, documents.expect("stdout holds JSON"))
    }

    fn id(&self, arguments: &[&str]) -> String {
        let (_, made) = self.documents(Way::Local, arguments);
        made[0]["id"].as_str().expect("an id").to_owned()
    }
}

#[test]
fn what_is_looked_at_is_the_same_both_ways() {
    let at = Installation::new();
    let done = at.id(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    let failed = at.id(&["enqueue", "panics", "--wait"]);
    let ada = r#"{"name":"Ada"}"#;
    let late = at.id(&["enqueue", "greet", "--input", ada, "--in", "1h", "--tag", "late"]);
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(3_000));
    at.id(&["enqueue", "greet", "--input", &long, "--in", "1h"]);
    at.id(&["enqueue", "sleep", "--input", r#"{"ms":600000}"#]);
    at.folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);
    let schedule = ["schedule", "add", "monthly", "--every", "30d", "--job", "greet"];
    at.folder.json(&[&schedule[..], &["--input", r#"{"name":"B"}"#]].concat());
    at.folder.json(&["limits", "set", "--job", "greet", "--concurrency", "5", "--rate", "9/m"]);
    at.folder.json(&["pause", "--queue", "nobody"]);
    let end = &done[done.len() - 8..];
    for arguments in [
        &["runs", "list", "--job", "greet"][..],
        &["runs", "list", "--status", "failed,running", "--limit", "1000"],
        &["runs", "list", "--tag", "late", "--since", "1h"],
        &["runs", "show", &done],
        &["runs", "show", end],
        &["runs", "show", &failed],
        &["runs", "show", &late],
        &["runs", "logs", &done],
        &["runs", "logs", &done, "--level", "error"],
        &["runs", "logs", &done, "--follow"],
        &["runs", "steps", &done],
        &["jobs"],
        &["dead", "list"],
        &["dead", "show", "panics"],
        &["schedule", "show", "monthly"],
        &["limits", "list"],
        &["stats", "--by", "day", "--queue", "nobody"],
        &["runs", "delete", "--job", "panics", "--dry-run"],
    ] {
        let (local, remote) =
            (at.documents(Way::Local, arguments), at.documents(Way::Remote, arguments));
        assert_eq!(local, remote, "{arguments:?}");
        assert!(!local.1.is_empty() || arguments.contains(&"error"), "{arguments:?} shows nothing");
    }
    let status = |way| {
        let mut seen = at.documents(way, &["status"]).1.remove(0);
        // The other schedules fire meanwhile.
        for varying in ["now", "place", "hours", "total", "counts", "queues"] {
            seen[varying] = Value::Null;
        }
        seen
    };
    let (local, remote) = (status(Way::Local), status(Way::Remote));
    assert_eq!(local, remote);
    assert_eq!(local["running"][0]["job_type"], "sleep");
}

/// Everything that differs from run to run, made the same.
fn plain(value: &Value, names: &mut HashMap<String, String>) -> Value {
    match value {
        Value::String(text) if text.len() == 36 && text.matches('-').count() == 4 => {
            let name = format!("id {}", names.len());
            json!(names.entry(text.clone()).or_insert(name))
        }
        Value::String(text) if text.ends_with('Z') && text.contains("T") && text.len() > 18 => {
            json!("time")
        }
        // How it was asked for is told: this is the difference that there is to be.
        Value::String(text) if text == "manual" || text == "api" => json!("asked"),
        Value::Array(items) => items.iter().map(|item| plain(item, names)).collect(),
        Value::Object(fields) => {
            let varying = ["usage", "waited_us", "worker", "key", "latest_run"];
            let fields = fields.iter().filter(|(name, _)| !varying.contains(&name.as_str()));
            fields.map(|(name, value)| (name.clone(), plain(value, names))).collect()
        }
        value => value.clone(),
    }
}

/// One day of an operator's; answers everything that was shown.
fn story(way: Way) -> Vec<Value> {
    let at = Installation::new();
    let (mut names, mut told) = (HashMap::new(), Vec::new());
    let mut ask = |arguments: &[&str]| {
        let (code, documents) = at.documents(way, arguments);
        for document in &documents {
            let document = plain(document, &mut names);
            let asked = arguments[..2].join(" ");
            told.push(json!({ "asked": asked, "code": code, "told": document }));
        }
        documents.into_iter().next().unwrap_or_default()
    };
    let ada = r#"{"name":"Ada"}"#;
    ask(&["enqueue", "greet", "--input", ada, "--tag", "a", "--metadata", "k=v", "--wait"]);
    std::fs::write(at.folder.path("names"), "{\"name\":\"a\"}\n{\"name\":\"b\"}\n")
        .expect("written");
    ask(&["enqueue", "greet", "--inputs", "@names", "--in", "1h", "--priority", "5"]);
    let unique = ["enqueue", "greet", "--input", ada, "--unique", "--unique-for", "10m"];
    ask(&unique);
    ask(&unique);
    ask(&["enqueue", "greet", "--input", ada, "--idempotency-key", "k", "--in", "2h"]);
    ask(&["enqueue", "panics", "--wait"]);
    let late = ask(&["enqueue", "greet", "--input", ada, "--in", "1h"]);
    let late = late["id"].as_str().expect("an id").to_owned();
    ask(&["runs", "cancel", &late]);
    ask(&["runs", "cancel", &late]);
    ask(&["runs", "retry", &late, "--wait"]);
    ask(&["runs", "retry", &late]);
    ask(&["runs", "delete", &late]);
    ask(&["runs", "cancel", "--job", "greet", "--status", "scheduled", "--yes"]);
    ask(&["dead", "list"]);
    ask(&["dead", "discard", "--job", "panics", "--dry-run"]);
    ask(&["dead", "discard", "--job", "panics", "--yes"]);
    ask(&["pause", "--job", "greet"]);
    let held = ask(&["enqueue", "greet", "--input", ada]);
    ask(&["limits", "list"]);
    ask(&["runs", "list", "--status", "held"]);
    ask(&["resume", "--job", "greet"]);
    // What is asked for lets the host look, and what was held goes as well.
    ask(&["enqueue", "greet", "--input", ada, "--wait"]);
    at.folder.runs_once(&["--status", "held"], |runs| runs.is_empty());
    ask(&["runs", "logs", held["id"].as_str().expect("an id"), "--follow", "--level", "error"]);
    ask(&["limits", "set", "--job", "greet", "--per-key", "--key", "/name", "--rate", "9/m"]);
    ask(&["limits", "remove", "--job", "greet", "--per-key"]);
    at.folder.json(&["schedule", "add", "monthly", "--every", "30d", "--job", "greet", "-i", ada]);
    ask(&["schedule", "disable", "monthly"]);
    ask(&["schedule", "enable", "monthly"]);
    ask(&["schedule", "trigger", "monthly"]);
    ask(&["schedule", "remove", "monthly"]);
    told
}

#[test]
fn what_is_done_is_the_same_both_ways() {
    let (local, remote) = (story(Way::Local), story(Way::Remote));
    assert!(local.len() > 20, "{}", local.len());
    for (at, (local, remote)) in local.iter().zip(&remote).enumerate() {
        assert_eq!(local, remote, "document {at}");
    }
    assert_eq!(local.len(), remote.len());
}

#[test]
fn a_wait_over_the_network_shows_logs_and_ends_with_the_run() {
    let at = Installation::new();
    let arguments = ["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"];
    let ended = at.run(Way::Remote, &arguments);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "\"Hello, Ada!\"\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("greeting name=Ada"), "{}", ended.stderr);
    let sleep = ["enqueue", "sleep", "--input", r#"{"ms":600000}"#, "--wait", "--timeout", "300ms"];
    assert_eq!(at.run(Way::Remote, &sleep).code, 4);
    let running = at.folder.runs(&["--job", "sleep"]);
    let id = running[0]["id"].as_str().expect("an id");
    let cancelled = at.run(Way::Remote, &["runs", "cancel", id, "--wait"]);
    assert!(cancelled.stdout.contains("is cancelled after"), "{}", cancelled.stderr);
}

#[test]
fn what_a_server_refuses_is_told_in_its_words() {
    let at = Installation::new();
    let asked = |token: &str, arguments: &[&str]| {
        let mut command = at.folder.command(arguments);
        command.args(["--server", &at.url]).env("ZAPJOBS_TOKEN", token);
        Ended::from(command.output().expect("the command starts"))
    };
    let wrong = asked("zj_1_hush", &["runs", "list"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("ZAPJOBS_TOKEN") && !wrong.stderr.contains("hush"));
    let made = at.folder.json(&["--tenant", "acme", "tokens", "create", "reader"]);
    let reader = made["token"].as_str().expect("a token");
    assert_eq!(asked(reader, &["runs", "list"]).code, 0, "for the token's own tenant");
    let refused = asked(reader, &["pause", "--all"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let other = asked(reader, &["runs", "list", "--tenant", "other"]);
    assert!(other.stderr.contains("the token works for the tenant acme alone"), "{}", other.stderr);
    let status = asked(reader, &["status"]);
    assert!(status.stdout.contains("HOSTS are not told"), "{}", status.stdout);
    let unknown = asked(&at.token, &["enqueue", "nothing"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("nothing"), "{}", unknown.stderr);

    let nobody = at.folder.run(&["runs", "list", "--server", "http://127.0.0.1:1"]);
    assert_eq!(nobody.code, 3, "{}", nobody.stderr);
    assert!(nobody.stderr.contains("http://127.0.0.1:1 cannot be reached"), "{}", nobody.stderr);
    for here in [&["serve"][..], &["plugins", "list"], &["doctor"], &["batch", "list"]] {
        let ended = at.folder.run(&[here, &["--server", "http://127.0.0.1:1"]].concat());
        assert_eq!(ended.code, 2, "{here:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("leave out --server"), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_context_keeps_a_server_and_its_token_and_shows_no_token() {
    let at = Installation::new();
    let mut add = at.folder.command(&["context", "add", "prod", "--token", "-", "--server"]);
    add.arg(&at.url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = add.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{}", at.token).expect("written");
    drop(stdin);
    let added = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!(added.code, 0, "{}", added.stderr);
    assert!(!added.stdout.contains(&at.token), "{}", added.stdout);
    let file = at.folder.path("config/zapjobs/contexts.toml");
    assert!(std::fs::read_to_string(&file).expect("it is there").contains(&at.token));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    at.folder.json(&["enqueue", "greet", "--input", r#"{"name":"Ada"}"#, "--wait"]);
    let listed = |arguments: &[&str]| at.run(Way::Local, &[&["runs", "list"], arguments].concat());
    assert!(!listed(&[]).stderr.contains("context prod"), "it is not in use yet");
    let named = listed(&["--context", "prod"]);
    assert!(named.stdout.contains("greet") && named.stderr.is_empty(), "{}", named.stderr);
    assert_eq!(at.folder.json(&["context", "use", "prod"])["current"], "prod");
    let used = listed(&[]);
    assert!(used.stdout.contains("greet"), "{}", used.stderr);
    assert!(used.stderr.contains(&format!("context prod: {}", at.url)), "{}", used.stderr);
    assert!(listed(&["--context", "local"]).stderr.is_empty());
    let batch = at.folder.run(&["batch", "list"]);
    assert!(batch.stderr.contains("the context prod is in use"), "{}", batch.stderr);
    assert_eq!(at.folder.run(&["plugins", "list"]).code, 0, "it works here whatever is in use");

    let all = at.run(Way::Local, &["context", "list"]);
    assert!(all.stdout.contains("prod") && all.stdout.contains(&at.url), "{}", all.stdout);
    assert_eq!(at.folder.run(&["context", "use", "nothing"]).code, 2);
    assert_eq!(at.folder.json(&["context", "remove", "prod"])["contexts"], json!([]));
    assert!(!std::fs::read_to_string(&file).expect("it is there").contains(&at.token));
    assert!(listed(&[]).stderr.is_empty());
}
