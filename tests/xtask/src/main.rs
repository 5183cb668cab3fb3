//! The project's own tasks: `cargo xtask demo`, `cargo xtask test` and `cargo xtask bench`.
//!
//! It stays small so that it starts fast: it links nothing of the project, and works by calling
//! cargo and the `zapjobs` program that cargo built.
//!
//! **Invariants:** all that is built lands in the one target directory that cargo names (see
//! [`workspace`]), and only processes started here are ended here.
//!
//! Look next: [`demo`] for the demo, [`mod@test`] for the steps of CI.

mod workspace;

mod debian;
mod process;
mod say;
mod services;

mod wasm_target;

mod bench;
mod browser;
mod demo;
mod fuzz_api;
mod hygiene;
mod layers;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::say::say;
use crate::workspace::Workspace;

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds everything, starts a host with the example plugins and runs their jobs.
    Demo(demo::Options),
    /// Runs everything that CI runs, or the steps that are named.
    Test(test::Options),
    /// Measures how fast jobs go through, beside the bare sandbox.
    Bench(bench::Options),
    /// Makes sure that components can be compiled, and says how.
    Wasm,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say!("");
            say!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Demo(options) => demo::run(&workspace, &options),
        Task::Test(options) => test::run(workspace, &options),
        Task::Bench(options) => bench::run(&workspace, &options),
        Task::Wasm => {
            say!("{}", wasm_target::ensure(&workspace)?);
            Ok(())
        }
    }
}
