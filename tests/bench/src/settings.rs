//! What to measure.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::depth::DepthSettings;
use crate::limits::LimitsSettings;
use crate::neighbours::NeighbourSettings;
use crate::prune::PruneSettings;
use crate::schedules::ScheduleSettings;
use crate::store::StoreSettings;
use crate::swaps::SwapSettings;
use crate::waiting::WaitingSettings;

/// Runs of the smoke: enough to pass every stage in groups.
const SMOKE_JOBS: usize = 2_000;

/// Measures ZapJobs with no-op jobs: the whole line, or what is named.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Asked {
    #[command(subcommand)]
    pub(crate) measure: Option<Measure>,
    #[command(flatten)]
    pub(crate) line: Settings,
}

/// What else can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Measure {
    /// The storage alone: enqueue, claim, record.
    Store(StoreSettings),
    /// What a claim costs with few and with many runs waiting.
    Depth(DepthSettings),
    /// What limits per key cost.
    Limits(LimitsSettings),
    /// How long claims wait while old runs are deleted.
    Prune(PruneSettings),
    /// What many schedules cost the host that fires them.
    Schedules(ScheduleSettings),
    /// What a tenant notices of another one that attacks.
    Neighbours(NeighbourSettings),
    /// What runs take that wait in a host call.
    Waiting(WaitingSettings),
    /// Hot swaps of a plugin while its runs go on.
    Swaps(SwapSettings),
}

/// The whole line.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Where runs are kept: `memory:`, `sqlite:`, `postgres:`, `redis:` (fresh ones, servers
    /// included), `sqlite:PATH`, `postgres://...`, `redis://...`; repeatable.
    #[arg(long, default_values_t = ["memory:".to_owned(), "sqlite:".to_owned()])]
    pub(crate) storage: Vec<String>,
    /// Runs to drain.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) jobs: usize,
    /// Attempts under way at once.
    #[arg(long, default_value_t = 128)]
    pub(crate) concurrency: usize,
    /// Threads that execute guests; as many as there are cores.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Runs enqueued one by one on an idle host, to measure how soon they start.
    #[arg(long, default_value_t = 300)]
    pub(crate) single: usize,
    /// How durable SQLite's commits are.
    #[arg(long, default_value = "normal", value_parser = ["normal", "full"])]
    pub(crate) synchronous: String,
    /// The component to run, which must provide the job `noop`.
    #[arg(long)]
    plugin: Option<PathBuf>,
    /// A small round of everything.
    #[arg(long)]
    smoke: bool,
    /// One JSON document instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Settings {
    pub(crate) fn completed(mut self) -> Self {
        if self.smoke {
            self.jobs = self.jobs.min(SMOKE_JOBS);
            self.single = self.single.min(20);
        }
        self
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
    }

    pub(crate) fn plugin(&self) -> PathBuf {
        let built = || target("plugins/wasm32-wasip2/release/noop.wasm");
        self.plugin.clone().unwrap_or_else(built)
    }
}

/// A file that cargo built.
pub(crate) fn target(path: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    target.join(path)
}
