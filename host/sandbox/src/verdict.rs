//! Says what an attempt came to.
//!
//! **Invariant:** whatever a guest does is an outcome with a plain message; an error here
//! means that the host had no room for it. The details of every stop carry the limits in
//! force, what was used, the last log lines, and where known a backtrace and a core dump.

mod words;

use serde_json::{Map, Value, json};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;
use zapjobs_model::{Blame, Json, Limits, Outcome, RunError, StopReason, Usage};

use crate::attempt::Fault;
use crate::contract::{Failure, FailureKind};
use crate::memory::{Memory, Refusal};
use crate::panic::Panic;
use crate::watch::Halt;
use crate::{backtrace, text};
use words::{plain, size, span};

/// Bytes of a failure's type at most; the rest is cut.
const ERROR_TYPE_BYTES_MAX: usize = 200;
/// Bytes of a failure's message at most; the rest is cut.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// Bytes of a failure's details at most; longer ones are dropped.
const DETAILS_BYTES_MAX: usize = 64 << 10;
/// How wasmtime begins to say that a guest passed too much in one call.
const TOO_MUCH_DATA: &str = "too much data is being copied between the host and the guest";

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

/// All that is known of an attempt when its guest has ended.
pub(crate) struct Case<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) usage: Usage,
    pub(crate) memory: &'a Memory,
    pub(crate) panic: Option<Panic>,
    /// The last lines that it logged.
    pub(crate) last_log_lines: Vec<String>,
    /// Where its memory was written to, or why it was not, if someone wants core dumps.
    pub(crate) core_dump: Option<String>,
    /// Bytes that it could pass to the host in one call.
    pub(crate) hostcall_bytes: usize,
}

impl Case<'_> {
    /// What a guest's own answer means.
    pub(crate) fn of_answer(
        &self,
        answer: &Result<String, Failure>,
        asked_to_stop: bool,
    ) -> Outcome {
        match answer {
            Ok(output) => self.of_output(output),
            Err(failure) => of_failure(failure, asked_to_stop),
        }
    }

    fn of_output(&self, output: &str) -> Outcome {
        if output.len() as u64 > self.limits.output_bytes_max {
            return self.output_too_large(&format!("{} bytes", output.len()), None);
        }
        match Json::parse(output) {
            Ok(output) => Outcome::Completed(output),
            Err(error) => {
                self.stopped(StopReason::Contract, format!("the output is no JSON: {error}"), None)
            }
        }
    }

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
        match halt {
            Halt::CpuTime => {
                let limit = self.limits.cpu_ms_max;
                let used = span(self.limits.cpu_max());
                let message =
                    format!("used more than {used} of CPU time (limit cpu_ms_max = {limit})");
                self.stopped(StopReason::CpuTime, message, error)
            }
            Halt::WallTime => {
                let message = format!(
                    "ran longer than {}, waits included (limit wall_ms_max = {})",
                    span(self.limits.wall_max()),
                    self.limits.wall_ms_max
                );
                self.stopped(StopReason::WallTime, message, error)
            }
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
            return self.stopped(StopReason::Contract, message, Some(error));
        }
        // Many languages keep part of their stack in memory, and run over its end instead.
        let overrun = trap == Some(&Trap::MemoryOutOfBounds) && backtrace::is_recursion(error);
        if overrun || trap == Some(&Trap::StackOverflow) {
            let message =
                "calls are nested too deep: the stack is full; look for endless recursion";
            return self.stopped(StopReason::Stack, message.to_owned(), Some(error));
        }
        if let (Some(panic), Some(Trap::UnreachableCodeReached)) = (panicked, trap) {
            return self.of_panic(panic, error);
        }
        if let Some(refusal) = self.memory.refusal() {
            return self.of_refusal(refusal, error);
        }
        if let Some(trap) = trap {
            return self.stopped(StopReason::Trap, plain(*trap).to_owned(), Some(error));
        }
        self.of_border(error)
    }

    /// Errors that come from a call between guest and host.
    fn of_border(&self, error: &wasmtime::Error) -> Outcome {
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            let limit = self.limits.handles_max;
            let message = format!(
                "held more than {} host resources (streams, files, timers, requests) at a time \
                 (limit handles_max = {limit})",
                text::count(limit)
            );
            return self.stopped(StopReason::Handles, message, Some(error));
        }
        let in_a_call = backtrace::of(error).is_some();
        let too_much = error.chain().any(|cause| cause.to_string().starts_with(TOO_MUCH_DATA));
        match (too_much, in_a_call) {
            (true, false) => self.output_too_large("too many bytes", Some(error)),
            (true, true) => {
                let message = format!(
                    "passed more than {} to the host in one call (limit hostcall_bytes_max = {})",
                    size(self.hostcall_bytes as u64),
                    self.limits.hostcall_bytes_max
                );
                self.stopped(StopReason::HostcallBytes, message, Some(error))
            }
            (false, true) => self.stopped(StopReason::Trap, said(error), Some(error)),
            (false, false) => {
                let message = format!("the answer is malformed: {}", said(error));
                self.stopped(StopReason::Contract, message, Some(error))
            }
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
        self.stopped(StopReason::Memory, message, Some(error))
    }

    fn of_panic(&self, panic: &Panic, error: &wasmtime::Error) -> Outcome {
        let place = match panic.line {
            Some(line) => format!("{}:{line}", panic.file),
            None => panic.file.clone(),
        };
        let message =
            format!("panicked at {place}: {}", text::clean(&panic.message, MESSAGE_BYTES_MAX));
        let mut details = self.details(Some(error));
        details.insert("file".to_owned(), json!(panic.file));
        details.insert("line".to_owned(), json!(panic.line));
        stopped_with(StopReason::Panic, message, &details)
    }

    fn output_too_large(&self, bytes: &str, error: Option<&wasmtime::Error>) -> Outcome {
        let message = format!(
            "returned {bytes}, more than {} (limit output_bytes_max = {})",
            size(self.limits.output_bytes_max),
            self.limits.output_bytes_max
        );
        self.stopped(StopReason::OutputTooLarge, message, error)
    }

    fn stopped(
        &self,
        reason: StopReason,
        message: String,
        error: Option<&wasmtime::Error>,
    ) -> Outcome {
        stopped_with(reason, message, &self.details(error))
    }

    /// What helps to find out why: all of it is bounded.
    fn details(&self, error: Option<&wasmtime::Error>) -> Map<String, Value> {
        let mut details = Map::new();
        if let Some(frames) = error.and_then(backtrace::of) {
            details.insert("backtrace".to_owned(), frames);
        }
        details.insert("limits".to_owned(), json!(self.limits));
        details.insert("usage".to_owned(), json!(self.usage));
        details.insert("last_log_lines".to_owned(), json!(self.last_log_lines));
        if let Some(core_dump) = &self.core_dump {
            details.insert("core_dump".to_owned(), json!(core_dump));
        }
        details
    }
}

fn stopped_with(reason: StopReason, message: String, details: &Map<String, Value>) -> Outcome {
    let error = RunError {
        details: Json::of(details).ok(),
        ..RunError::new(Blame::Guest, reason.name(), message)
    };
    Outcome::Stopped { reason, error }
}

/// What went wrong at the bottom, without the contexts around it.
fn said(error: &wasmtime::Error) -> String {
    text::name(&error.root_cause().to_string(), 1_000)
}

/// Whether a panic says that there was no memory, as some allocators do.
fn is_out_of_memory(panic: &Panic) -> bool {
    panic.message.starts_with("memory allocation of ")
}
