//! Measures how fast no-op jobs go through ZapJobs, each in a fresh sandbox, with their
//! history kept, and in the same process how fast the bare sandbox is.
//!
//! ```sh
//! cargo xtask bench --storage memory: --storage sqlite:
//! ```
//!
//! `store`, `depth`, `limits`, `prune` and `schedules` measure the storages by themselves, `neighbours` and `waiting`
//! the isolation, `swaps` the change of code. `--smoke` runs a small round of the line and fails where a run did not complete.

mod settings;

mod floor;
mod line;
mod report;

mod depth;
mod limits;
mod prune;
mod schedules;
mod store;

mod neighbours;
mod swaps;
mod waiting;

mod place;
mod work;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use zapjobs_model::port::{Plugin, PluginSource, Sandbox};
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};

use crate::place::Place;
use crate::report::Report;
use crate::settings::{Asked, Measure};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let asked = Asked::parse();
    let host = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match asked.measure {
        Some(Measure::Store(settings)) => return host.block_on(store::measure(&settings)),
        Some(Measure::Depth(settings)) => return host.block_on(depth::measure(&settings)),
        Some(Measure::Limits(settings)) => return host.block_on(limits::measure(&settings)),
        Some(Measure::Prune(settings)) => return host.block_on(prune::measure(&settings)),
        Some(Measure::Schedules(settings)) => return host.block_on(schedules::measure(&settings)),
        Some(Measure::Neighbours(settings)) => {
            return host.block_on(neighbours::measure(&settings));
        }
        Some(Measure::Waiting(settings)) => return host.block_on(waiting::measure(&settings)),
        Some(Measure::Swaps(settings)) => return host.block_on(swaps::measure(&settings)),
        None => {}
    }
    let settings = asked.line.completed();
    let plugin = host.block_on(load(&settings.plugin()))?;
    let mut reports = Vec::new();
    for storage in &settings.storage {
        // Beside each measurement, for the machine's speed drifts.
        let place = Place::find(storage, &settings.synchronous)?;
        let floor = floor::measure(&plugin, &settings)?;
        let line = host.block_on(line::measure(&plugin, &place, &settings))?;
        reports.push(Report::new(storage, &settings, &floor, &line));
    }
    report::print(&settings, &reports)
}

async fn load(path: &Path) -> Result<Arc<dyn Plugin>> {
    load_with(path, SandboxOptions::default()).await
}

async fn load_with(path: &Path, options: SandboxOptions) -> Result<Arc<dyn Plugin>> {
    let bytes = std::fs::read(path).with_context(|| {
        format!(
            "failed to read the job to measure, {}: `cargo xtask bench` builds it",
            path.display()
        )
    })?;
    let sandbox = WasmSandbox::new(options)?;
    let source =
        PluginSource { name: "noop".to_owned(), bytes: bytes.into(), grants: Default::default() };
    Ok(sandbox.load(source).await?)
}
