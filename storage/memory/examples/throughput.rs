//! How many no-op runs per second the memory storage takes through their whole life on one
//! thread: enqueued in batches of 1,000, claimed and completed in batches of 100.
//!
//! `cargo run --release -p zapjobs-memory --example throughput`

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::time::{Duration, Instant};

use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::NewRun;
use zapjobs_storage::{RunFilter, RunQueries as _, RunStore as _, Storage as _};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 100_000;
const ENQUEUE_BATCH: usize = 1_000;
const CLAIM_BATCH: usize = 100;
const ROUNDS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
    println!(
        "{RUNS} runs, enqueue {ENQUEUE_BATCH}, claim and apply {CLAIM_BATCH}, one thread, mimalloc"
    );
    for round in 1..=ROUNDS {
        let batches: Vec<Vec<NewRun>> = (0..RUNS / ENQUEUE_BATCH)
            .map(|_| (0..ENQUEUE_BATCH).map(|_| a_run("default")).collect())
            .collect();
        let [enqueue, claim, apply] = runtime.block_on(one_round(&batches));
        let rate = |time: Duration| RUNS as f64 / time.as_secs_f64();
        println!(
            "round {round}: {:.0} runs/s (enqueue {:.0}/s, claim {:.0}/s, settle and apply {:.0}/s)",
            rate(enqueue + claim + apply),
            rate(enqueue),
            rate(claim),
            rate(apply)
        );
    }
}

/// How long enqueueing, claiming and completing took.
async fn one_round(batches: &[Vec<NewRun>]) -> [Duration; 3] {
    let storage = MemoryStorage::new(MemoryOptions::default());
    let mut times = [Duration::ZERO; 3];
    let start = Instant::now();
    for batch in batches {
        storage.enqueue(batch).await.expect("enqueued");
    }
    times[0] = start.elapsed();
    loop {
        let start = Instant::now();
        let claimed = storage.claim(a_claim(CLAIM_BATCH)).await.expect("claimed");
        times[1] += start.elapsed();
        if claimed.is_empty() {
            break;
        }
        let start = Instant::now();
        let now = storage.now().await.expect("told");
        let ends = claimed.iter().map(|claimed| completion(&claimed.run, now));
        let transitions: Vec<_> = ends.collect();
        storage.apply(&transitions).await.expect("applied");
        times[2] += start.elapsed();
    }
    let counts = storage.counts(&RunFilter::default()).await.expect("counted");
    assert_eq!(counts.completed, RUNS as u64, "every run is completed");
    times
}
