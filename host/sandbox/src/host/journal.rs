//! Everything an attempt says, whichever way: through `log`, standard output or standard
//! error.
//!
//! **Invariant:** at most as many lines and bytes as the limits allow leave this module, no
//! faster than they allow, plus one line at the end for each reason why others did not.

mod dropped;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zapjobs_model::port::RunSink;
use zapjobs_model::{Json, Limits, LogLevel, LogLine, Timestamp, Usage};

use crate::panic::{Panic, PanicWatch};
use crate::rate::Bucket;
use crate::text;
use dropped::{Dropped, Reason};

/// Bytes of a category at most; the rest is cut.
const CATEGORY_BYTES_MAX: usize = 200;
/// Who says what the sandbox itself has to say.
const OWN_CATEGORY: &str = "zapjobs";
/// Lines that a failure's report repeats at most.
const LAST_LINES_MAX: usize = 20;
/// Bytes of each of them at most; the rest is cut.
const LAST_LINE_BYTES_MAX: usize = 200;

/// The words of one attempt.
pub(crate) struct Journal {
    sink: Arc<dyn RunSink>,
    level_min: LogLevel,
    limits: Limits,
    line_bytes_max: usize,
    begun_at: Instant,
    rate: Bucket,
    lines: u64,
    bytes: u64,
    dropped: Dropped,
    last_lines: VecDeque<String>,
    stdout: Partial,
    stderr: Partial,
    panic: PanicWatch,
}

/// One of the two streams that are read line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output: lines of level info.
    Stdout,
    /// Standard error: lines of level warn.
    Stderr,
}

/// A line that has not ended yet.
#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// Bytes of the line that did not fit.
    cut: usize,
}

impl Journal {
    /// Nothing said yet.
    pub(crate) fn new(sink: Arc<dyn RunSink>, limits: &Limits, level_min: LogLevel) -> Self {
        Self {
            sink,
            level_min,
            limits: *limits,
            line_bytes_max: usize::try_from(limits.log_line_bytes_max).unwrap_or(usize::MAX),
            begun_at: Instant::now(),
            rate: Bucket::new(limits.log_lines_per_second_max, limits.log_lines_burst_max),
            lines: 0,
            bytes: 0,
            dropped: Dropped::default(),
            last_lines: VecDeque::new(),
            stdout: Partial::default(),
            stderr: Partial::default(),
            panic: PanicWatch::default(),
        }
    }

    /// The least weighty level that is kept.
    pub(crate) const fn level_min(&self) -> LogLevel {
        self.level_min
    }

    /// Bytes of a line at most.
    pub(crate) const fn line_bytes_max(&self) -> usize {
        self.line_bytes_max
    }

    /// Whether a line of this level may still be kept; if only a limit forbids it, it counts
    /// as dropped.
    pub(crate) fn takes(&mut self, level: LogLevel) -> bool {
        level >= self.level_min && self.takes_at(self.begun_at.elapsed())
    }

    fn takes_at(&mut self, now: Duration) -> bool {
        let reason = if self.lines >= self.limits.log_lines_max {
            Reason::Lines
        } else if self.bytes >= self.limits.log_bytes_max {
            Reason::Bytes
        } else if !self.rate.take(now) {
            Reason::Rate
        } else {
            return true;
        };
        self.dropped.add(reason);
        false
    }

    /// Keeps a line that [`Self::takes`] allowed, unless its bytes exceed what is left.
    pub(crate) fn write(
        &mut self,
        level: LogLevel,
        category: &str,
        message: &str,
        fields: Option<Json>,
    ) {
        let category = text::name(category, CATEGORY_BYTES_MAX);
        let fields_bytes = fields.as_ref().map_or(0, |fields| fields.as_str().len());
        let room = self.line_bytes_max.saturating_sub(category.len() + fields_bytes);
        let message = text::clean(message, room);
        let bytes = (category.len() + message.len() + fields_bytes) as u64;
        if self.bytes + bytes > self.limits.log_bytes_max {
            self.dropped.add(Reason::Bytes);
            return;
        }
        self.lines += 1;
        self.bytes += bytes;
        self.remember(&message);
        self.sink.log(LogLine { at: now(), level, category, message, fields });
    }

    /// Takes what a guest wrote to a stream.
    pub(crate) fn read(&mut self, stream: Stream, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            self.push(stream, text);
            if ended {
                self.end_line(stream);
            }
        }
    }

    /// Ends lines that never ended, and says what was dropped.
    pub(crate) fn finish(&mut self) -> Option<Panic> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let partial = self.partial(stream);
            if !partial.bytes.is_empty() || partial.cut > 0 {
                self.end_line(stream);
            }
        }
        for sentence in self.dropped.say(&self.limits) {
            self.say(sentence);
        }
        self.panic.take()
    }

    /// Says something of the sandbox's own, beside the guest's limits: for what is said once.
    pub(crate) fn say(&self, message: String) {
        self.sink.log(LogLine {
            at: now(),
            level: LogLevel::Warn,
            category: OWN_CATEGORY.to_owned(),
            message,
            fields: None,
        });
    }

    /// Writes what was used into the attempt's usage.
    pub(crate) const fn count(&self, usage: &mut Usage) {
        usage.log_lines = self.lines;
        usage.log_bytes = self.bytes;
        usage.log_lines_dropped = self.dropped.total();
    }

    /// The last lines that were kept, for a failure's report.
    pub(crate) fn last_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.last_lines).into()
    }

    fn remember(&mut self, message: &str) {
        // The oldest line's memory serves the newest.
        let mut line = match self.last_lines.len() {
            LAST_LINES_MAX => self.last_lines.pop_front().unwrap_or_default(),
            _ => String::new(),
        };
        line.clear();
        line.push_str(text::cut(message, LAST_LINE_BYTES_MAX));
        self.last_lines.push_back(line);
    }

    fn push(&mut self, stream: Stream, text: &[u8]) {
        let line_bytes_max = self.line_bytes_max;
        let partial = self.partial(stream);
        let room = line_bytes_max.saturating_sub(partial.bytes.len());
        let (fitting, rest) = text.split_at(text.len().min(room));
        partial.bytes.extend_from_slice(fitting);
        partial.cut += rest.len();
    }

    fn end_line(&mut self, stream: Stream) {
        let partial = std::mem::take(self.partial(stream));
        let bytes = partial.bytes.strip_suffix(b"\r").unwrap_or(&partial.bytes);
        let mut line = String::from_utf8_lossy(bytes);
        if stream == Stream::Stderr {
            self.panic.line(&line);
        }
        if partial.cut > 0 {
            line.to_mut().push_str(&format!(" ... ({} bytes cut)", partial.cut));
        }
        let (level, category) = match stream {
            Stream::Stdout => (LogLevel::Info, "stdout"),
            Stream::Stderr => (LogLevel::Warn, "stderr"),
        };
        // An empty line says nothing, but a guest could write millions of them.
        if !line.is_empty() && self.takes(level) {
            self.write(level, category, &line, None);
        }
    }

    fn partial(&mut self, stream: Stream) -> &mut Partial {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

/// The host's wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
