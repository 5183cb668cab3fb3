//! A process that is killed in the middle of its work loses nothing that was acknowledged, and
//! what it held goes to others.

use std::collections::HashSet;
use std::time::Duration;

use zapjobs_model::{Lease, LeaseKey, RunId, RunStatus};
use zapjobs_storage::{RunQueries, RunStore, Storage};

use crate::harness;
use crate::harness::child::{Child, options_of_parent, say};
use crate::harness::random::Random;
use crate::harness::runs::{a_run, completion};
use crate::harness::work::{Acknowledged, a_worker_claims, drain, turn, verify};

const ROUNDS: usize = 12;
/// Lines that a child may say before it is killed, at most.
const LINES_MAX: u64 = 60;
const BATCH: usize = 8;
/// Short: the test waits for the leases of the dead to run out.
const LEASE: Duration = Duration::from_secs(1);

/// What the children said before they died.
#[derive(Default)]
struct Said {
    enqueued: HashSet<RunId>,
    claimed: Vec<LeaseKey>,
    completed: Acknowledged,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let (what, items) = line.split_once(' ').unwrap();
        let items = items.split(' ').map(|item| item.split_once(':').unwrap());
        let keys = items.map(|(id, lease)| LeaseKey {
            run: id.parse().unwrap(),
            lease: Lease(lease.parse().unwrap()),
        });
        match what {
            "enqueued" => self.enqueued.extend(keys.map(|key| key.run)),
            "claimed" => self.claimed.extend(keys),
            _ => self.completed.note(keys.map(|key| key.run)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_nothing_and_record_nothing_twice() {
    if let Some(options) = options_of_parent() {
        return write_until_killed(options).await;
    }
    let mut random = Random::seeded();
    let options = harness::options();
    let storage = harness::open(&options).await;
    let mut said = Said::default();
    for _ in 0..ROUNDS {
        let child =
            Child::start("crash::killed_processes_lose_nothing_and_record_nothing_twice", &options);
        for _ in 0..=random.below(LINES_MAX) {
            said.hear(&child.line().expect("it goes on until it is killed"));
        }
        // Anywhere between two lines.
        let later = Duration::from_micros(random.below(8_000));
        if let Some(line) = child.line_within(later) {
            said.hear(&line);
        }
        child.kill().iter().for_each(|line| said.hear(line));
        // Another host goes on at the same time, and rescues what ran out.
        let claim = a_worker_claims(BATCH, LEASE);
        said.completed.note(turn(&storage, &claim).await.unwrap());
    }
    drain(&storage, &mut said.completed).await;
    verify(&storage, &said.enqueued, &said.completed).await;
    assert!(said.enqueued.len() > 100 && said.completed.len() > 100);
    nobody_dead_is_heard(&storage, &said).await;
}

/// Every claim that a dead process held is over: its result is refused, and changes nothing.
async fn nobody_dead_is_heard(storage: &zapjobs_postgres::PostgresStorage, said: &Said) {
    let mut reclaimed = 0;
    for key in &said.claimed {
        let before = storage.run(key.run).await.unwrap().unwrap();
        assert_eq!(before.status, RunStatus::Completed);
        reclaimed += usize::from(before.lease != key.lease);
        let stale = zapjobs_model::Run { lease: key.lease, ..before.clone() };
        let end = completion(&stale, storage.now().await.unwrap());
        let answer = storage.apply(&[end]).await.unwrap()[0];
        assert!(answer.is_stale(), "{answer:?}");
        assert_eq!(storage.run(key.run).await.unwrap().unwrap(), before);
    }
    assert!(reclaimed > 0, "no process was killed while it held a run");
}

/// The child: enqueues, claims and completes, and says what was acknowledged.
async fn write_until_killed(options: zapjobs_postgres::PostgresOptions) {
    let storage = harness::open(&options).await;
    let claim = a_worker_claims(BATCH, LEASE);
    loop {
        let runs: Vec<_> = (0..BATCH).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
        tell("enqueued", runs.iter().map(|run| LeaseKey { run: run.id, lease: Lease(0) }));
        let claimed = storage.claim(claim.clone()).await.unwrap();
        tell("claimed", claimed.iter().map(|claimed| claimed.key()));
        let now = storage.now().await.unwrap();
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let answers = storage.apply(&ends).await.unwrap();
        assert!(answers.iter().all(|answer| !answer.is_stale()), "{answers:?}");
        tell("completed", ends.iter().map(|end| end.key));
    }
}

fn tell(what: &str, keys: impl Iterator<Item = LeaseKey>) {
    let items: Vec<String> = keys.map(|key| format!("{}:{}", key.run, key.lease.0)).collect();
    if !items.is_empty() {
        say(&format!("{what} {}", items.join(" ")));
    }
}
