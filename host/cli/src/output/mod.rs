//! What people and programs read.
//!
//! **Invariant:** results go to stdout, everything else to stderr; with `--json`, stdout holds
//! JSON alone. Text that a job or a file supplied goes through [`plain`] before it reaches a
//! terminal, so that it cannot drive it.

mod log;
mod progress;
mod table;
mod text;

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

pub(crate) use log::log_text;
pub(crate) use progress::Live;
pub(crate) use table::table;
pub(crate) use text::{Tone, paint, plain, runs_are};

use crate::config::Color;
use crate::errors::Failure;

/// How to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    color_stdout: bool,
    color_stderr: bool,
    terminal: bool,
}

impl Output {
    /// How to write on this stdout and stderr.
    pub(crate) fn new(json: bool, color: Color) -> Self {
        let colored = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none(),
        };
        let terminal = io::stdout().is_terminal();
        Self {
            json,
            color_stdout: colored(terminal),
            color_stderr: colored(io::stderr().is_terminal()),
            terminal,
        }
    }

    /// Whether stdout is in colour.
    pub(crate) fn in_color(&self) -> bool {
        self.color_stdout
    }

    /// Whether stdout is a terminal.
    pub(crate) fn on_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether stderr is in colour.
    pub(crate) fn stderr_in_color(&self) -> bool {
        self.color_stderr
    }

    /// Paints a word for stdout.
    pub(crate) fn paint(&self, tone: Tone, word: impl Display) -> String {
        paint(self.color_stdout, tone, word)
    }

    /// Writes a line to stdout.
    pub(crate) fn line(&self, line: impl Display) {
        let mut stdout = io::stdout().lock();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        leave_if_unread(written);
    }

    /// Writes a line to stdout, and goes on if nobody reads it.
    pub(crate) fn line_if_read(&self, line: impl Display) {
        let mut stdout = io::stdout().lock();
        // A server outlives the pipe that it was started with.
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    }

    /// Writes one JSON document to stdout: readable on a terminal, one line elsewhere.
    pub(crate) fn document(&self, value: &impl Serialize) {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(text.expect("what the command writes has text keys"));
    }

    /// Writes one line of JSON to stdout.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        self.line(json_text(value));
    }

    /// Writes a job's output to stdout.
    pub(crate) fn result(&self, json: &zapjobs_model::Json) {
        match json.to_value() {
            Ok(value) if self.terminal => self.document(&value),
            _ => self.line(json),
        }
    }

    /// Says something beside the result, on stderr; nothing with `--json`.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.json {
            self.stderr(text);
        }
    }

    /// Says why a command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            self.stderr(json_text(&failure.as_json()));
        } else {
            let word = paint(self.color_stderr, Tone::Bad, "error:");
            // A message of several lines shows a place: they stand under each other.
            let lines: Vec<_> = failure.message.lines().map(plain).collect();
            self.stderr(format_args!("{word} {}", lines.join("\n")));
        }
    }

    /// Writes a line to stderr.
    pub(crate) fn stderr(&self, line: impl Display) {
        // There is nowhere left to say that stderr is gone.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// A value as one line of JSON.
pub(crate) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what the command writes has text keys")
}

/// Ends quietly when the reader of stdout has gone, as `head` does.
fn leave_if_unread(written: io::Result<()>) {
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}
