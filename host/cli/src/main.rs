//! The command `zapjobs`: serves, runs and looks after background jobs.
//!
//! **Invariant:** this crate alone names storage drivers (in `storage`) and the sandbox (in
//! `sandbox`); everything else goes through the model, the storage traits and the runtime.
//!
//! In reading order: `args` is what can be asked, `config` what it works with, `commands` what
//! is done, one file each, and `output` what is shown. `errors` holds the exit codes.

mod args;
mod commands;
mod config;
mod contexts;
mod errors;
mod output;
mod own_file;
mod sandbox;
mod scaffold;
mod site;
mod storage;
mod values;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::config::Color;
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before any file is read: this process has no configuration, and is about to have limits.
    if matches!(cli.command, Command::CompileComponent) {
        return sandbox::compile_child();
    }
    let environment = |name: &str| std::env::var(name).ok();
    let (output, done) = match config::load(&cli.sources(), environment) {
        Ok(effective) => {
            let output = Output::new(cli.global.json, effective.config.color);
            (output, commands::execute(cli.command, &cli.global.server, effective, output))
        }
        Err(failure) => (Output::new(cli.global.json, Color::Auto), Err(failure)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}
