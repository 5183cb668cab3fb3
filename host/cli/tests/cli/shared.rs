//! Storages that many hosts share: PostgreSQL, and Redis in its three modes.

use std::collections::HashSet;

use crate::errors::assert_says;
use crate::server::Server;
use crate::support::{Folder, component};
use crate::survival::sleeps;

/// The servers that the test command starts.
pub(crate) const POSTGRES: &str = "ZAPJOBS_TEST_POSTGRES";
pub(crate) const REDIS: &str = "ZAPJOBS_TEST_REDIS";
const SENTINEL: &str = "ZAPJOBS_TEST_REDIS_SENTINEL";
const CLUSTER: &str = "ZAPJOBS_TEST_REDIS_CLUSTER";

/// Where a server is.
fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run cargo xtask test, or start a server with the services program")
    })
}

/// A folder whose commands use this server, in a schema and under a prefix of their own.
pub(crate) fn folder_on(variable: &str) -> Folder {
    let folder = Folder::new();
    let name = folder.path("").display().to_string();
    let name: String = name.bytes().map(|byte| format!("{byte:x}")).collect();
    let name = &name[name.len() - 24..];
    let config = format!(
        "storage = {:?}\n[postgres]\nschema = \"e2e_{name}\"\n[redis]\nkey_prefix = \"e2e-{name}\"\n",
        url(variable)
    );
    std::fs::write(folder.path("zapjobs.toml"), config).unwrap();
    folder
}

/// Two hosts, each killed in the middle, and one that comes later.
fn hosts_share_the_work_and_survive_the_death_of_either(variable: &str) {
    const RUNS: usize = 600;
    let folder = folder_on(variable);
    folder.put_plugin("misbehave", &component("misbehave"));
    let start = || Server::start(&folder, &["--concurrency", "8", "--lease", "1s"]);
    let (mut first, mut second) = (start(), start());
    sleeps(&folder, RUNS, 20);
    let done = ["--job", "sleep", "--status", "completed"];
    folder.runs_once(&done, |runs| runs.len() >= 100);
    first.signal("KILL");
    assert_eq!(first.ended(), None, "killed by a signal");
    folder.runs_once(&done, |runs| runs.len() >= 250);
    let _third = start();
    second.signal("KILL");
    assert_eq!(second.ended(), None, "killed by a signal");
    let before = folder.runs(&done);
    assert!(before.len() < RUNS, "it was killed in the middle");
    let after = folder.runs_once(&done, |runs| runs.len() == RUNS);
    let ids: HashSet<&str> = after.iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), RUNS);
    assert_eq!(folder.runs(&["--job", "sleep"]).len(), RUNS, "no run was added");
    assert!(after.iter().all(|run| run["attempt"] == 1), "a host's death burns no attempt");
    let workers: HashSet<&str> = after.iter().map(|run| run["worker"].as_str().unwrap()).collect();
    assert_eq!(workers.len(), 3, "all three recorded results");
    for run in &before {
        let same = after.iter().find(|it| it["id"] == run["id"]).expect("it is still there");
        assert_eq!(run, same, "what was recorded stays as it was");
    }
    // The plugin has a schedule as well, whose runs are counted too.
    let total = &folder.json(&["stats", "--by", "total"])["spans"][0];
    let sum = |name: &str| total[name].as_u64().expect("a sum");
    assert!(sum("enqueued") >= RUNS as u64 && sum("completed") >= RUNS as u64, "{total}");
    assert!(sum("started") >= sum("completed"), "{total}");
}

#[test]
fn hosts_on_one_postgres_share_the_work_and_survive_the_death_of_either() {
    hosts_share_the_work_and_survive_the_death_of_either(POSTGRES);
}

#[test]
fn hosts_on_one_redis_share_the_work_and_survive_the_death_of_either() {
    hosts_share_the_work_and_survive_the_death_of_either(REDIS);
}

#[test]
fn hosts_behind_sentinels_share_the_work_and_survive_the_death_of_either() {
    hosts_share_the_work_and_survive_the_death_of_either(SENTINEL);
}

#[test]
fn hosts_on_one_cluster_share_the_work_and_survive_the_death_of_either() {
    hosts_share_the_work_and_survive_the_death_of_either(CLUSTER);
}

#[test]
fn a_run_on_another_host_is_followed_and_cancelled() {
    for variable in [POSTGRES, REDIS] {
        let folder = folder_on(variable);
        folder.put_plugin("misbehave", &component("misbehave"));
        let _server = Server::start(&folder, &[]);
        let run = folder.json(&["enqueue", "sleep", "--input", r#"{"ms":1}"#, "--wait"]);
        assert_eq!(run["status"], "completed", "{variable}");
        let made = folder.json(&["enqueue", "sleep", "--input", r#"{"ms":600000}"#]);
        folder.runs_once(&["--job", "sleep", "--status", "running"], |runs| runs.len() == 1);
        let id = made["ids"][0].as_str().or(made["id"].as_str()).expect("an id").to_owned();
        let ended = folder.run(&["runs", "cancel", &id, "--wait"]);
        assert_eq!(ended.code, 0, "{variable}: {}", ended.stderr);
        assert_eq!(folder.runs(&["--status", "cancelled"]).len(), 1, "{variable}");
    }
}

#[test]
fn servers_that_cannot_be_used_say_what_to_do() {
    let folder = Folder::new();
    let redis = url(REDIS);
    let as_cluster = redis.replace("redis://", "redis-cluster://").replace("/0", "");
    let node = url(CLUSTER).replace("redis-cluster://", "redis://");
    let node = node.split(',').next().expect("a node").to_owned();
    let missing = url(POSTGRES).replace("/postgres", "/no_such_database");
    let cases: [(i32, &str, &[&str]); 8] = [
        (3, "postgres://ada:hush@127.0.0.1:1/jobs", &["127.0.0.1:1", "refused"]),
        (3, "redis://:hush@127.0.0.1:1", &["127.0.0.1:1", "refused"]),
        (2, "postgres://ada:hush@host:no-port/jobs", &["postgres://user:password@host"]),
        (2, "redis://:hush@host:no-port", &["port"]),
        (2, &missing, &["no_such_database", "does not exist"]),
        (2, &as_cluster, &["cluster"]),
        (2, &node, &["redis-cluster://"]),
        (2, "redis+sentinel://127.0.0.1:1", &["master"]),
    ];
    for (code, storage, words) in cases {
        let arguments = ["--storage", storage, "--log-level", "error", "serve"];
        let ended = folder.run(&arguments);
        assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
        assert_says(&ended, code, words);
    }
}

#[test]
fn a_schema_that_is_missing_is_made_by_serve_alone() {
    let folder = folder_on(POSTGRES);
    let ended = folder.run(&["--log-level", "error", "runs", "list"]);
    assert_says(&ended, 3, &["schema", "migrat"]);
    let manual = ["--set", "migrate=manual", "--log-level", "error", "serve"];
    assert_says(&folder.run(&manual), 3, &["schema", "migrat"]);
    Server::start(&folder, &[]).stop();
    assert_eq!(folder.runs(&[]), Vec::<serde_json::Value>::new());
}

#[test]
fn a_schema_is_migrated_and_dropped_by_hand() {
    let sqlite = Folder::new();
    std::fs::write(sqlite.path("zapjobs.toml"), "migrate = \"manual\"\n").unwrap();
    for folder in [sqlite, folder_on(POSTGRES)] {
        let missing = |folder: &Folder| folder.json(&["migrate", "status"])["missing"].clone();
        let all = folder.json(&["migrate", "status"])["migrations"].as_array().unwrap().len();
        assert_eq!(missing(&folder), all);
        let plan = folder.run(&["migrate", "dry-run"]).stdout;
        assert!(plan.contains("CREATE TABLE"), "{plan}");
        assert_eq!(missing(&folder), all, "a dry run changes nothing");
        let applied = folder.json(&["migrate", "up"]);
        assert_eq!(applied["applied"].as_array().unwrap().len(), all);
        assert_eq!(missing(&folder), 0);
        assert!(folder.run(&["migrate", "up"]).stdout.contains("nothing to do"));
        Server::start(&folder, &["--concurrency", "1"]).stop();
        for refused in [&["migrate", "drop"][..], &["migrate", "down", "--to", "0"]] {
            assert_says(&folder.run(refused), 2, &["would delete", "--yes"]);
        }
        assert_eq!(missing(&folder), 0, "nothing was deleted without a yes");
        let undone = folder.json(&["migrate", "down", "--to", "0", "--yes"]);
        assert_eq!(undone["undone"].as_array().unwrap().len(), all);
        assert_eq!(missing(&folder), all);
        folder.json(&["migrate", "up"]);
        folder.json(&["migrate", "drop", "--yes"]);
        assert_eq!(missing(&folder), all);
    }
    let ended = folder_on(REDIS).run(&["migrate", "status"]);
    assert_says(&ended, 2, &["no schema", "PostgreSQL"]);
}

#[test]
fn a_doctor_tells_how_the_storage_stands() {
    for variable in [POSTGRES, REDIS, SENTINEL, CLUSTER] {
        let folder = folder_on(variable);
        Server::start(&folder, &[]).stop();
        let report = folder.json(&["doctor"]);
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.len() >= 5, "{variable}: {findings:#?}");
        assert!(findings.iter().all(|it| it["verdict"] != "problem"), "{findings:#?}");
        let has_clock = findings.iter().any(|it| it["subject"].as_str().unwrap().contains("clock"));
        assert!(has_clock, "{variable}: {findings:#?}");
        for finding in findings.iter().filter(|it| it["verdict"] == "warning") {
            assert!(finding["remedy"].is_string(), "{finding:#?}");
        }
    }
    let nothing = Folder::new();
    let ended = nothing.run(&["--storage", "postgres://ada:hush@127.0.0.1:1/jobs", "doctor"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("problem") && ended.stdout.contains("refused"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("hush") && !ended.stderr.contains("hush"));
}
