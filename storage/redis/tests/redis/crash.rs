//! A host process that is killed in the middle of its work loses nothing that was acknowledged,
//! and others finish what it had begun.
//!
//! The test starts this very program again as a child: it works, and says what was
//! acknowledged. The parent kills it after some number of lines, and looks.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use zapjobs_model::{Lease, LeaseKey, RunId, RunStatus};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{Redis, RedisSettings};
use zapjobs_storage::{
    ApplyResult, ClaimRequest, ClaimedRun, RunFilter, RunQueries, RunStore, Storage as _,
};

use crate::harness::chance::Chance;
use crate::harness::runs::{a_claim, a_run, completion};

const CHILD: &str = "ZAPJOBS_CRASH_TEST_REDIS";
const KILLS: usize = 12;
/// Lines that a child says before it is killed, at most.
const LINES_MAX: u64 = 900;
const BATCH: usize = 8;
const PROCESSES: usize = 8;
const RUNS: usize = 20_000;
/// Short, so that what a dead process held is soon taken over.
const LEASE: Duration = Duration::from_millis(200);

fn child_of(test: &str, url: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", &format!("crash::{test}"), "--nocapture"])
        .env(CHILD, url)
        .stdout(Stdio::piped());
    child
}

/// What a line of a child says, if it is whole: the kill may have cut it off.
fn said(line: &str) -> Option<(String, LeaseKey)> {
    let said = line.strip_prefix("ack ")?.strip_suffix(" .")?;
    let mut words = said.split(' ');
    let what = words.next()?.to_owned();
    let run = words.next()?.parse().ok()?;
    Some((what, LeaseKey { run, lease: Lease(words.next()?.parse().ok()?) }))
}

fn say<'a>(what: &str, keys: impl Iterator<Item = &'a LeaseKey>) {
    let mut out = std::io::stdout().lock();
    for key in keys {
        // Once the parent is gone there is nobody to tell.
        if writeln!(out, "ack {what} {} {} .", key.run, key.lease)
            .and_then(|()| out.flush())
            .is_err()
        {
            std::process::exit(1);
        }
    }
}

async fn connected(url: &str) -> RedisStorage {
    RedisStorage::connect(RedisOptions::parse(url).unwrap()).await.unwrap()
}

/// Ends what was claimed; answers the keys that were recorded.
async fn end(storage: &RedisStorage, claimed: &[ClaimedRun]) -> Vec<LeaseKey> {
    let now = storage.now().await.unwrap();
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    let answers = storage.apply(&ends).await.unwrap();
    let recorded = ends.iter().zip(&answers).filter(|(_, a)| **a == ApplyResult::Applied);
    recorded.map(|(end, _)| end.key).collect()
}

/// What the children said before they died.
#[derive(Default)]
struct Acknowledged {
    enqueued: HashSet<RunId>,
    claimed: Vec<LeaseKey>,
    completed: HashMap<RunId, usize>,
}

impl Acknowledged {
    /// Starts a child, listens to so many lines and kills it; what it still said counts too.
    fn watch_and_kill(&mut self, url: &str, lines: usize) {
        let test = "a_killed_process_loses_nothing_and_others_finish_its_runs";
        let mut child = child_of(test, url).spawn().unwrap();
        let mut heard = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Some((what, key)) = line.ok().as_deref().and_then(said) else { continue };
            match &*what {
                "enqueued" => drop(self.enqueued.insert(key.run)),
                "claimed" => self.claimed.push(key),
                _ => *self.completed.entry(key.run).or_default() += 1,
            }
            heard += 1;
            if heard == lines {
                child.kill().unwrap();
            }
        }
        assert!(heard >= lines, "the child ended by itself");
        assert!(!child.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_and_others_finish_its_runs() {
    if let Ok(url) = std::env::var(CHILD) {
        return work_until_killed(&url).await;
    }
    let chance = Chance::printed();
    let server = Redis::start(&RedisSettings::default()).unwrap();
    let url = server.url();
    let mut acknowledged = Acknowledged::default();
    for _ in 0..KILLS {
        let lines = 1 + chance.below(LINES_MAX);
        acknowledged.watch_and_kill(&url, usize::try_from(lines).unwrap());
    }
    let storage = connected(&url).await;
    let left =
        acknowledged.claimed.iter().filter(|key| !acknowledged.completed.contains_key(&key.run));
    let left: Vec<LeaseKey> = left.copied().collect();
    finish(&storage).await;

    assert!(acknowledged.enqueued.len() > 100 && acknowledged.completed.len() > 100);
    for id in &acknowledged.enqueued {
        let run = storage.run(*id).await.unwrap().expect("an acknowledged run is lost");
        assert_eq!(run.status, RunStatus::Completed, "run {id} was not finished");
    }
    assert!(acknowledged.completed.values().all(|times| *times == 1), "recorded once");
    let counts = storage.counts(&RunFilter::default()).await.unwrap();
    assert_eq!(counts.completed, counts.total());
    // The results of the dead come too late.
    for key in left {
        let run = storage.run(key.run).await.unwrap().unwrap();
        let mut late = completion(&run, storage.now().await.unwrap());
        late.key = key;
        let answer = storage.apply(&[late]).await.unwrap();
        assert!(answer[0].is_stale(), "{answer:?}");
        assert_eq!(storage.run(key.run).await.unwrap().unwrap(), run, "nothing was written");
    }
}

/// Takes back what the dead held once its lease has run out, and ends all that is left.
async fn finish(storage: &RedisStorage) {
    let finishing = async {
        loop {
            let now = storage.now().await.unwrap();
            let expired = storage.expired(BATCH).await.unwrap();
            let lost: Vec<_> =
                expired.iter().map(|run| crate::harness::runs::lost(run, now)).collect();
            storage.apply(&lost).await.unwrap();
            storage.promote(1_000).await.unwrap();
            let claimed = storage.claim(a_claim(1_000)).await.unwrap();
            end(storage, &claimed).await;
            let counts = storage.counts(&RunFilter::default()).await.unwrap();
            if counts.completed == counts.total() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), finishing).await.expect("others finish them");
}

/// The child: enqueues, claims and completes, and says what was acknowledged.
async fn work_until_killed(url: &str) {
    let storage = connected(url).await;
    loop {
        let runs: Vec<_> = (0..BATCH).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
        let keys: Vec<_> =
            runs.iter().map(|run| LeaseKey { run: run.id, lease: Lease(0) }).collect();
        say("enqueued", keys.iter());
        let request = ClaimRequest { lease: LEASE, ..a_claim(BATCH) };
        let claimed = storage.claim(request).await.unwrap();
        let keys: Vec<_> = claimed.iter().map(ClaimedRun::key).collect();
        say("claimed", keys.iter());
        say("completed", end(&storage, &claimed).await.iter());
    }
}

#[tokio::test]
async fn eight_processes_execute_each_of_twenty_thousand_runs_once() {
    if let Ok(url) = std::env::var(CHILD) {
        return work_until_nothing_is_left(&url).await;
    }
    let server = Redis::start(&RedisSettings::default()).unwrap();
    let storage = connected(&server.url()).await;
    for _ in 0..RUNS / 1_000 {
        let runs: Vec<_> = (0..1_000).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
    }
    let test = "eight_processes_execute_each_of_twenty_thousand_runs_once";
    let start = |_| child_of(test, &server.url()).spawn().unwrap();
    let children: Vec<_> = (0..PROCESSES).map(start).collect();
    // One reader each: a child whose pipe is full would stand still.
    let readers = children.into_iter().map(|child| {
        std::thread::spawn(move || {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines().filter_map(said).map(|(_, key)| key.run).collect::<Vec<_>>()
        })
    });
    let readers: Vec<_> = readers.collect();
    let done: Vec<RunId> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
    assert_eq!(done.len(), RUNS, "each is claimed and recorded once");
    assert_eq!(done.into_iter().collect::<HashSet<_>>().len(), RUNS);
    let counts = storage.counts(&RunFilter::default()).await.unwrap();
    assert_eq!((counts.completed, counts.total()), (RUNS as u64, RUNS as u64));
}

async fn work_until_nothing_is_left(url: &str) {
    let storage = connected(url).await;
    loop {
        let claimed = storage.claim(a_claim(64)).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        let recorded = end(&storage, &claimed).await;
        assert_eq!(recorded.len(), claimed.len());
        say("completed", recorded.iter());
    }
}
