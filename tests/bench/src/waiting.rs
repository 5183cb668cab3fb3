//! Runs that wait in a host call, many at once in one process: what each takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use zapjobs_model::{JobDefinition, JobKey, JobRequest, JobType, Json, Limits, TenantId};
use zapjobs_runtime::{Catalog, Client, Host, HostOptions, Served};
use zapjobs_sandbox::SandboxOptions;
use zapjobs_storage::RunFilter;

use crate::load_with;
use crate::place::Place;
use crate::settings::target;

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the count of running runs is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// All runs wait once so much time passes with little CPU used.
const QUIET_WINDOW: Duration = Duration::from_millis(100);
/// Longest wait for that.
const QUIET_MAX: Duration = Duration::from_secs(10);

/// What runs take that wait in a host call.
#[derive(Debug, Clone, Args)]
pub(crate) struct WaitingSettings {
    /// Runs that wait at once.
    #[arg(long, default_value_t = 10_000)]
    runs: u32,
    /// The component with the job `sleep`.
    #[arg(long)]
    hostile: Option<PathBuf>,
    /// One JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    runs: u32,
    /// Until all of them waited, within 100 ms.
    begun_in_ms: f64,
    resident_bytes_per_run: f64,
    /// CPU time of the whole process while all waited, in one second.
    cpu_ms_per_s: f64,
    threads: usize,
}

pub(crate) async fn measure(settings: &WaitingSettings) -> Result<()> {
    let hostile = settings
        .hostile
        .clone()
        .unwrap_or_else(|| target("guests/wasm32-wasip2/release/hostile.wasm"));
    let options = SandboxOptions { instances_max: settings.runs, ..SandboxOptions::default() };
    let plugin = load_with(&hostile, options).await?;
    let opened = Place::find("memory:", "normal")?.open().await?;
    let key =
        JobKey { tenant: TenantId::standard(), job_type: JobType::new("sleep").expect("a name") };
    let job = plugin.jobs().iter().find(|job| job.job_type == key.job_type);
    let job = job.context("the component does not provide the job `sleep`")?;
    let definition = JobDefinition::from_description(key.tenant.clone(), job, plugin.digest());
    opened.storage.put_definitions(&[definition]).await?;
    let served = Served {
        plugin: Arc::clone(&plugin),
        limits: Limits::default(),
        retry: job.retry.clone(),
        queues: None,
    };
    let catalog = Catalog::new();
    catalog.swap(&[], &[(key.clone(), Arc::new(served))]);
    let client = Client::new(Arc::clone(&opened.storage));
    let request = JobRequest::new(key.tenant, key.job_type, Json::null());
    client.enqueue_all(vec![request; settings.runs as usize]).await?;

    let before = resident_bytes()?;
    let begun = Instant::now();
    let host_options =
        HostOptions { concurrency: settings.runs as usize, ..HostOptions::default() };
    let host = Host::start(host_options, Arc::clone(&opened.storage), Arc::new(catalog)).await?;
    loop {
        let counts = opened.storage.counts(&RunFilter::default()).await?;
        if counts.running == u64::from(settings.runs) {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "only {} runs are under way", counts.running);
        tokio::time::sleep(LOOK).await;
    }
    quiet().await;
    let begun_in_ms = (begun.elapsed() - QUIET_WINDOW).as_secs_f64() * 1e3;
    let cpu = crate::floor::cpu_time();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let report = Report {
        runs: settings.runs,
        begun_in_ms,
        resident_bytes_per_run: (resident_bytes()?.saturating_sub(before)) as f64
            / f64::from(settings.runs),
        cpu_ms_per_s: (crate::floor::cpu_time() - cpu).as_secs_f64() * 1e3,
        threads: std::fs::read_dir("/proc/self/task")?.count(),
    };
    let still = opened.storage.counts(&RunFilter::default()).await?.running;
    ensure!(still == u64::from(settings.runs), "only {still} runs still waited at the end");
    host.shutdown(Duration::ZERO).await;
    opened.close().await?;
    print(&report, settings.json)
}

/// Returns once the process does little: a claimed run counts as running before its instance has
/// been made. Gives up after a while, so that what never rests is measured as it is.
async fn quiet() {
    let begun = Instant::now();
    while begun.elapsed() < QUIET_MAX {
        let cpu = crate::floor::cpu_time();
        tokio::time::sleep(QUIET_WINDOW).await;
        if crate::floor::cpu_time() - cpu < QUIET_WINDOW / 5 {
            return;
        }
    }
}

fn resident_bytes() -> Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).context("statm has a second field")?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

#[allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]
fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    println!(
        "{} runs wait in a host call at once, in one process of {} threads\n  begun in        \
         {:>8.0} ms\n  resident memory {:>8.1} KiB per run\n  CPU             {:>8.1} ms per \
         second while all wait",
        report.runs,
        report.threads,
        report.begun_in_ms,
        report.resident_bytes_per_run / 1024.0,
        report.cpu_ms_per_s,
    );
    Ok(())
}
