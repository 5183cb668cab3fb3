//! `cargo xtask bench`: builds what the benchmark measures, and runs it.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::demo::build_components;
use crate::workspace::Workspace;
use crate::{process, wasm_target};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Handed on to the benchmark; `--help` after `--` lists what it takes.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the jobs and the benchmark, and measures.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let wasm = wasm_target::ensure(workspace)?;
    for guests in &workspace.guests() {
        build_components(workspace, guests, &wasm)?;
    }
    workspace.build_programs()?;
    process::run(&mut program(workspace, &options.arguments))
}

/// The benchmark, which finds the job that it measures in the target directory.
pub(crate) fn program(workspace: &Workspace, arguments: &[String]) -> Command {
    let mut bench = Command::new(workspace.program("zapjobs-bench"));
    bench.args(arguments).env("CARGO_TARGET_DIR", workspace.target());
    bench
}
