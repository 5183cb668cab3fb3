//! Recognises a Rust panic in what a guest writes to its standard error.
//!
//! **Invariant:** keeps at most [`MESSAGE_BYTES_MAX`] of it, and only the last panic's.

/// Bytes of a panic's message that are kept.
const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// What every panic hook that follows the standard library's format writes first.
const MARK: &str = "panicked at ";
/// What the standard library writes below the message.
const NOTE: &str = "note: run with `RUST_BACKTRACE=";

/// Watches the lines of a guest's standard error.
#[derive(Debug, Default)]
pub(crate) struct PanicWatch {
    panic: Option<Panic>,
    listens: bool,
}

/// A panic, in the guest's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Panic {
    /// The source file.
    pub(crate) file: String,
    /// The line in it.
    pub(crate) line: Option<u32>,
    /// What the guest said.
    pub(crate) message: String,
}

impl PanicWatch {
    /// Looks at one line.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(at) = line.find(MARK) {
            self.panic = Some(begin(&line[at + MARK.len()..]));
            self.listens = true;
        } else if line.starts_with(NOTE) {
            self.listens = false;
        } else if self.listens
            && let Some(panic) = &mut self.panic
        {
            if !panic.message.is_empty() {
                panic.message.push('\n');
            }
            let room = MESSAGE_BYTES_MAX.saturating_sub(panic.message.len());
            panic.message.push_str(crate::text::cut(line, room));
            self.listens = room > line.len();
        }
    }

    /// The last panic.
    pub(crate) fn take(&mut self) -> Option<Panic> {
        self.panic.take()
    }
}

/// From `FILE:LINE:COLUMN:`.
fn begin(place: &str) -> Panic {
    let place = place.trim_end().trim_end_matches(':');
    let mut parts = place.rsplitn(3, ':');
    let (_column, line, file) = (parts.next(), parts.next(), parts.next());
    match (file, line.and_then(|line| line.parse().ok())) {
        (Some(file), Some(line)) => {
            Panic { file: crate::text::name(file, 500), line: Some(line), message: String::new() }
        }
        _ => Panic { file: crate::text::name(place, 500), line: None, message: String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(text: &str) -> Option<Panic> {
        let mut watch = PanicWatch::default();
        text.lines().for_each(|line| watch.line(line));
        watch.take()
    }

    #[test]
    fn a_panic_of_several_lines_is_read_up_to_the_note() {
        let panic = watched(
            "so far so good\nthread 'main' (1) panicked at src/lib.rs:12:5:\nassertion failed\n  \
             left: 1\nnote: run with `RUST_BACKTRACE=1` environment variable to display\nmore",
        );
        assert_eq!(
            panic,
            Some(Panic {
                file: "src/lib.rs".to_owned(),
                line: Some(12),
                message: "assertion failed\n  left: 1".to_owned(),
            })
        );
    }

    #[test]
    fn only_the_last_panic_counts() {
        let panic = watched("panicked at a.rs:1:1:\none\npanicked at b.rs:2:2:\ntwo");
        assert_eq!(panic.expect("a panic").message, "two");
    }

    #[test]
    fn other_text_is_no_panic() {
        assert_eq!(watched("memory allocation of 10 bytes failed"), None);
    }

    #[test]
    fn a_message_is_bounded() {
        let panic = watched(&format!("panicked at a.rs:1:1:\n{}", "x".repeat(10_000)));
        assert_eq!(panic.expect("a panic").message.len(), MESSAGE_BYTES_MAX);
    }
}
