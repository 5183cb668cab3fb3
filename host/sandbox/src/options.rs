//! What a sandbox is made with. Every value has a bound, and a default that suits a host
//! of a few cores; see [`crate::engine`] for what they become.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use zapjobs_model::LogLevel;

/// What a sandbox is made with.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Attempts that run at the same time at most. 1,000; at most 10,000. Each needs about
    /// 70 KiB while it waits, and 6 of the process's memory maps (`vm.max_map_count`).
    pub instances_max: u32,
    /// Bytes that one linear memory can grow to, whatever a run's limits allow. 1 GiB; at
    /// most 4 GiB. This reserves addresses, not memory.
    pub memory_bytes_max: u64,
    /// Bytes of a component at most. 64 MiB.
    pub component_bytes_max: u64,
    /// How often running guests are looked at: the length of a time slice, and how exactly
    /// limits on time hold. 1 ms; at least 100 us.
    pub tick: Duration,
    /// How long a guest that looks for cancellation may go on once it is asked to stop. 5 s.
    pub cancel_grace: Duration,
    /// The least weighty log level that is kept. Debug.
    pub log_level_min: LogLevel,
    /// Where compiled code is kept, so that the next start is quick; nowhere where absent.
    /// The directory is made for its owner alone, and must not be writable by anyone else.
    pub cache_dir: Option<PathBuf>,
    /// Where components are compiled. In this process.
    pub compiler: Compiler,
    /// How long one component may take to compile: by the clock, and for a child also of
    /// processor time over all its threads. 60 s; 1 s to 1 h. In this process it bounds the
    /// wait only: the thread goes on, and keeps other components from being compiled.
    pub compile_time_max: Duration,
    /// Bytes of memory that a child may use to compile one component. 2 GiB; 256 MiB to 64 GiB.
    pub compile_memory_bytes_max: u64,
    /// Where a core dump of each attempt that is stopped goes; nowhere where absent. It holds
    /// the guest's memory, with whatever it was given or made, so the directory is made for
    /// its owner alone. The last 20 are kept, of at most 256 MiB each.
    pub core_dump_dir: Option<PathBuf>,
}

/// Where components are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// On a thread of this process. A component can take as much memory as its structure
    /// allows, and as long.
    InThisProcess,
    /// In a process for each component, with limits of its own.
    Child {
        /// The program: the same that runs, or one of the same build.
        program: PathBuf,
        /// What makes its `main` call [`crate::compile_child`].
        arguments: Vec<OsString>,
    },
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            instances_max: 1_000,
            memory_bytes_max: 1 << 30,
            component_bytes_max: 64 << 20,
            tick: Duration::from_millis(1),
            cancel_grace: Duration::from_secs(5),
            log_level_min: LogLevel::Debug,
            cache_dir: None,
            compiler: Compiler::InThisProcess,
            compile_time_max: Duration::from_secs(60),
            compile_memory_bytes_max: 2 << 30,
            core_dump_dir: None,
        }
    }
}

/// Most that [`SandboxOptions::instances_max`] may say.
pub(crate) const INSTANCES_MAX: u32 = 10_000;
/// Most that [`SandboxOptions::memory_bytes_max`] may say: what 32 bits can address.
pub(crate) const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Least that [`SandboxOptions::tick`] may say.
pub(crate) const TICK_MIN: Duration = Duration::from_micros(100);
/// What [`SandboxOptions::compile_time_max`] may say.
const COMPILE_TIME: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// What [`SandboxOptions::compile_memory_bytes_max`] may say.
const COMPILE_MEMORY_BYTES: RangeInclusive<u64> = 256 << 20..=64 << 30;

impl SandboxOptions {
    /// Refuses what is out of bounds.
    pub(crate) fn checked(self) -> Result<Self, SandboxError> {
        let invalid = |problem: String| Err(SandboxError::new(ErrorKind::Options, problem));
        if !(1..=INSTANCES_MAX).contains(&self.instances_max) {
            return invalid(format!(
                "instances_max is {}: use 1 to {INSTANCES_MAX}",
                self.instances_max
            ));
        }
        if !(64 << 10..=MEMORY_BYTES_MAX).contains(&self.memory_bytes_max) {
            return invalid(format!(
                "memory_bytes_max is {}: use 64 KiB to 4 GiB",
                self.memory_bytes_max
            ));
        }
        if self.tick < TICK_MIN {
            return invalid(format!("tick is {:?}: use at least {TICK_MIN:?}", self.tick));
        }
        if !COMPILE_TIME.contains(&self.compile_time_max) {
            return invalid(format!(
                "compile_time_max is {:?}: use 1 second to 1 hour",
                self.compile_time_max
            ));
        }
        if !COMPILE_MEMORY_BYTES.contains(&self.compile_memory_bytes_max) {
            return invalid(format!(
                "compile_memory_bytes_max is {}: use 256 MiB to 64 GiB",
                self.compile_memory_bytes_max
            ));
        }
        Ok(self)
    }
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An option is out of bounds.
    Options,
    /// This machine cannot provide what the options ask for.
    Engine,
    /// The directory for compiled code cannot be used.
    Cache,
    /// The directory for core dumps cannot be used.
    CoreDumps,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a sandbox: {message}")]
pub struct SandboxError {
    kind: ErrorKind,
    message: String,
}

impl SandboxError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What kind of thing went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later: never, someone has to change something.
    pub const fn is_retryable(&self) -> bool {
        false
    }
}
