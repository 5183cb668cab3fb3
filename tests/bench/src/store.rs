//! The storage alone: how many runs a second it takes, gives and records, without a sandbox.

#![allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

use crate::place::Place;
use crate::work;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreSettings {
    /// Where runs are kept; repeatable.
    #[arg(long, required = true)]
    storage: Vec<String>,
    /// Runs.
    #[arg(long, default_value_t = 100_000)]
    jobs: usize,
    /// Callers at once; repeatable.
    #[arg(long, default_values_t = [1, 4])]
    callers: Vec<usize>,
    /// Runs claimed and recorded in one call.
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// How durable SQLite's commits are.
    #[arg(long, default_value = "normal", value_parser = ["normal", "full"])]
    synchronous: String,
}

pub(crate) async fn measure(settings: &StoreSettings) -> Result<()> {
    println!("{} runs, claimed and recorded by {}", settings.jobs, settings.batch);
    for url in &settings.storage {
        let place = Place::find(url, &settings.synchronous)?;
        for callers in &settings.callers {
            let (enqueue, work) = one(&place, settings, *callers).await?;
            println!(
                "{url:<16} {callers:>3} callers: enqueue {enqueue:>9.0}/s, claim + complete \
                 {work:>9.0}/s"
            );
        }
    }
    Ok(())
}

async fn one(place: &Place, settings: &StoreSettings, callers: usize) -> Result<(f64, f64)> {
    let opened = place.open().await?;
    let began = Instant::now();
    work::fill(&opened.storage, settings.jobs, callers).await?;
    let enqueue = settings.jobs as f64 / began.elapsed().as_secs_f64();

    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| tokio::spawn(work::drain(Arc::clone(&opened.storage), settings.batch)))
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    let rate = done as f64 / began.elapsed().as_secs_f64();
    ensure!(done == settings.jobs, "{done} of {} runs were completed", settings.jobs);
    opened.close().await?;
    Ok((enqueue, rate))
}
