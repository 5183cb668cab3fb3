//! Counts the lines that were not kept, and says why.

use zapjobs_model::Limits;

use crate::text;

/// Which limit a line met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Lines per second.
    Rate,
    /// Lines of the attempt.
    Lines,
    /// Bytes of the attempt.
    Bytes,
}

/// The lines that were not kept, by reason.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    rate: u64,
    lines: u64,
    bytes: u64,
}

impl Dropped {
    /// Counts one.
    pub(super) const fn add(&mut self, reason: Reason) {
        let count = match reason {
            Reason::Rate => &mut self.rate,
            Reason::Lines => &mut self.lines,
            Reason::Bytes => &mut self.bytes,
        };
        *count += 1;
    }

    /// All of them.
    pub(super) const fn total(&self) -> u64 {
        self.rate + self.lines + self.bytes
    }

    /// One sentence for each reason that there was.
    pub(super) fn say(&self, limits: &Limits) -> Vec<String> {
        let rate = limits.log_lines_per_second_max;
        [
            (
                self.rate,
                format!(
                    "rate limit {}/s (limit log_lines_per_second_max = {rate})",
                    text::count(rate)
                ),
            ),
            (self.lines, format!("limit log_lines_max = {}", limits.log_lines_max)),
            (self.bytes, format!("limit log_bytes_max = {}", limits.log_bytes_max)),
        ]
        .into_iter()
        .filter(|(dropped, _)| *dropped > 0)
        .map(|(dropped, why)| format!("{} log lines dropped: {why}", text::count(dropped)))
        .collect()
    }
}
