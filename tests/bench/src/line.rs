//! The whole line: enqueue, claim, run, settle, record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use zapjobs_model::port::Plugin;
use zapjobs_model::{
    EventKind, JobDefinition, JobKey, JobRequest, JobType, Json, Limits, RunStatus, TenantId,
};
use zapjobs_runtime::{Catalog, Client, Host, HostOptions, Served};
use zapjobs_storage::{Notice, Notices, RunFilter, Storage};

use crate::floor::cpu_time;
use crate::place::Place;
use crate::settings::Settings;
use crate::work::BULK;

/// A drain that makes no headway for this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a round through the whole line cost.
pub(crate) struct Line {
    pub(crate) bulk_enqueue_per_s: f64,
    pub(crate) drain_per_s: f64,
    pub(crate) cpu_us_per_job: f64,
    /// From stored to started on an idle host, in milliseconds, ascending.
    pub(crate) start_ms: Vec<f64>,
    pub(crate) durability: String,
}

pub(crate) async fn measure(
    plugin: &Arc<dyn Plugin>,
    place: &Place,
    settings: &Settings,
) -> Result<Line> {
    let opened = place.open().await?;
    let storage = Arc::clone(&opened.storage);
    let catalog = catalog(plugin, &*storage).await?;
    let client = Client::new(Arc::clone(&storage));

    let bulk_enqueue_per_s = bulk_enqueue(&client, settings.jobs).await?;
    let (drain, cpu_us_per_job, host) = drain(Arc::clone(&storage), catalog, settings).await?;
    let start_ms = single(&client, settings.single).await?;
    host.shutdown(PATIENCE).await;
    let durability = storage.info().await?.durability;
    opened.close().await?;
    Ok(Line { bulk_enqueue_per_s, drain_per_s: drain, cpu_us_per_job, start_ms, durability })
}

fn noop() -> JobKey {
    let job_type = JobType::new("noop").expect("a name");
    JobKey { tenant: TenantId::standard(), job_type }
}

async fn catalog(plugin: &Arc<dyn Plugin>, storage: &dyn Storage) -> Result<Arc<Catalog>> {
    let key = noop();
    let job = plugin.jobs().iter().find(|job| job.job_type == key.job_type);
    let job = job.context("the component does not provide the job `noop`")?;
    let definition = JobDefinition::from_description(key.tenant.clone(), job, plugin.digest());
    storage.put_definitions(&[definition]).await?;
    let served = Served {
        plugin: Arc::clone(plugin),
        limits: Limits::default(),
        retry: job.retry.clone(),
        queues: None,
    };
    let catalog = Catalog::new();
    catalog.swap(&[], &[(key, Arc::new(served))]);
    Ok(Arc::new(catalog))
}

async fn bulk_enqueue(client: &Client, jobs: usize) -> Result<f64> {
    let wall = Instant::now();
    let mut left = jobs;
    while left > 0 {
        let requests = (0..left.min(BULK)).map(|_| request()).collect();
        left -= client.enqueue_all(requests).await?.len();
    }
    Ok(jobs as f64 / wall.elapsed().as_secs_f64())
}

fn request() -> JobRequest {
    let JobKey { tenant, job_type } = noop();
    JobRequest::new(tenant, job_type, Json::null())
}

/// Starts a host and lets it work until every run has ended; answers runs per second, CPU
/// time per run, and the host, idle now.
async fn drain(
    storage: Arc<dyn Storage>,
    catalog: Arc<Catalog>,
    settings: &Settings,
) -> Result<(f64, f64, Host)> {
    let notices = storage.subscribe();
    let options = HostOptions {
        concurrency: settings.concurrency,
        guest_threads: settings.threads(),
        ..HostOptions::default()
    };
    let (cpu, wall) = (cpu_time(), Instant::now());
    let host = Host::start(options, Arc::clone(&storage), catalog).await?;
    all_ended(&*storage, notices, settings.jobs).await?;
    let (cpu, wall) = (cpu_time() - cpu, wall.elapsed());
    let counts = storage.counts(&RunFilter::default()).await?;
    ensure!(
        counts.completed == settings.jobs as u64,
        "of {} runs only {} completed: {counts:?}",
        settings.jobs,
        counts.completed
    );
    let jobs = settings.jobs as f64;
    Ok((jobs / wall.as_secs_f64(), cpu.as_secs_f64() * 1e6 / jobs, host))
}

async fn all_ended(storage: &dyn Storage, mut notices: Notices, jobs: usize) -> Result<()> {
    let mut ended = 0;
    while ended < jobs {
        let notice = tokio::time::timeout(PATIENCE, notices.next()).await;
        match notice.context("no run ended for a minute")? {
            None => bail!("the storage was closed"),
            Some(Notice::Events(events)) => {
                let settled = events.iter().filter(
                    |event| matches!(event.kind, EventKind::Settled(status) if status.is_final()),
                );
                ended += settled.count();
            }
            Some(Notice::Resync) => {
                let counts = storage.counts(&RunFilter::default()).await?;
                ended = usize::try_from(counts.completed + counts.failed + counts.cancelled)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Enqueues runs one by one on an idle host.
async fn single(client: &Client, count: usize) -> Result<Vec<f64>> {
    let mut waits = Vec::with_capacity(count);
    for _ in 0..count {
        let id = client.enqueue(request()).await?;
        let run = client.wait(id, Some(PATIENCE)).await?;
        ensure!(run.status == RunStatus::Completed, "a run did not complete: {:?}", run.error);
        let started = run.started_at.context("a completed run has started")?;
        waits.push(started.since(run.created_at).as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}
