//! What a tenant notices of another one that attacks: a memory bomb, an endless loop and a
//! flood of output at once, many of each.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use tokio::task::JoinHandle;
use zapjobs_model::port::Plugin;
use zapjobs_model::{
    EventKind, JobDefinition, JobKey, JobRequest, JobType, Json, Limits, RunStatus, TenantId,
};
use zapjobs_runtime::{Catalog, Client, Host, HostOptions, Served};
use zapjobs_storage::{Notice, RunFilter, Storage};

use crate::load;
use crate::place::{Opened, Place};
use crate::settings::target;
use crate::work::{BULK, percentile};

/// The attacks, as the jobs of the hostile component are called.
const ATTACKS: [&str; 3] = ["grow", "spin", "print-without-end"];
/// Runs of the quiet tenant that wait at least while its throughput is measured.
const BACKLOG: u64 = 4_000;
/// How often the backlog is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// From one of the single runs to the next.
const PAUSE: Duration = Duration::from_millis(5);
/// Time for the attacks to begin before anything is measured.
const LEAD: Duration = Duration::from_millis(500);
/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a tenant notices of another one that attacks.
#[derive(Debug, Clone, Args)]
pub(crate) struct NeighbourSettings {
    /// Where runs are kept, as for the whole line.
    #[arg(long, default_value = "memory:")]
    storage: String,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Runs of each attack.
    #[arg(long, default_value_t = 1_000)]
    attacks: usize,
    /// The component with the attacks.
    #[arg(long)]
    hostile: Option<PathBuf>,
    /// The component with the job `noop`.
    #[arg(long)]
    plugin: Option<PathBuf>,
    /// One JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    storage: String,
    attacks: usize,
    alone: Figures,
    attacked: Figures,
    throughput_kept: f64,
}

#[derive(Serialize)]
struct Figures {
    runs_per_s: f64,
    start_ms: Starts,
}

#[derive(Serialize)]
struct Starts {
    p50: f64,
    p99: f64,
    max: f64,
    runs: usize,
}

pub(crate) async fn measure(settings: &NeighbourSettings) -> Result<()> {
    let plugins = target("plugins/wasm32-wasip2/release/noop.wasm");
    let guests = target("guests/wasm32-wasip2/release/hostile.wasm");
    let quiet = load(settings.plugin.as_ref().unwrap_or(&plugins)).await?;
    let hostile = load(settings.hostile.as_ref().unwrap_or(&guests)).await?;
    let place = Place::find(&settings.storage, "normal")?;
    let alone = figures(&place, &quiet, &hostile, settings, 0).await?;
    let attacked = figures(&place, &quiet, &hostile, settings, settings.attacks).await?;
    let report = Report {
        storage: settings.storage.clone(),
        attacks: settings.attacks * ATTACKS.len(),
        throughput_kept: attacked.runs_per_s / alone.runs_per_s,
        alone,
        attacked,
    };
    print(&report, settings.json)
}

async fn figures(
    place: &Place,
    quiet: &Arc<dyn Plugin>,
    hostile: &Arc<dyn Plugin>,
    settings: &NeighbourSettings,
    attacks: usize,
) -> Result<Figures> {
    let span = Duration::from_secs(settings.seconds);
    let scene = Scene::begin(place, quiet, hostile, attacks).await?;
    let runs_per_s = scene.throughput(span).await?;
    let start_ms = scene.starts(span).await?;
    scene.end(attacks).await?;
    Ok(Figures { runs_per_s, start_ms })
}

/// A host with both tenants' jobs.
struct Scene {
    opened: Opened,
    client: Client,
    host: Host,
}

impl Scene {
    async fn begin(
        place: &Place,
        quiet: &Arc<dyn Plugin>,
        hostile: &Arc<dyn Plugin>,
        attacks: usize,
    ) -> Result<Self> {
        let opened = place.open().await?;
        let catalog = Arc::new(Catalog::new());
        serve(&catalog, &*opened.storage, quiet, &key("quiet", "noop")).await?;
        for attack in ATTACKS {
            serve(&catalog, &*opened.storage, hostile, &key("hostile", attack)).await?;
        }
        let client = Client::new(Arc::clone(&opened.storage));
        for attack in ATTACKS {
            let JobKey { tenant, job_type } = key("hostile", attack);
            let request = JobRequest::new(tenant, job_type, Json::null());
            client.enqueue_all(vec![request; attacks]).await?;
        }
        let storage = Arc::clone(&opened.storage);
        let host = Host::start(HostOptions::default(), storage, catalog).await?;
        tokio::time::sleep(LEAD).await;
        Ok(Self { opened, client, host })
    }

    /// Runs of the quiet tenant per second while there is always one waiting.
    async fn throughput(&self, span: Duration) -> Result<f64> {
        let pump = self.pump();
        tokio::time::sleep(LEAD).await;
        let mut notices = self.opened.storage.subscribe();
        let begun = Instant::now();
        let mut ended = 0_usize;
        while begun.elapsed() < span {
            let notice = tokio::time::timeout(PATIENCE, notices.next()).await;
            let Notice::Events(events) =
                notice.context("no run ended for a minute")?.context("the storage was closed")?
            else {
                continue;
            };
            let quiet = events.iter().filter(|event| event.tenant.as_str() == "quiet");
            ended += quiet.filter(|event| matches!(event.kind, EventKind::Settled(_))).count();
        }
        let per_s = ended as f64 / begun.elapsed().as_secs_f64();
        pump.abort();
        self.drained().await?;
        Ok(per_s)
    }

    /// Keeps the quiet tenant's backlog filled.
    fn pump(&self) -> JoinHandle<Result<()>> {
        let (client, storage) = (self.client.clone(), Arc::clone(&self.opened.storage));
        tokio::spawn(async move {
            loop {
                while waiting(&*storage).await? < BACKLOG {
                    client.enqueue_all(vec![noop(); BULK]).await?;
                }
                tokio::time::sleep(LOOK).await;
            }
        })
    }

    async fn drained(&self) -> Result<()> {
        let begun = Instant::now();
        while waiting(&*self.opened.storage).await? > 0 {
            ensure!(begun.elapsed() < PATIENCE, "the quiet tenant's runs do not end");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// From stored to started, of runs that come one by one.
    async fn starts(&self, span: Duration) -> Result<Starts> {
        let begun = Instant::now();
        let mut ids = Vec::new();
        while begun.elapsed() < span {
            ids.push(self.client.enqueue(noop()).await?);
            tokio::time::sleep(PAUSE).await;
        }
        let mut waits = Vec::with_capacity(ids.len());
        for id in ids {
            let run = self.client.wait(id, Some(PATIENCE)).await?;
            ensure!(run.status == RunStatus::Completed, "a run did not complete: {:?}", run.error);
            let started = run.started_at.context("a completed run has started")?;
            waits.push(started.since(run.created_at).as_secs_f64() * 1e3);
        }
        waits.sort_by(f64::total_cmp);
        let at = |share| percentile(&waits, share);
        Ok(Starts { p50: at(0.5), p99: at(0.99), max: at(1.0), runs: waits.len() })
    }

    /// Ends all, and sees to it that the attacks went on until now.
    async fn end(self, attacks: usize) -> Result<()> {
        let hostile = RunFilter { tenant: Some(tenant("hostile")), ..RunFilter::default() };
        let counts = self.opened.storage.counts(&hostile).await?;
        ensure!(attacks == 0 || counts.running > 0, "the attacks were over too soon: {counts:?}");
        self.host.shutdown(Duration::ZERO).await;
        self.opened.close().await
    }
}

async fn waiting(storage: &dyn Storage) -> Result<u64> {
    let filter = RunFilter {
        tenant: Some(tenant("quiet")),
        statuses: vec![RunStatus::Pending],
        ..RunFilter::default()
    };
    Ok(storage.counts(&filter).await?.pending)
}

async fn serve(
    catalog: &Catalog,
    storage: &dyn Storage,
    plugin: &Arc<dyn Plugin>,
    key: &JobKey,
) -> Result<()> {
    let job = plugin.jobs().iter().find(|job| job.job_type == key.job_type);
    let job = job.with_context(|| format!("no component provides {key}"))?;
    let definition = JobDefinition::from_description(key.tenant.clone(), job, plugin.digest());
    storage.put_definitions(&[definition]).await?;
    let served = Served {
        plugin: Arc::clone(plugin),
        limits: Limits::default(),
        retry: job.retry.clone(),
        queues: None,
    };
    catalog.swap(&[], &[(key.clone(), Arc::new(served))]);
    Ok(())
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a name")
}

fn key(tenant_name: &str, job: &str) -> JobKey {
    JobKey { tenant: tenant(tenant_name), job_type: JobType::new(job).expect("a name") }
}

fn noop() -> JobRequest {
    let JobKey { tenant, job_type } = key("quiet", "noop");
    JobRequest::new(tenant, job_type, Json::null())
}

#[allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]
fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    println!(
        "no-op jobs of one tenant beside {} attacks of another ({}), {}",
        report.attacks,
        ATTACKS.join(", "),
        report.storage
    );
    for (name, figures) in [("alone", &report.alone), ("attacked", &report.attacked)] {
        let Starts { p50, p99, max, runs } = &figures.start_ms;
        println!(
            "  {name:<9} {:>8.0} runs/s; enqueue-start {p50:.2} ms p50, {p99:.2} p99, {max:.2} \
             max of {runs}",
            figures.runs_per_s
        );
    }
    println!("  throughput kept: {:.2}", report.throughput_kept);
    Ok(())
}
