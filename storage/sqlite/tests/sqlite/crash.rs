//! A process that is killed in the middle of its work loses nothing that was acknowledged.
//!
//! The test starts this very program again as a child: it writes, and prints each id once the
//! storage has acknowledged it. The parent kills it after some number of lines, opens the
//! file, and compares. No file of the parent's is open meanwhile.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_model::{RunId, RunStatus};
use zapjobs_sqlite::{SqliteOptions, SqliteStorage};
use zapjobs_storage::{ApplyResult, RunQueries, RunStore, Storage};

const CHILD_FILE: &str = "ZAPJOBS_CRASH_TEST_FILE";
/// After how many acknowledgements each child is killed.
const KILLED_AFTER: [usize; 8] = [1, 2, 7, 40, 150, 333, 600, 1_111];
const BATCH: usize = 8;

/// What the child said before it died.
#[derive(Debug, Default)]
struct Acknowledged {
    enqueued: Vec<RunId>,
    /// How often each completion was acknowledged.
    completed: HashMap<RunId, usize>,
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    if let Some(file) = std::env::var_os(CHILD_FILE) {
        return write_until_killed(Path::new(&file)).await;
    }
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let mut acknowledged = Acknowledged::default();
    for lines in KILLED_AFTER {
        watch_and_kill(&file, lines, &mut acknowledged);
        let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
        compare(&storage, &acknowledged).await;
        storage.close().await.unwrap();
    }
    assert!(acknowledged.enqueued.len() > 500 && acknowledged.completed.len() > 500);
}

/// Starts a child, listens to so many lines and kills it; what it still said counts too.
fn watch_and_kill(file: &Path, lines: usize, acknowledged: &mut Acknowledged) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::a_killed_process_loses_nothing_that_was_acknowledged",
            "--nocapture",
        ])
        .env(CHILD_FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        // The last line may be cut off by the kill: only whole ones are marked.
        let Some(said) = line.strip_prefix("ack ").and_then(|said| said.strip_suffix(" .")) else {
            continue;
        };
        let (what, id) = said.split_once(' ').unwrap();
        let id: RunId = id.parse().unwrap();
        match what {
            "enqueued" => acknowledged.enqueued.push(id),
            _ => *acknowledged.completed.entry(id).or_default() += 1,
        }
        heard += 1;
        if heard == lines {
            child.kill().unwrap();
        }
    }
    assert!(heard >= lines, "the child ended by itself");
    assert!(!child.wait().unwrap().success());
}

async fn compare(storage: &SqliteStorage, acknowledged: &Acknowledged) {
    for id in &acknowledged.enqueued {
        assert!(storage.run(*id).await.unwrap().is_some(), "run {id} is lost");
    }
    for (id, times) in &acknowledged.completed {
        let run = storage.run(*id).await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::Completed, "the completion of run {id} is lost");
        assert!(run.output.is_some());
        assert_eq!(*times, 1, "run {id} was completed twice");
    }
    let ended = storage.counts(&Default::default()).await.unwrap().completed;
    assert!(ended >= acknowledged.completed.len() as u64);
}

/// The child: enqueues, claims and completes, and says what was acknowledged.
async fn write_until_killed(file: &Path) {
    let storage = SqliteStorage::open(SqliteOptions::file(file)).unwrap();
    loop {
        let runs: Vec<_> = (0..BATCH).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
        say("enqueued", runs.iter().map(|run| run.id));
        let claimed = storage.claim(a_claim(BATCH)).await.unwrap();
        let now = storage.now().await.unwrap();
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let answers = storage.apply(&ends).await.unwrap();
        assert!(answers.iter().all(|answer| *answer == ApplyResult::Applied));
        say("completed", ends.iter().map(|end| end.key.run));
    }
}

fn say(what: &str, ids: impl Iterator<Item = RunId>) {
    let mut out = std::io::stdout().lock();
    for id in ids {
        // Once the parent is gone there is nobody to tell.
        if writeln!(out, "ack {what} {id} .").and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    }
}
