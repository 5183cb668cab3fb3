//! The process that compiles.
//!
//! **Invariant:** it has its limits before it reads the first byte of a component. It opens no
//! file and no connection from then on, because it may not, and has none that its parent left
//! open.
#![allow(unsafe_code, reason = "closing what was inherited, see `close_inherited`")]

use std::io;
use std::os::fd::RawFd;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::order::{self, Bounds};
use crate::engine;

/// Seconds of processor time between the signal that says why and the one that cannot be ignored.
const CPU_SPARE_S: u64 = 2;
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
    close_inherited();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    confine(order::read_bounds(&mut input)?)?;
    let component = order::read_component(&mut input)?;
    let answer = engine::for_compiling()
        .and_then(|engine| engine.precompile_component(&component))
        .map_err(|error| format!("{error:#}"));
    order::write_answer(&mut output, &answer)
}

/// Closes what the parent had without meaning to hand it on. (What Rust opens is closed by the
/// kernel; what the parent itself inherited, or a library opened, may not be.)
fn close_inherited() {
    let names = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let numbers = names.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    let inherited: Vec<RawFd> = numbers.filter(|fd| *fd > 2).collect();
    for fd in inherited {
        // SAFETY: nothing in this process owns a descriptor above the three streams: it has
        // just begun, and the listing that found them is closed.
        unsafe { rustix::io::close(fd) };
    }
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
        // A stricter limit that is there already stays.
        let stricter = |max: u64| getrlimit(resource).maximum.map_or(max, |own| own.min(max));
        // A little above, the system kills instead of telling why it ends the process.
        let spare = if resource == Resource::Cpu { CPU_SPARE_S } else { 0 };
        let (current, maximum) = (stricter(max), stricter(max.saturating_add(spare)));
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?;
    }
    Ok(())
}
