//! The whole terminal, for as long as something is shown live.
//!
//! **Invariant:** a terminal is given back as it was found: when the screen is dropped, and before
//! a panic is told.

use std::io::{self, IsTerminal, Read, Write};
use std::panic;
use std::sync::Once;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use tokio::sync::mpsc::{Receiver, channel};

use super::layout::{Line, Size};
use crate::errors::{Done, Failure};

/// The size where a terminal does not tell its own.
const SIZE_UNKNOWN: Size = Size { columns: 80, rows: 24 };
/// Keys that wait to be read at most; further ones wait in the terminal.
const KEYS_MAX: usize = 16;
/// What Ctrl-C sends while the terminal hands keys over unread.
const CTRL_C: u8 = 3;

/// The terminal's size.
pub(super) fn size() -> Size {
    match terminal::size() {
        Ok((columns @ 1.., rows @ 1..)) => Size { columns: columns.into(), rows: rows.into() },
        _ => SIZE_UNKNOWN,
    }
}

/// Whether keys can be read and a screen be shown.
pub(super) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The terminal while it shows something live.
pub(super) struct Screen {
    keys: Receiver<u8>,
    in_color: bool,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take(in_color: bool) -> Done<Self> {
        let failed = |error| Failure::unavailable(format!("the terminal cannot be used: {error}"));
        restore_before_panics();
        terminal::enable_raw_mode().map_err(failed)?;
        // From here on, dropping it gives the terminal back.
        let screen = Self { keys: read_keys(), in_color };
        let mut enter = Vec::new();
        queue!(enter, EnterAlternateScreen, Hide).map_err(failed)?;
        write(&enter).map_err(failed)?;
        Ok(screen)
    }

    /// Shows these lines and nothing else.
    pub(super) fn show(&self, lines: &[Line]) -> Done {
        let shown = frame(lines, self.in_color).and_then(|frame| write(&frame));
        shown.map_err(|error| Failure::unavailable(format!("the terminal is gone: {error}")))
    }

    /// Waits until somebody wants to leave: `q` or Ctrl-C. Safe to cancel.
    pub(super) async fn left(&mut self) {
        loop {
            match self.keys.recv().await {
                Some(b'q' | b'Q' | CTRL_C) => return,
                Some(_) => {}
                // No keys come any more: signals end it.
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// One picture, written at once so that none is seen half.
fn frame(lines: &[Line], in_color: bool) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    queue!(frame, BeginSynchronizedUpdate)?;
    for (row, line) in (0..).zip(lines) {
        // Cleared before it is written: behind a full line, the cursor stands on its last letter.
        queue!(frame, MoveTo(0, row), Clear(ClearType::FromCursorDown))?;
        queue!(frame, Print(line.text(in_color)))?;
    }
    queue!(frame, EndSynchronizedUpdate)?;
    Ok(frame)
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Gives the terminal back. What cannot be done then can be done by nobody.
fn restore() {
    let mut leave = Vec::new();
    if queue!(leave, Show, LeaveAlternateScreen).is_ok() {
        let _ = write(&leave);
    }
    let _ = terminal::disable_raw_mode();
}

/// Lets a panic be told on the terminal as it was.
fn restore_before_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if terminal::is_raw_mode_enabled().unwrap_or(false) {
                restore();
            }
            told(panic);
        }));
    });
}

/// Reads keys on a thread of its own, which ends with the process.
fn read_keys() -> Receiver<u8> {
    let (sender, keys) = channel(KEYS_MAX);
    std::thread::spawn(move || {
        for key in io::stdin().lock().bytes().map_while(Result::ok) {
            if sender.blocking_send(key).is_err() {
                return;
            }
        }
    });
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_replaces_the_one_before_it_whole() {
        let lines = [Line::new([("a".to_owned(), None)]), Line::default()];
        let frame = String::from_utf8(frame(&lines, false).expect("made")).expect("UTF-8");
        assert_eq!(frame, "\x1b[?2026h\x1b[1;1H\x1b[Ja\x1b[2;1H\x1b[J\x1b[?2026l");
    }
}
