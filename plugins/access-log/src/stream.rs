//! Lines of a reader of any length, through one buffer of fixed size.
//!
//! **Invariant:** memory is [`BUFFER_BYTES`], whatever the input holds. A line longer than
//! [`LINE_BYTES_MAX`] is passed over and reported as such.

use std::io::{self, Read};

use memchr::memchr;

/// Bytes read at once.
pub const BUFFER_BYTES: usize = 1 << 20;
/// Bytes of a line.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// What the reader's lines are told to.
pub trait Sink {
    /// Why the reading was broken off.
    type Error: From<io::Error>;

    /// A line, without its line feed; `None` for one that is too long.
    fn line(&mut self, line: Option<&[u8]>);

    /// `bytes` more have been read and their lines told.
    ///
    /// # Errors
    /// To break off the reading.
    fn advanced(&mut self, bytes: u64) -> Result<(), Self::Error>;
}

/// Reads to the end.
///
/// # Errors
/// Those of the reader, and that of the sink, at once.
pub fn each_line<S: Sink>(mut reader: impl Read, sink: &mut S) -> Result<(), S::Error> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut held = 0;
    let mut passing_over = false;
    loop {
        let read = match reader.read(&mut buffer[held..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        let filled = held + read;
        let told = tell(&buffer[..filled], &mut passing_over, sink);
        held = filled - told;
        if held > LINE_BYTES_MAX {
            (held, passing_over) = (0, true);
        }
        buffer.copy_within(told..told + held, 0);
        sink.advanced(read as u64)?;
    }
    if passing_over {
        sink.line(None);
    } else if held > 0 {
        sink.line(Some(&buffer[..held]));
    }
    Ok(())
}

/// Tells the whole lines of `bytes`, and answers how many bytes they are.
fn tell<S: Sink>(bytes: &[u8], passing_over: &mut bool, sink: &mut S) -> usize {
    let mut start = 0;
    while let Some(length) = memchr(b'\n', &bytes[start..]) {
        let is_whole = !std::mem::take(passing_over) && length <= LINE_BYTES_MAX;
        sink.line(is_whole.then(|| &bytes[start..start + length]));
        start += length + 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept {
        lines: Vec<Option<usize>>,
        bytes: u64,
        stop_after: Option<u64>,
    }

    impl Sink for Kept {
        type Error = io::Error;

        fn line(&mut self, line: Option<&[u8]>) {
            self.lines.push(line.map(<[u8]>::len));
        }

        fn advanced(&mut self, bytes: u64) -> io::Result<()> {
            self.bytes += bytes;
            match self.stop_after {
                Some(stop) if self.bytes >= stop => Err(io::Error::other("stopped")),
                _ => Ok(()),
            }
        }
    }

    /// Gives a few bytes at a time, so that lines are cut anywhere.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let text = b"first\n\nthird line\nno line feed";
        for step in 1..text.len() {
            let mut kept = Kept::default();
            each_line(Trickle(text, step), &mut kept).expect("it is read");
            assert_eq!(kept.lines, [Some(5), Some(0), Some(10), Some(12)]);
            assert_eq!(kept.bytes, text.len() as u64);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_said() {
        let mut text = vec![b'x'; 3 * BUFFER_BYTES];
        text.extend_from_slice(b"\nshort\n");
        text.resize(text.len() + LINE_BYTES_MAX + 1, b'y');
        for step in [LINE_BYTES_MAX, usize::MAX] {
            let mut kept = Kept::default();
            each_line(Trickle(&text, step), &mut kept).expect("it is read");
            assert_eq!(kept.lines, [None, Some(5), None]);
        }
    }

    #[test]
    fn the_sink_can_break_off() {
        let text = vec![b'\n'; 4 * BUFFER_BYTES];
        let mut kept = Kept { stop_after: Some(1), ..Kept::default() };
        let stopped = each_line(&text[..], &mut kept).expect_err("it was broken off");
        assert_eq!(stopped.to_string(), "stopped");
        assert_eq!(kept.bytes, BUFFER_BYTES as u64);
    }
}
