//! Eight processes share one schema.

use std::collections::HashSet;

use zapjobs_model::RunId;
use zapjobs_storage::{ApplyResult, RunFilter, RunQueries, RunStore, Storage};

use crate::harness;
use crate::harness::child::{Child, options_of_parent, say, wait_for_go};
use crate::harness::runs::{a_claim, a_run, completion};
use crate::harness::work::{Acknowledged, verify};

const RUNS: usize = 20_000;
const PROCESSES: usize = 8;

#[tokio::test]
async fn eight_processes_claim_each_of_many_runs_exactly_once() {
    if let Some(options) = options_of_parent() {
        return claim_until_none_is_left(options).await;
    }
    let options = harness::options();
    let storage = harness::open(&options).await;
    let runs: Vec<_> = (0..RUNS).map(|_| a_run("q")).collect();
    for batch in runs.chunks(5_000) {
        storage.enqueue(batch).await.unwrap();
    }
    let name = "processes::eight_processes_claim_each_of_many_runs_exactly_once";
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| Child::start(name, &options)).collect();
    for child in &children {
        assert_eq!(child.line().as_deref(), Some("ready"));
    }
    children.iter_mut().for_each(Child::go);
    let mut done: Vec<RunId> = Vec::new();
    let mut busy = 0;
    for child in children {
        let before = done.len();
        while let Some(line) = child.line() {
            done.extend(line.split(' ').map(|id| id.parse::<RunId>().unwrap()));
        }
        busy += usize::from(done.len() > before);
        child.end();
    }
    assert_eq!(done.len(), RUNS, "each was claimed once at most");
    let distinct: HashSet<RunId> = done.into_iter().collect();
    assert_eq!(distinct, runs.iter().map(|run| run.id).collect(), "and once at least");
    assert!(busy > 1, "they worked at the same time");
    verify(&storage, &distinct, &Acknowledged::default()).await;
}

async fn claim_until_none_is_left(options: zapjobs_postgres::PostgresOptions) {
    let storage = harness::open(&options).await;
    say("ready");
    wait_for_go();
    loop {
        let claimed = storage.claim(a_claim(100)).await.unwrap();
        if claimed.is_empty() {
            // Others may hold the rest locked for a moment.
            if storage.counts(&RunFilter::default()).await.unwrap().pending == 0 {
                return;
            }
            continue;
        }
        let ids: Vec<String> = claimed.iter().map(|claimed| claimed.id().to_string()).collect();
        say(&ids.join(" "));
        let now = storage.now().await.unwrap();
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let answers = storage.apply(&ends).await.unwrap();
        assert!(answers.iter().all(|answer| *answer == ApplyResult::Applied));
    }
}
