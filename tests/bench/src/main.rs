//! Measures how fast no-op jobs go through ZapJobs, each in a fresh sandbox, with their
//! history kept, and in the same process how fast the bare sandbox is.
//!
//! ```sh
//! cargo xtask bench --storage memory: --storage sqlite:
//! ```
//!
//! `--smoke` runs a small round of everything and fails where a run did not complete.

mod floor;
mod line;
mod report;
mod settings;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use zapjobs_model::port::{Plugin, PluginSource, Sandbox};
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};

use crate::report::Report;
use crate::settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let settings = Settings::parse().completed();
    let host = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let plugin = host.block_on(load(&settings.plugin()))?;
    let mut reports = Vec::new();
    for storage in &settings.storage {
        // Beside each measurement, for the machine's speed drifts.
        let floor = floor::measure(&plugin, &settings)?;
        let line = host.block_on(line::measure(&plugin, storage, &settings))?;
        reports.push(Report::new(storage, &settings, &floor, &line));
    }
    report::print(&settings, &reports)
}

async fn load(path: &Path) -> Result<Arc<dyn Plugin>> {
    let bytes = std::fs::read(path).with_context(|| {
        format!(
            "failed to read the job to measure, {}: `cargo xtask bench` builds it",
            path.display()
        )
    })?;
    let sandbox = WasmSandbox::new(SandboxOptions::default())?;
    let source =
        PluginSource { name: "noop".to_owned(), bytes: bytes.into(), grants: Default::default() };
    Ok(sandbox.load(source).await?)
}
