//! What the attempts of an attack say, counted.
//!
//! **Invariant:** it keeps a few words and counts the rest: an attack cannot fill it.

use parking_lot::Mutex;
use tokio::sync::Notify;
use zapjobs_model::port::RunSink;
use zapjobs_model::{ItemCounts, LogLine, Progress};

/// Characters of a line that are kept.
const KEPT_CHARS: usize = 300;
/// Lines that are kept.
const KEPT_LINES: usize = 8;

/// Takes what attempts say.
#[derive(Default)]
pub(crate) struct Heard {
    words: Mutex<Words>,
    /// Notified at each report of progress.
    pub(crate) progressed: Notify,
}

/// What was said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    pub(crate) line_bytes_longest: usize,
    pub(crate) progress: u64,
    pub(crate) progress_bytes_longest: usize,
    pub(crate) counts: u64,
    /// Whether something that steers terminals came through.
    pub(crate) control: bool,
    /// The beginnings of the first lines.
    pub(crate) first: Vec<String>,
    /// The beginning of the last line.
    pub(crate) last: String,
}

impl Heard {
    pub(crate) fn words(&self) -> Words {
        self.words.lock().clone()
    }
}

impl RunSink for Heard {
    fn log(&self, line: LogLine) {
        let fields = line.fields.as_ref().map_or(0, |fields| fields.as_str().len());
        let bytes = line.category.len() + line.message.len() + fields;
        let mut words = self.words.lock();
        words.lines += 1;
        words.bytes += bytes as u64;
        words.line_bytes_longest = words.line_bytes_longest.max(bytes);
        words.control |= steers(&line.category) || steers(&line.message);
        let said: String = line.message.chars().take(KEPT_CHARS).collect();
        if words.first.len() < KEPT_LINES {
            words.first.push(said.clone());
        }
        words.last = said;
    }

    fn progress(&self, progress: Progress) {
        let mut words = self.words.lock();
        words.progress += 1;
        words.progress_bytes_longest = words.progress_bytes_longest.max(progress.message.len());
        words.control |= steers(&progress.message);
        drop(words);
        self.progressed.notify_one();
    }

    fn counts(&self, _counts: ItemCounts) {
        self.words.lock().counts += 1;
    }
}

/// Whether a text has characters that a terminal would obey.
pub(crate) fn steers(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}
