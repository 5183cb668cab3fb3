//! Says what an attempt came to.
//!
//! **Invariant:** whatever a guest does is an outcome with a plain message; an error here
//! means that the host had no room for it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;
use zapjobs_model::{Blame, Json, Limits, Outcome, RunError, StopReason, Usage};

use crate::attempt::Fault;
use crate::contract::{Failure, FailureKind};
use crate::memory::{Memory, Refusal};
use crate::panic::Panic;
use crate::watch::Halt;
use crate::{backtrace, text};

/// Bytes of a failure's type at most; the rest is cut.
const ERROR_TYPE_BYTES_MAX: usize = 200;
/// Bytes of a failure's message at most; the rest is cut.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// Bytes of a failure's details at most; longer ones are dropped.
const DETAILS_BYTES_MAX: usize = 64 << 10;
/// How wasmtime begins to say that a guest passed too much in one call.
const TOO_MUCH_DATA: &str = "too much data is being copied between the host and the guest";

/// What a guest's own answer means.
pub(crate) fn of_answer(
    answer: Result<String, Failure>,
    limits: &Limits,
    usage: &mut Usage,
    asked_to_stop: bool,
) -> Outcome {
    match answer {
        Ok(output) => of_output(&output, limits, usage),
        Err(failure) => of_failure(&failure, asked_to_stop),
    }
}

fn of_output(output: &str, limits: &Limits, usage: &mut Usage) -> Outcome {
    usage.output_bytes = output.len() as u64;
    if usage.output_bytes > limits.output_bytes_max {
        return output_too_large(&format!("{} bytes", output.len()), limits, *usage);
    }
    match Json::parse(output) {
        Ok(output) => Outcome::Completed(output),
        Err(error) => {
            stopped(StopReason::Contract, format!("the output is no JSON: {error}"), None)
        }
    }
}

fn of_failure(failure: &Failure, asked_to_stop: bool) -> Outcome {
    let error = |blame| RunError {
        error_type: match text::name(failure.error_type.trim(), ERROR_TYPE_BYTES_MAX) {
            name if name.is_empty() => "error".to_owned(),
            name => name,
        },
        message: text::clean(&failure.message, MESSAGE_BYTES_MAX),
        details: failure.details.as_deref().and_then(details),
        blame,
    };
    match failure.kind {
        FailureKind::Retry(after_ms) => Outcome::Retry { error: error(Blame::Guest), after_ms },
        FailureKind::Permanent => Outcome::Failed(error(Blame::Guest)),
        FailureKind::Snooze(for_ms) => Outcome::Snoozed { for_ms },
        FailureKind::Cancelled if asked_to_stop => Outcome::Cancelled(error(Blame::Operator)),
        FailureKind::Cancelled => Outcome::Cancelled(error(Blame::Guest)),
    }
}

/// The details if they are short enough; as a JSON string where they are no JSON.
fn details(details: &str) -> Option<Json> {
    if details.len() > DETAILS_BYTES_MAX {
        return None;
    }
    Json::parse(details).or_else(|_| Json::of(&details)).ok()
}

/// What an input beyond its limit means. The guest never saw it.
pub(crate) fn input_too_large(bytes: usize, limits: &Limits) -> Outcome {
    Outcome::Failed(RunError::new(
        Blame::Operator,
        "input-too-large",
        format!("the input has {bytes} bytes (limit input_bytes_max = {})", limits.input_bytes_max),
    ))
}

/// All that is known of a guest that did not answer.
pub(crate) struct Case<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) usage: Usage,
    pub(crate) memory: &'a Memory,
    pub(crate) panic: Option<Panic>,
}

impl Case<'_> {
    /// What it means that there is no answer.
    pub(crate) fn of_fault(&self, fault: &Fault) -> Result<Outcome, RunError> {
        match fault {
            Fault::Halted { halt, error } => Ok(self.of_halt(*halt, error.as_ref())),
            Fault::Start(error) | Fault::Call(error)
                if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() =>
            {
                Err(RunError::new(
                    Blame::Host,
                    "sandbox-full",
                    format!("{error}: raise the sandbox's instances_max, or run fewer at a time"),
                ))
            }
            Fault::Start(error) if self.is_hosts(error) => Err(RunError::new(
                Blame::Host,
                "sandbox",
                format!("cannot start an instance: {}", said(error)),
            )),
            Fault::Start(error) | Fault::Call(error) => Ok(self.of_error(error)),
        }
    }

    /// Whether an instance could not start for reasons that lie outside the guest.
    fn is_hosts(&self, error: &wasmtime::Error) -> bool {
        self.memory.refusal().is_none()
            && error.downcast_ref::<Trap>().is_none()
            && error.downcast_ref::<I32Exit>().is_none()
            && backtrace::of(error).is_none()
    }

    fn of_halt(&self, halt: Halt, error: Option<&wasmtime::Error>) -> Outcome {
        let details = || self.used(error);
        match halt {
            Halt::CpuTime => stopped(
                StopReason::CpuTime,
                format!(
                    "used more than {} of CPU time (limit cpu_ms_max = {})",
                    span(self.limits.cpu_max()),
                    self.limits.cpu_ms_max
                ),
                Some(details()),
            ),
            Halt::WallTime => stopped(
                StopReason::WallTime,
                format!(
                    "ran longer than {}, waits included (limit wall_ms_max = {})",
                    span(self.limits.wall_max()),
                    self.limits.wall_ms_max
                ),
                Some(details()),
            ),
            Halt::Cancelled => Outcome::Cancelled(RunError::new(
                Blame::Operator,
                "cancelled",
                "stopped on request before it ended by itself",
            )),
            Halt::HandedBack => Outcome::HandedBack { after_ms: 0, error: None },
        }
    }

    fn of_error(&self, error: &wasmtime::Error) -> Outcome {
        let trap = error.downcast_ref::<Trap>();
        let panicked = self.panic.as_ref().filter(|panic| !is_out_of_memory(panic));
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            let message = format!("the job exited with status {} instead of returning", exit.0);
            return stopped(StopReason::Contract, message, Some(traced(error)));
        }
        // Many languages keep part of their stack in memory, and run over its end instead.
        let overrun = trap == Some(&Trap::MemoryOutOfBounds) && backtrace::is_recursion(error);
        if overrun || trap == Some(&Trap::StackOverflow) {
            let message =
                "calls are nested too deep: the stack is full; look for endless recursion";
            return stopped(StopReason::Stack, message.to_owned(), Some(traced(error)));
        }
        if let (Some(panic), Some(Trap::UnreachableCodeReached)) = (panicked, trap) {
            return of_panic(panic, error);
        }
        if let Some(refusal) = self.memory.refusal() {
            return self.of_refusal(refusal, error);
        }
        if let Some(trap) = trap {
            return stopped(StopReason::Trap, plain(*trap).to_owned(), Some(traced(error)));
        }
        self.of_border(error)
    }

    /// Errors that come from a call between guest and host.
    fn of_border(&self, error: &wasmtime::Error) -> Outcome {
        let in_a_call = backtrace::of(error).is_some();
        let message = said(error);
        let too_much = error.chain().any(|cause| cause.to_string().starts_with(TOO_MUCH_DATA));
        match (too_much, in_a_call) {
            (true, false) => output_too_large("too many bytes", self.limits, self.usage),
            (true, true) => stopped(
                StopReason::Contract,
                "passed too much to the host in one call: up to 8 MiB are always taken".to_owned(),
                Some(traced(error)),
            ),
            (false, true) => stopped(StopReason::Trap, message, Some(traced(error))),
            (false, false) => stopped(
                StopReason::Contract,
                format!("the answer is malformed: {message}"),
                Some(traced(error)),
            ),
        }
    }

    fn of_refusal(&self, refusal: Refusal, error: &wasmtime::Error) -> Outcome {
        let message = match refusal {
            Refusal::Limit { bytes } => format!(
                "needed {} of memory, more than {} (limit memory_bytes_max = {})",
                size(bytes),
                size(self.limits.memory_bytes_max),
                self.limits.memory_bytes_max
            ),
            Refusal::Slot => "one memory or table outgrew its own maximum, or what the sandbox \
                              provides for one (the host's option memory_bytes_max)"
                .to_owned(),
        };
        stopped(StopReason::Memory, message, Some(self.used(Some(error))))
    }

    fn used(&self, error: Option<&wasmtime::Error>) -> Map<String, Value> {
        let mut details = error.map(traced).unwrap_or_default();
        details.insert("limits".to_owned(), json!(self.limits));
        details.insert("usage".to_owned(), json!(self.usage));
        details
    }
}

fn of_panic(panic: &Panic, error: &wasmtime::Error) -> Outcome {
    let place = match panic.line {
        Some(line) => format!("{}:{line}", panic.file),
        None => panic.file.clone(),
    };
    let message =
        format!("panicked at {place}: {}", text::clean(&panic.message, MESSAGE_BYTES_MAX));
    let mut details = traced(error);
    details.insert("file".to_owned(), json!(panic.file));
    details.insert("line".to_owned(), json!(panic.line));
    stopped(StopReason::Panic, message, Some(details))
}

fn output_too_large(bytes: &str, limits: &Limits, usage: Usage) -> Outcome {
    let mut details = Map::new();
    details.insert("limits".to_owned(), json!(limits));
    details.insert("usage".to_owned(), json!(usage));
    stopped(
        StopReason::OutputTooLarge,
        format!(
            "returned {bytes}, more than {} (limit output_bytes_max = {})",
            size(limits.output_bytes_max),
            limits.output_bytes_max
        ),
        Some(details),
    )
}

fn stopped(reason: StopReason, message: String, details: Option<Map<String, Value>>) -> Outcome {
    let details = details.filter(|details| !details.is_empty());
    let error = RunError {
        details: details.and_then(|details| Json::of(&details).ok()),
        ..RunError::new(Blame::Guest, reason.name(), message)
    };
    Outcome::Stopped { reason, error }
}

fn traced(error: &wasmtime::Error) -> Map<String, Value> {
    backtrace::of(error).map(|frames| ("backtrace".to_owned(), frames)).into_iter().collect()
}

/// What went wrong at the bottom, without the contexts around it.
fn said(error: &wasmtime::Error) -> String {
    text::name(&error.root_cause().to_string(), 1_000)
}

/// Whether a panic says that there was no memory, as some allocators do.
fn is_out_of_memory(panic: &Panic) -> bool {
    panic.message.starts_with("memory allocation of ")
}

fn plain(trap: Trap) -> &'static str {
    match trap {
        Trap::UnreachableCodeReached => "stopped itself (abort or unreachable code)",
        Trap::MemoryOutOfBounds => "accessed memory out of bounds",
        Trap::TableOutOfBounds => "called a function out of the table's bounds",
        Trap::IndirectCallToNull => "called a function that does not exist",
        Trap::BadSignature => "called a function with the wrong signature",
        Trap::IntegerOverflow => "an integer operation overflowed",
        Trap::IntegerDivisionByZero => "divided an integer by zero",
        Trap::BadConversionToInteger => "converted a number that no integer can hold",
        Trap::CannotEnterComponent => "called itself through the host",
        _ => "broke a rule of WebAssembly",
    }
}

fn span(span: Duration) -> String {
    match span.as_millis() {
        ms if ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 => format!("{} MiB", bytes.div_ceil(1 << 20)),
        bytes if bytes >= 1 << 10 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        bytes => format!("{bytes} bytes"),
    }
}
