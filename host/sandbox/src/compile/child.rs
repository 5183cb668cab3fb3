//! The process that compiles.
//!
//! **Invariant:** it has its limits before it reads the first byte of a component. It opens no
//! file and no connection from then on, because it may not.

use std::io;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::order::{self, Bounds};
use crate::engine;

/// File descriptors that it may have: its three streams.
const FILES_MAX: u64 = 3;

/// Compiles the component on standard input, and writes the code to standard output: what the
/// `main` of a program does that is named in [`crate::Compiler::Child`]. Call it before
/// anything else, with no other thread running.
pub fn compile_child() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        // There is no one to tell; the parent sees that the answer is missing.
        Err(_) => ExitCode::FAILURE,
    }
}

fn work() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    confine(order::read_bounds(&mut input)?)?;
    let component = order::read_component(&mut input)?;
    let answer = engine::for_compiling()
        .and_then(|engine| engine.precompile_component(&component))
        .map_err(|error| format!("{error:#}"));
    order::write_answer(&mut output, &answer)
}

/// Limits that only the superuser could lift.
fn confine(bounds: Bounds) -> io::Result<()> {
    for (resource, max) in [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES_MAX),
        (Resource::Cpu, bounds.cpu_s),
        // What a process can write to. Addresses alone are not limited: the compiler reserves
        // more than it uses.
        (Resource::Data, bounds.memory_bytes),
    ] {
        setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) })?;
    }
    Ok(())
}
