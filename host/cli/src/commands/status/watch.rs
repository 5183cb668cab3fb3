//! `zapjobs status --watch`: looks again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use zapjobs_storage::{Notice, Notices, Storage};

use super::rates::Looks;
use super::screen::{self, Screen};
use super::snapshot::{Snapshot, look};
use super::view::{summary, view};
use crate::commands::App;
use crate::commands::signals::Signals;
use crate::errors::Done;

/// A look follows the one before it after so long at the earliest.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(100);
/// And after so long at the latest, whatever hints are lost.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(1);
/// Looking takes one part in so many of the time at most, so that it does not load a storage that
/// is slow to answer.
const LOOK_SHARE: u32 = 5;

/// Shows the installation until somebody wants no more.
pub(super) async fn watch(storage: &Arc<dyn Storage>, app: &App) -> Done {
    let mut signals = Signals::listen()?;
    // Before the first look, so that no hint falls between.
    let mut notices = storage.subscribe();
    if app.output.json || !screen::is_there() {
        return tokio::select! {
            done = lines(storage, &mut notices, app) => done,
            () = signals.next() => Ok(()),
        };
    }
    let mut screen = Screen::take(app.output.in_color())?;
    let mut resized = Resized::listen();
    let mut looks = Looks::default();
    loop {
        let begun = Instant::now();
        let snapshot = tokio::select! {
            snapshot = look(&**storage, app) => snapshot?,
            () = screen.left() => return Ok(()),
            () = signals.next() => return Ok(()),
        };
        let rates = looks.take(&snapshot);
        let next = next_look(begun);
        loop {
            screen.show(&view(&snapshot, rates, screen::size()))?;
            tokio::select! {
                () = changed(&mut notices, next) => break,
                () = resized.next() => {}
                () = screen.left() => return Ok(()),
                () = signals.next() => return Ok(()),
            }
        }
    }
}

/// Writes a line for each look that finds something changed.
async fn lines(storage: &Arc<dyn Storage>, notices: &mut Notices, app: &App) -> Done {
    let mut told: Option<Snapshot> = None;
    loop {
        let begun = Instant::now();
        let snapshot = look(&**storage, app).await?;
        if told.as_ref().is_none_or(|told| is_other(told, &snapshot)) {
            if app.output.json {
                app.output.json_line(&snapshot);
            } else {
                app.output.line(summary(&snapshot));
            }
            told = Some(snapshot);
        }
        changed(notices, next_look(begun)).await;
    }
}

/// Whether two looks differ by more than the time.
fn is_other(one: &Snapshot, other: &Snapshot) -> bool {
    let counts = |of: &Snapshot| (of.counts, of.total, of.workers.len());
    counts(one) != counts(other) || one.running != other.running
}

/// When to look again at the earliest, after a look that began then and is over now.
fn next_look(begun: Instant) -> Instant {
    let now = Instant::now();
    now + LOOK_EVERY_MIN.max((now - begun) * (LOOK_SHARE - 1))
}

/// Waits until it is time and something may have changed. Safe to cancel.
async fn changed(notices: &mut Notices, next: Instant) {
    sleep_until(next).await;
    // Either a hint came or the time is over: both mean to look again.
    let _ = timeout(LOOK_EVERY_MAX, hint(notices)).await;
}

async fn hint(notices: &mut Notices) {
    loop {
        match notices.next().await {
            Some(Notice::Events(_) | Notice::Resync) => return,
            Some(_) => {}
            // Closed: the time finds out.
            None => std::future::pending().await,
        }
    }
}

/// Changes of the terminal's size.
struct Resized(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Resized {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Without it, the next look finds the new size.
        Self(signal(SignalKind::window_change()).ok())
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self()
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
