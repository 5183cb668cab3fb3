//! Hot swaps under load: a plugin's file is replaced again and again while its runs go on.
//!
//! Every version of the component answers its own number, so that a run that was executed by
//! other code than the one it records would be seen.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zapjobs_model::{Digest, JobKey, JobRequest, JobType, Json, RunStatus, TenantId};
use zapjobs_runtime::{
    Catalog, Client, Host, HostOptions, PluginDirectory, PluginOptions, PluginReport, PluginState,
};
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};
use zapjobs_storage::{PAGE_MAX, RunFilter, RunPageRequest, Storage};

use crate::place::Place;
use crate::settings::target;
use crate::work::percentile;

/// What stands before a version's digits in the component.
const MARKER: &[u8] = b"zapjobs version:";
/// Digits of a version.
const DIGITS: usize = 8;
/// Versions that take turns: each is compiled once, and comes from the cache after that.
const VERSIONS: usize = 8;
/// Runs asked for at once, and how often.
const RUNS: usize = 50;
const PAUSE: Duration = Duration::from_millis(10);
/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hot swaps of a plugin while its runs go on.
#[derive(Debug, Clone, Args)]
pub(crate) struct SwapSettings {
    /// Swaps.
    #[arg(long, default_value_t = 200)]
    pub(crate) swaps: usize,
    /// Bytes that every version has at least.
    #[arg(long, default_value_t = 1 << 20)]
    bytes: usize,
    /// Where runs are kept, as for the whole line.
    #[arg(long, default_value = "memory:")]
    storage: String,
    /// The component that answers its version.
    #[arg(long)]
    versioned: Option<PathBuf>,
    /// One JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    swaps: usize,
    component_bytes: usize,
    runs: usize,
    /// From the file's replacement to the first answer of the new code's being served.
    visible_ms: BTreeMap<&'static str, Visible>,
}

#[derive(Serialize)]
struct Visible {
    swaps: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

pub(crate) async fn measure(settings: &SwapSettings) -> Result<()> {
    let built = target("guests/wasm32-wasip2/release/versioned.wasm");
    let path = settings.versioned.as_ref().unwrap_or(&built);
    let component = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let versions: Vec<Vec<u8>> = (0..VERSIONS)
        .map(|number| version(&component, number, settings.bytes))
        .collect::<Result<_>>()?;
    let digests: Vec<Digest> = versions.iter().map(|bytes| Digest::of(bytes)).collect();
    let opened = Place::find(&settings.storage, "normal")?.open().await?;
    let mut scene = Scene::begin(&opened.storage, &versions[0]).await?;
    let load = load(Client::new(Arc::clone(&opened.storage)));

    let mut first = Vec::new();
    let mut again = Vec::new();
    for swap in 1..=settings.swaps {
        let number = swap % VERSIONS;
        let took = scene.swap(&versions[number], digests[number]).await?;
        if swap < VERSIONS { &mut first } else { &mut again }.push(took.as_secs_f64() * 1e3);
    }
    load.stop.cancel();
    let asked = load.asked.await??;
    scene.end().await?;
    check(&*opened.storage, asked, &digests).await?;
    opened.close().await?;

    let kinds = [("compiled", first), ("from the cache", again)];
    let visible_ms = kinds.into_iter().filter(|(_, times)| !times.is_empty());
    let report = Report {
        swaps: settings.swaps,
        component_bytes: versions[0].len(),
        runs: asked,
        visible_ms: visible_ms.map(|(kind, times)| (kind, visible(times))).collect(),
    };
    print(&report, settings.json)
}

fn visible(mut times: Vec<f64>) -> Visible {
    times.sort_by(f64::total_cmp);
    let at = |share| percentile(&times, share);
    Visible { swaps: times.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
}

/// The component with another number, made longer by a section that means nothing.
fn version(component: &[u8], number: usize, bytes_min: usize) -> Result<Vec<u8>> {
    let mut bytes = component.to_vec();
    let found = bytes.windows(MARKER.len()).position(|part| part == MARKER);
    let at = found.context("the component does not answer its version")? + MARKER.len();
    let digits = format!("{number:0DIGITS$}");
    bytes
        .get_mut(at..at + DIGITS)
        .context("the component ends within its version")?
        .copy_from_slice(digits.as_bytes());
    let name = b"padding";
    let padding = bytes_min.saturating_sub(bytes.len());
    let length = u32::try_from(1 + name.len() + padding)?;
    // A custom section: its kind, its length in five bytes of seven bits each, its name.
    bytes.push(0);
    bytes.extend((0..5).map(|byte| {
        let more = if byte < 4 { 0x80 } else { 0 };
        u8::try_from(length >> (7 * byte) & 0x7f).unwrap_or(0) | more
    }));
    bytes.push(7);
    bytes.extend_from_slice(name);
    bytes.resize(bytes.len() + padding, 0);
    Ok(bytes)
}

/// A host that watches a directory with one plugin.
struct Scene {
    folder: TempDir,
    host: Host,
    stop: CancellationToken,
    watch: JoinHandle<()>,
    reports: mpsc::UnboundedReceiver<PluginReport>,
}

impl Scene {
    async fn begin(storage: &Arc<dyn Storage>, first: &[u8]) -> Result<Self> {
        let folder = TempDir::new()?;
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins)?;
        fs::write(plugins.join("versioned.wasm"), first)?;
        let cache_dir = Some(folder.path().join("cache"));
        let sandbox = WasmSandbox::new(SandboxOptions { cache_dir, ..SandboxOptions::default() })?;
        let catalog = Arc::new(Catalog::new());
        let mut directory = PluginDirectory::open(
            &plugins,
            PluginOptions::new(TenantId::standard()),
            Arc::new(sandbox),
            Arc::clone(storage),
            Arc::clone(&catalog),
        )?;
        let reports = directory.rescan().await?;
        ensure!(reports.len() == 1, "the first version is not served: {reports:?}");
        let host = Host::start(HostOptions::default(), Arc::clone(storage), catalog).await?;
        let stop = CancellationToken::new();
        let (tell, reports) = mpsc::unbounded_channel();
        let watch = tokio::spawn(directory.watch(stop.clone(), move |report| match report {
            Ok(report) => drop(tell.send(report)),
            Err(error) => panic!("{error}"),
        }));
        Ok(Self { folder, host, stop, watch, reports })
    }

    /// Replaces the file, and waits until the new code serves.
    async fn swap(&mut self, version: &[u8], digest: Digest) -> Result<Duration> {
        let plugins = self.folder.path().join("plugins");
        let written = self.folder.path().join("versioned.new");
        fs::write(&written, version)?;
        let begun = Instant::now();
        fs::rename(&written, plugins.join("versioned.wasm"))?;
        let report = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
        match report.context("no swap within a minute")?.context("nobody watches")?.state {
            PluginState::Serving { digest: serving, .. } if serving == digest => {
                Ok(begun.elapsed())
            }
            other => bail!("the new version is not served: {other:?}"),
        }
    }

    async fn end(self) -> Result<()> {
        self.host.shutdown(PATIENCE).await;
        self.stop.cancel();
        self.watch.await?;
        Ok(())
    }
}

/// Runs that are asked for until it is stopped.
struct Load {
    stop: CancellationToken,
    asked: JoinHandle<Result<usize>>,
}

fn load(client: Client) -> Load {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let asked = tokio::spawn(async move {
        let mut asked = 0;
        while !stopped.is_cancelled() {
            let job_type = JobType::new("version").expect("a name");
            let JobKey { tenant, job_type } = JobKey { tenant: TenantId::standard(), job_type };
            let request = JobRequest::new(tenant, job_type, Json::null());
            asked += client.enqueue_all(vec![request; RUNS]).await?.len();
            tokio::time::sleep(PAUSE).await;
        }
        wait_for_all(&client).await?;
        Ok(asked)
    });
    Load { stop, asked }
}

async fn wait_for_all(client: &Client) -> Result<()> {
    let begun = Instant::now();
    loop {
        let counts = client.storage().counts(&RunFilter::default()).await?;
        if counts.pending + counts.scheduled + counts.running + counts.awaiting_retry == 0 {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "runs do not end: {counts:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Every run completed at its first attempt, and by the code that it records.
async fn check(storage: &dyn Storage, asked: usize, digests: &[Digest]) -> Result<()> {
    let mut request = RunPageRequest { filter: RunFilter::default(), after: None, limit: PAGE_MAX };
    let (mut seen, mut used) = (0, HashSet::new());
    loop {
        let page = storage.runs(request.clone()).await?;
        for run in &page.runs {
            ensure!(
                run.status == RunStatus::Completed && run.attempt == 1,
                "run {} is {} at attempt {}: {:?}",
                run.id,
                run.status,
                run.attempt,
                run.error
            );
            let output = run.output.as_ref().map(Json::as_str).unwrap_or_default();
            let number: usize = output.trim_matches('"').parse()?;
            ensure!(
                run.digest == digests.get(number).copied(),
                "run {} answered version {number} and records {:?}",
                run.id,
                run.digest
            );
            used.insert(number);
        }
        seen += page.runs.len();
        match page.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    ensure!(seen == asked, "{asked} runs were asked for, {seen} are there");
    ensure!(used.len() > 1, "all runs were executed by one version");
    Ok(())
}

#[allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]
fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    println!(
        "{} swaps of a component of {} bytes while {} runs went on: all completed at their \
         first attempt, each by the code that it records",
        report.swaps, report.component_bytes, report.runs
    );
    for (kind, Visible { swaps, p50, p99, max }) in &report.visible_ms {
        println!("  {kind:<15} {p50:>7.1} ms p50, {p99:.1} p99, {max:.1} max of {swaps}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_their_number_and_are_as_long_as_asked() {
        let component = b"\0asm zapjobs version:00000000 end";
        let version = version(component, 7, 1_000).expect("a version");
        assert!(version.starts_with(b"\0asm zapjobs version:00000007 end\0"));
        assert!(version.len() >= 1_000 && version.len() < 1_020, "{}", version.len());
    }

    #[test]
    fn a_component_without_a_version_is_refused() {
        assert!(version(b"\0asm", 1, 10).is_err());
    }
}
