//! What limits per key cost: runs drained with a limit on each of many keys, and without any.

#![allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;
use zapjobs_model::{FlowLimit, JobKey, LimitChange, LimitKey, LimitScope, NewRun};
use zapjobs_storage::{AdmitRequest, QueueSelection, Storage};

use crate::place::Place;
use crate::work;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct LimitsSettings {
    /// Where runs are kept; repeatable.
    #[arg(long, required = true)]
    storage: Vec<String>,
    /// Runs to drain.
    #[arg(long, default_value_t = 100_000)]
    jobs: usize,
    /// Keys that they have.
    #[arg(long, default_value_t = 1_000)]
    keys: usize,
    /// Runs at a time of each key.
    #[arg(long, default_value_t = 1)]
    concurrency: u32,
    /// Runs in one claim.
    #[arg(long, default_value_t = 250)]
    batch: usize,
    /// How durable SQLite's commits are.
    #[arg(long, default_value = "normal", value_parser = ["normal", "full"])]
    synchronous: String,
}

pub(crate) async fn measure(settings: &LimitsSettings) -> Result<()> {
    println!(
        "{} runs of {} keys, {} at a time of each, claimed {} at a time",
        settings.jobs, settings.keys, settings.concurrency, settings.batch
    );
    for url in &settings.storage {
        let place = Place::find(url, &settings.synchronous)?;
        let mut rates = [0.0, 0.0];
        for (is_limited, rate) in [false, true].into_iter().zip(&mut rates) {
            let opened = place.open().await?;
            *rate = drain(&opened.storage, settings, is_limited).await?;
            opened.close().await?;
        }
        let [free, limited] = rates;
        println!(
            "{url:<16} {free:>8.0} runs/s without, {limited:>8.0} runs/s with limits: {:.0} %",
            100.0 * limited / free
        );
    }
    Ok(())
}

/// Runs drained in a second, stored before.
async fn drain(
    storage: &Arc<dyn Storage>,
    settings: &LimitsSettings,
    is_limited: bool,
) -> Result<f64> {
    let run = work::a_run();
    if is_limited {
        let job = JobKey { tenant: run.tenant, job_type: run.job_type };
        let limit = LimitChange::set(FlowLimit::concurrency(settings.concurrency));
        storage.change_limit(&LimitScope::PerKey(job), limit).await?;
    }
    for first in (0..settings.jobs).step_by(work::BULK) {
        let last = (first + work::BULK).min(settings.jobs);
        let runs: Vec<NewRun> =
            (first..last).map(|number| a_run(number % settings.keys)).collect::<Result<_>>()?;
        storage.enqueue(&runs).await?;
    }
    let began = Instant::now();
    let mut done = 0;
    while done < settings.jobs {
        // As a host does: what may go is admitted right before a claim.
        let request = AdmitRequest { queues: QueueSelection::All, limit: settings.batch };
        storage.admit(request).await?;
        let claimed = storage.claim(work::claim(settings.batch)).await?;
        ensure!(!claimed.is_empty(), "{done} of {} runs went, and no more", settings.jobs);
        storage.apply(&work::completions(&claimed, storage.now().await?)).await?;
        done += claimed.len();
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}

fn a_run(key: usize) -> Result<NewRun> {
    Ok(NewRun { limit_key: Some(LimitKey::new(format!("customer-{key}"))?), ..work::a_run() })
}
