//! Two live processes share a file, and one of them is killed at a random instant, again and
//! again: no acknowledged run is lost, none is recorded twice, and no dead process's result is
//! taken.
//!
//! The seed is printed; `ZAPJOBS_TEST_SEED` sets it. The instants of the kills differ all the
//! same, for the processes run freely.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;
use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_model::{
    Lease, LeaseKey, Outcome, RetryPolicy, Run, RunId, RunStatus, Timestamp, Transition, Usage,
    WorkerId, settle,
};
use zapjobs_sqlite::{SqliteOptions, SqliteStorage};
use zapjobs_storage::{
    ApplyResult, ClaimRequest, RunFilter, RunPageRequest, RunQueries, RunStore, Span, Statistics,
    StatisticsRequest, Storage, StorageError,
};

const TEST: &str = "kills::killed_processes_lose_nothing_and_record_nothing_twice";
const CHILD_FILE: &str = "ZAPJOBS_KILL_TEST_FILE";
const SEED: &str = "ZAPJOBS_TEST_SEED";
/// How a child says that it has claimed a run.
const CLAIMED: &str = "ack claimed";
const ROUNDS: usize = 24;
/// Lines heard between two kills at most.
const LINES_MAX: u64 = 120;
/// How long a dead process's runs wait to be taken over.
const LEASE: Duration = Duration::from_millis(150);
/// Only waited for in full by a test that fails.
const WAIT_MAX: Duration = Duration::from_secs(30);
const BATCH: usize = 4;

/// What the children said before they died.
#[derive(Default)]
struct Said {
    enqueued: Vec<RunId>,
    claimed: Vec<LeaseKey>,
    completed: Vec<LeaseKey>,
}

#[tokio::test]
async fn killed_processes_lose_nothing_and_record_nothing_twice() {
    if let Some(file) = std::env::var_os(CHILD_FILE) {
        return work_until_killed(Path::new(&file)).await;
    }
    let mut random = Random::from_environment();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let (tell, lines) = channel();
    let mut said = Said::default();
    let mut children = [0, 1].map(|who| start(&file, who, &tell));
    for _ in 0..ROUNDS {
        let mut hear = || {
            let (who, line) = lines.recv_timeout(WAIT_MAX).expect("the children go on");
            said.hear(&line);
            (who, line)
        };
        for _ in 0..=random.below(LINES_MAX) {
            hear();
        }
        let victim = random.below(2) as usize;
        // Each second time between its claim and its result, or soon after.
        if random.below(2) == 0 {
            while !matches!(hear(), (who, line) if who == victim && line.starts_with(CLAIMED)) {}
        }
        kill(&mut children[victim]);
        children[victim] = start(&file, victim, &tell);
        assert_eq!(quick_check(&file), "ok");
    }
    children.iter_mut().for_each(kill);
    drop(tell);
    // What they said with their last breath, up to the ends of their pipes.
    lines.iter().for_each(|(_, line)| said.hear(&line));
    println!(
        "heard of {} enqueued, {} claimed, {} completed",
        said.enqueued.len(),
        said.claimed.len(),
        said.completed.len()
    );

    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    finish_all(&storage).await;
    let runs = all_runs(&storage).await;
    check_nothing_lost(&said, &runs);
    check_nothing_twice(&said, &runs);
    check_stale_results_are_refused(&storage, &said, &runs).await;
    check_sums(&storage, &runs).await;
}

fn check_nothing_lost(said: &Said, runs: &HashMap<RunId, Run>) {
    assert!(said.enqueued.len() > ROUNDS && said.completed.len() > ROUNDS);
    for id in &said.enqueued {
        assert!(runs.contains_key(id), "run {id} is lost");
    }
    assert!(runs.values().all(|run| run.status == RunStatus::Completed));
}

/// Each acknowledged completion is the one that is stored: a second one would have another lease.
fn check_nothing_twice(said: &Said, runs: &HashMap<RunId, Run>) {
    let mut seen = HashMap::new();
    for key in &said.completed {
        assert_eq!(runs[&key.run].lease, key.lease, "run {} was recorded again", key.run);
        assert_eq!(seen.insert(key.run, key.lease), None, "run {} was recorded twice", key.run);
    }
    let mut claims = said.claimed.clone();
    claims.sort_by_key(|key| (key.run, key.lease));
    claims.dedup();
    assert_eq!(claims.len(), said.claimed.len(), "one claim was given twice");
}

/// Whatever a dead process might still send.
async fn check_stale_results_are_refused(
    storage: &SqliteStorage,
    said: &Said,
    runs: &HashMap<RunId, Run>,
) {
    let now = storage.now().await.unwrap();
    let (mut stale, mut ended) = (0, 0);
    for key in &said.claimed {
        let run = &runs[&key.run];
        let late = Transition { key: *key, ..completion(run, now) };
        let expected = if run.lease == key.lease {
            ended += 1;
            ApplyResult::WrongStatus(RunStatus::Completed)
        } else {
            stale += 1;
            ApplyResult::StaleLease
        };
        assert_eq!(storage.apply(&[late]).await.unwrap(), [expected]);
    }
    println!("refused {stale} stale and {ended} repeated results");
    assert!(stale > 0, "some claims were taken over");
    assert!(*runs == all_runs(storage).await, "what was refused wrote nothing");
}

/// The sums agree with the runs: each claim raised its run's lease by one.
async fn check_sums(storage: &SqliteStorage, runs: &HashMap<RunId, Run>) {
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let total = storage.statistics(request).await.unwrap()[0].activity;
    let claims: u64 = runs.values().map(|run| u64::from(run.lease.0)).sum();
    let all = runs.len() as u64;
    assert_eq!((total.enqueued, total.started, total.completed), (all, claims, all));
    assert_eq!(total.retried + total.put_back, claims - all, "every lost attempt");
}

impl Said {
    fn hear(&mut self, line: &str) {
        // The last line may be cut off by the kill: only whole ones are marked.
        let said = line.strip_prefix("ack ").and_then(|said| said.strip_suffix(" ."));
        let Some(said) = said else { return };
        let mut words = said.split(' ');
        let (what, run) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
        let key = LeaseKey { run, lease: Lease(words.next().unwrap().parse().unwrap()) };
        match what {
            "enqueued" => self.enqueued.push(run),
            "claimed" => self.claimed.push(key),
            _ => self.completed.push(key),
        }
    }
}

/// SplitMix64: enough for choosing instants.
struct Random(u64);

impl Random {
    fn from_environment() -> Self {
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a number"));
        let seed = given.unwrap_or_else(|| Uuid::now_v7().as_u128() as u64);
        println!("{SEED}={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn start(file: &Path, who: usize, tell: &Sender<(usize, String)>) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD_FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let tell = tell.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if tell.send((who, line)).is_err() {
                return;
            }
        }
    });
    child
}

fn kill(child: &mut Child) {
    assert!(child.try_wait().unwrap().is_none(), "a child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn quick_check(file: &Path) -> String {
    let conn = Connection::open(file).unwrap();
    conn.busy_timeout(WAIT_MAX).unwrap();
    conn.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap()
}

async fn all_runs(storage: &SqliteStorage) -> HashMap<RunId, Run> {
    let mut all = HashMap::new();
    let mut request = RunPageRequest { limit: 1_000, ..RunPageRequest::default() };
    loop {
        let page = storage.runs(request.clone()).await.unwrap();
        all.extend(page.runs.into_iter().map(|run| (run.id, run)));
        if page.next.is_none() {
            return all;
        }
        request.after = page.next;
    }
}

/// The parent takes over what is left.
async fn finish_all(storage: &SqliteStorage) {
    let began = std::time::Instant::now();
    let worker = WorkerId(Uuid::now_v7());
    loop {
        step(storage, worker).await.unwrap();
        let counts = storage.counts(&RunFilter::default()).await.unwrap();
        if counts.completed == counts.total() {
            return;
        }
        assert!(began.elapsed() < WAIT_MAX, "runs are left: {counts:?}");
    }
}

/// Takes over what others lost, claims and completes once. Says what was acknowledged.
async fn step(storage: &SqliteStorage, worker: WorkerId) -> Result<(), StorageError> {
    let now = storage.now().await?;
    let lost: Vec<_> = storage.expired(100).await?.iter().map(|run| lost(run, now)).collect();
    storage.apply(&lost).await?;
    storage.promote(100).await?;
    let request = ClaimRequest { worker, lease: LEASE, ..a_claim(BATCH) };
    let claimed = storage.claim(request).await?;
    for one in &claimed {
        say("claimed", one.key());
    }
    let now = storage.now().await?;
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    let answers = storage.apply(&ends).await?;
    for (end, answer) in ends.iter().zip(answers) {
        if answer == ApplyResult::Applied {
            say("completed", end.key);
        }
    }
    Ok(())
}

fn lost(run: &Run, now: Timestamp) -> Transition {
    let policy = RetryPolicy::default();
    let transition = settle(run, Outcome::Lost, Usage::default(), now, &policy, 0.0);
    // At once, and however often: the test shall not wait.
    Transition { due_at: Some(now), status: RunStatus::AwaitingRetry, ..transition }
}

/// The child: enqueues, claims and completes, and says what was acknowledged.
async fn work_until_killed(file: &Path) {
    let storage = insist_on_opening(file);
    let worker = WorkerId(Uuid::now_v7());
    loop {
        let runs: Vec<_> = (0..BATCH).map(|_| a_run("q")).collect();
        let done = async {
            storage.enqueue(&runs).await?;
            for run in &runs {
                say("enqueued", LeaseKey { run: run.id, lease: Lease(0) });
            }
            step(&storage, worker).await
        };
        if let Err(error) = done.await {
            assert!(error.is_retryable(), "{error}");
        }
    }
}

fn insist_on_opening(file: &Path) -> SqliteStorage {
    loop {
        match SqliteStorage::open(SqliteOptions::file(file)) {
            Ok(storage) => return storage,
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
}

/// Says it at once: what is said later may not be said at all.
fn say(what: &str, key: LeaseKey) {
    let mut out = std::io::stdout().lock();
    // Once the parent is gone there is nobody to tell.
    let line = writeln!(out, "ack {what} {} {} .", key.run, key.lease.0);
    if line.and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
