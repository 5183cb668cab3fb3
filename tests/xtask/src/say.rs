//! Where this program speaks: standard output, at once.

use std::fmt;
use std::io::{self, Write};

/// Writes one line. A reader that has gone away is no reason to stop.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Says one line, formatted as `format!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::say::line(format_args!($($text)*)) };
}
pub(crate) use say;
