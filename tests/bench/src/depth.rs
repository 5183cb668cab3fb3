//! What a claim costs where few runs wait, and where many do.

#![allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;
use zapjobs_storage::Storage;

use crate::place::Place;
use crate::work;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct DepthSettings {
    /// Where runs are kept; repeatable.
    #[arg(long, required = true)]
    storage: Vec<String>,
    /// Runs that wait where few do.
    #[arg(long, default_value_t = 10_000)]
    shallow: usize,
    /// Runs that wait where many do.
    #[arg(long, default_value_t = 1_000_000)]
    deep: usize,
    /// Claims timed on each, in turns.
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// Runs in one claim.
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// How durable SQLite's commits are.
    #[arg(long, default_value = "normal", value_parser = ["normal", "full"])]
    synchronous: String,
}

pub(crate) async fn measure(settings: &DepthSettings) -> Result<()> {
    println!(
        "claims of {}, {} on each side in turns, {} and {} runs waiting",
        settings.batch, settings.rounds, settings.shallow, settings.deep
    );
    for url in &settings.storage {
        let place = Place::find(url, &settings.synchronous)?;
        let [shallow, deep] = [place.open().await?, place.open().await?];
        work::fill(&shallow.storage, settings.shallow, 2).await?;
        work::fill(&deep.storage, settings.deep, 2).await?;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..settings.rounds {
            for (opened, times) in [&shallow, &deep].into_iter().zip(&mut times) {
                times.push(claim(&opened.storage, settings.batch).await?);
            }
        }
        times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
        let [shallow_ms, deep_ms] = [0, 1].map(|at| work::percentile(&times[at], 0.5));
        println!(
            "{url:<16} {shallow_ms:>8.3} ms and {deep_ms:>8.3} ms, medians: {:.2} times",
            deep_ms / shallow_ms
        );
        shallow.close().await?;
        deep.close().await?;
    }
    Ok(())
}

/// Times one claim; what it took is completed, and as many new runs are stored, so that the
/// depth stays.
async fn claim(storage: &Arc<dyn Storage>, batch: usize) -> Result<f64> {
    let began = Instant::now();
    let claimed = storage.claim(work::claim(batch)).await?;
    let time = began.elapsed().as_secs_f64() * 1e3;
    ensure!(claimed.len() == batch, "only {} of {batch} runs were claimed", claimed.len());
    storage.apply(&work::completions(&claimed, storage.now().await?)).await?;
    work::fill(storage, batch, 1).await?;
    Ok(time)
}
