//! Starts the process that compiles, and waits for its answer.
//!
//! **Invariant:** the process has ended when this returns, whatever it did.
#![allow(unsafe_code, reason = "loading the child's code, see `compile`")]

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::Engine;
use wasmtime::component::Component;
use zapjobs_model::port::LoadError;

use super::not_allowed;
use super::order::{self, Answer, Bounds};
use crate::options::SandboxOptions;

/// The signal at the end of the processor time.
const SIGXCPU: i32 = 24;
/// The signal of a process that ends itself, as Rust does where there is no memory.
const SIGABRT: i32 = 6;
/// Time that a child has to end once its answer did not come.
const ENDING_MAX: Duration = Duration::from_secs(1);
/// How often it is looked whether it has.
const ENDING_LOOK: Duration = Duration::from_millis(2);

pub(super) fn component(
    engine: &Engine,
    options: &SandboxOptions,
    (program, arguments): (&Path, &[OsString]),
    bytes: &[u8],
) -> Result<Component, LoadError> {
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            LoadError(format!(
                "the program that compiles components, {}, cannot be started: {error}: see the \
                 host's option compiler",
                program.display()
            ))
        })?;
    let bounds = Bounds {
        // Rounded up: the kernel counts whole seconds.
        cpu_s: options.compile_time_max.as_secs_f64().ceil() as u64,
        memory_bytes: options.compile_memory_bytes_max,
    };
    let code = match ask(child, bounds, bytes, options.compile_time_max) {
        Heard::Answer(Ok(code)) => code,
        Heard::Answer(Err(problem)) => return Err(not_allowed(&problem)),
        Heard::Nothing(status) => return Err(ended(status, options)),
        Heard::Late => return Err(too_slow(options)),
    };
    // SAFETY: these bytes are the answer of this program's own compiler, unchanged: they came
    // through a pipe that only the child held. What the trust in them rests on, the module
    // above says. Wasmtime checks version and settings once more.
    let component = unsafe { Component::deserialize(engine, &code) };
    component.map_err(|error| {
        LoadError(format!("the compiled code does not fit this host: {error:#}: restart the host"))
    })
}

/// What came of asking a child.
enum Heard {
    Answer(Answer),
    /// It ended without an answer.
    Nothing(Option<ExitStatus>),
    /// It was not ready in time.
    Late,
}

fn ask(mut child: Child, bounds: Bounds, component: &[u8], time_max: Duration) -> Heard {
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        end(&mut child);
        return Heard::Nothing(None);
    };
    thread::scope(|scope| {
        // A child that dies early closes its end; that there is no answer says all.
        scope.spawn(move || order::write(&mut input, bounds, component));
        let (sender, receiver) = mpsc::sync_channel(1);
        scope.spawn(move || sender.send(order::read_answer(&mut output)));
        let heard = receiver.recv_timeout(time_max);
        if matches!(heard, Ok(None)) {
            // Its stream is closed a moment before it has ended, and how it ends says why.
            let patience = Instant::now() + ENDING_MAX;
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < patience {
                thread::sleep(ENDING_LOOK);
            }
        }
        // Both threads end when the child's ends of their streams are closed.
        let status = end(&mut child);
        match heard {
            Ok(Some(answer)) => Heard::Answer(answer),
            Ok(None) => Heard::Nothing(status),
            Err(_) => Heard::Late,
        }
    })
}

/// Ends the process, if it has not ended by itself.
fn end(child: &mut Child) -> Option<ExitStatus> {
    if let Ok(Some(status)) = child.try_wait() {
        return Some(status);
    }
    // It fails where the process has ended meanwhile.
    let _ = child.kill();
    child.wait().ok()
}

fn too_slow(options: &SandboxOptions) -> LoadError {
    LoadError(format!(
        "this component takes more than {:?} to compile: make it smaller, or raise the host's \
         compile_time_max",
        options.compile_time_max
    ))
}

fn ended(status: Option<ExitStatus>, options: &SandboxOptions) -> LoadError {
    use std::os::unix::process::ExitStatusExt as _;
    match status.and_then(|status| status.signal()) {
        Some(SIGXCPU) => too_slow(options),
        Some(SIGABRT) => LoadError(format!(
            "this component needs more than {} MiB of memory to compile: make it smaller, or \
             raise the host's compile_memory_bytes_max",
            options.compile_memory_bytes_max >> 20
        )),
        _ => {
            let how = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
            LoadError(format!(
                "the compiler ended without an answer ({how}): leave this component out, and \
                 report it"
            ))
        }
    }
}
