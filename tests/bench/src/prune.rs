//! How long claims wait while old runs are deleted beside them.

#![allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use zapjobs_storage::{BATCH_MAX, PruneRequest, Storage};

use crate::place::Place;
use crate::work;

/// Runs claimed in one timed claim.
const CLAIMED: usize = 10;
/// Pause between two claims, as the runs of a steady stream leave it.
const PAUSE: Duration = Duration::from_millis(1);
/// Claims timed beforehand, with nothing else going on.
const CLAIMS_ALONE: usize = 500;
/// Runs deleted in one step, and the rest between two, as hosts do it.
const STEP: usize = 500;
const REST: Duration = Duration::from_millis(20);

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct PruneSettings {
    /// Where runs are kept; repeatable.
    #[arg(long, required = true)]
    storage: Vec<String>,
    /// Finished runs to delete.
    #[arg(long, default_value_t = 200_000)]
    jobs: usize,
    /// Log entries of each of them.
    #[arg(long, default_value_t = 0)]
    log_entries: u32,
    /// How durable SQLite's commits are.
    #[arg(long, default_value = "normal", value_parser = ["normal", "full"])]
    synchronous: String,
}

pub(crate) async fn measure(settings: &PruneSettings) -> Result<()> {
    println!(
        "claims of {CLAIMED} beside the deletion of {} finished runs with {} log entries each",
        settings.jobs, settings.log_entries
    );
    for url in &settings.storage {
        let place = Place::find(url, &settings.synchronous)?;
        let opened = place.open().await?;
        let storage = &opened.storage;
        work::fill(storage, settings.jobs, 4).await?;
        finish(storage, settings.log_entries).await?;
        let mut alone = Vec::new();
        for _ in 0..CLAIMS_ALONE {
            alone.push(claim(storage).await?);
        }
        let before = storage.now().await?;
        let pruning = tokio::spawn(prune(Arc::clone(storage), before));
        let (mut beside, began) = (Vec::new(), Instant::now());
        while !pruning.is_finished() {
            beside.push(claim(storage).await?);
        }
        let (gone, took) = (pruning.await??, began.elapsed());
        ensure!(gone >= settings.jobs, "{gone} of {} runs were deleted", settings.jobs);
        println!(
            "{url:<16} {:>8.0} deleted/s; a claim waits, alone: {}; beside: {}",
            gone as f64 / took.as_secs_f64(),
            shown(alone),
            shown(beside),
        );
        opened.close().await?;
    }
    Ok(())
}

/// Completes all runs, with so many log entries each.
async fn finish(storage: &Arc<dyn Storage>, log_entries: u32) -> Result<()> {
    loop {
        let claimed = storage.claim(work::claim(STEP)).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        let at = storage.now().await?;
        let entries: Vec<_> =
            claimed.iter().flat_map(|claimed| work::log(claimed, log_entries, at)).collect();
        for batch in entries.chunks(BATCH_MAX) {
            storage.append_logs(batch).await?;
        }
        storage.apply(&work::completions(&claimed, at)).await?;
    }
}

async fn prune(
    storage: Arc<dyn Storage>,
    finished_before: zapjobs_model::Timestamp,
) -> Result<usize> {
    let mut gone = 0;
    loop {
        match storage.prune(PruneRequest { finished_before, limit: STEP }).await? {
            0 => return Ok(gone),
            some => gone += some,
        }
        tokio::time::sleep(REST).await;
    }
}

/// Times one claim of runs that were just stored, and completes them.
async fn claim(storage: &Arc<dyn Storage>) -> Result<f64> {
    work::fill(storage, CLAIMED, 1).await?;
    let began = Instant::now();
    let claimed = storage.claim(work::claim(CLAIMED)).await?;
    let time = began.elapsed().as_secs_f64() * 1e3;
    ensure!(claimed.len() == CLAIMED, "only {} runs were claimed", claimed.len());
    storage.apply(&work::completions(&claimed, storage.now().await?)).await?;
    tokio::time::sleep(PAUSE).await;
    Ok(time)
}

fn shown(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| work::percentile(&times, share));
    format!("{p50:.2} ms p50, {p99:.2} p99, {max:.2} max ({} claims)", times.len())
}
