//! What one attempt may use. Everything is limited unless an operator widens it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one attempt may use at most. Every value counts over the whole attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of all linear memories and tables together. 128 MiB.
    pub memory_bytes_max: u64,
    /// Milliseconds of guest code; host calls and waits do not count. 60,000.
    pub cpu_ms_max: u64,
    /// Milliseconds from start to end, host calls and waits included. 300,000.
    pub wall_ms_max: u64,
    /// Bytes of input. 1 MiB.
    pub input_bytes_max: u64,
    /// Bytes of output. 1 MiB.
    pub output_bytes_max: u64,
    /// Bytes of log text (messages, categories, fields). 1 MiB.
    pub log_bytes_max: u64,
    /// Log lines. 10,000.
    pub log_lines_max: u64,
    /// Bytes of one log line; the rest is cut and said. 16 KiB.
    pub log_line_bytes_max: u64,
    /// Bytes of a progress message; the rest is cut. 1 KiB.
    pub progress_message_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 128 << 20,
            cpu_ms_max: 60_000,
            wall_ms_max: 300_000,
            input_bytes_max: 1 << 20,
            output_bytes_max: 1 << 20,
            log_bytes_max: 1 << 20,
            log_lines_max: 10_000,
            log_line_bytes_max: 16 << 10,
            progress_message_bytes_max: 1 << 10,
        }
    }
}

impl Limits {
    /// The guest's time on the processor.
    pub const fn cpu_max(&self) -> Duration {
        Duration::from_millis(self.cpu_ms_max)
    }

    /// The time from start to end.
    pub const fn wall_max(&self) -> Duration {
        Duration::from_millis(self.wall_ms_max)
    }

    /// These limits, with the wall clock narrowed to a job's own timeout where it has one.
    /// A job cannot widen what the operator set.
    pub fn with_timeout(mut self, timeout_ms: Option<u64>) -> Self {
        self.wall_ms_max = timeout_ms.map_or(self.wall_ms_max, |own| own.min(self.wall_ms_max));
        self
    }
}
