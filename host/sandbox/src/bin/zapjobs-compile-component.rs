//! Compiles one component for another process: what [`zapjobs_sandbox::Compiler::Child`] names
//! where the embedding program has no subcommand for it.

use std::process::ExitCode;

fn main() -> ExitCode {
    zapjobs_sandbox::compile_child()
}
