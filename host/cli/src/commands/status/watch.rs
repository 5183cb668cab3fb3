//! `zapjobs status --watch`: looks again and again.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::rates::Looks;
use super::screen::{self, Screen};
use super::snapshot::{Snapshot, look};
use super::view::{summary, view};
use crate::commands::App;
use crate::commands::signals::Signals;
use crate::errors::Done;
use crate::site::{Hints, Site};

/// A look follows the one before it after so long at the earliest.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(100);
/// And after so long at the latest, whatever hints are lost.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(1);
/// Looking takes one part in so many of the time at most, so that it does not load a storage that
/// is slow to answer.
const LOOK_SHARE: u32 = 5;

/// Shows the installation until somebody wants no more.
pub(super) async fn watch(site: &dyn Site, app: &App) -> Done {
    let mut signals = Signals::listen()?;
    // Before the first look, so that no hint falls between.
    let mut hints = site.hints(None).await?;
    if app.output.json || !screen::is_there() {
        return tokio::select! {
            done = lines(site, &mut hints, app) => done,
            () = signals.next() => Ok(()),
        };
    }
    let mut screen = Screen::take(app.output.in_color())?;
    let mut resized = Resized::listen();
    let mut looks = Looks::default();
    loop {
        let begun = Instant::now();
        let snapshot = tokio::select! {
            snapshot = look(site) => snapshot?,
            () = screen.left() => return Ok(()),
            () = signals.next() => return Ok(()),
        };
        let rates = looks.take(&snapshot);
        let next = next_look(begun);
        loop {
            screen.show(&view(&snapshot, rates, screen::size()))?;
            tokio::select! {
                () = changed(&mut hints, next) => break,
                () = resized.next() => {}
                () = screen.left() => return Ok(()),
                () = signals.next() => return Ok(()),
            }
        }
    }
}

/// Writes a line for each look that finds something changed.
async fn lines(site: &dyn Site, hints: &mut Hints, app: &App) -> Done {
    let mut told: Option<Snapshot> = None;
    loop {
        let begun = Instant::now();
        let snapshot = look(site).await?;
        if told.as_ref().is_none_or(|told| is_other(told, &snapshot)) {
            if app.output.json {
                app.output.json_line(&snapshot);
            } else {
                app.output.line(summary(&snapshot));
            }
            told = Some(snapshot);
        }
        changed(hints, next_look(begun)).await;
    }
}

/// Whether two looks differ by more than the time.
fn is_other(one: &Snapshot, other: &Snapshot) -> bool {
    let counts = |of: &Snapshot| (of.counts, of.total, of.workers.as_ref().map(Vec::len));
    counts(one) != counts(other) || one.running != other.running
}

/// When to look again at the earliest, after a look that began then and is over now.
fn next_look(begun: Instant) -> Instant {
    let now = Instant::now();
    now + LOOK_EVERY_MIN.max((now - begun) * (LOOK_SHARE - 1))
}

/// Waits until it is time and something may have changed. Safe to cancel.
async fn changed(hints: &mut Hints, next: Instant) {
    sleep_until(next).await;
    // Either a hint came or the time is over: both mean to look again.
    let _ = timeout(LOOK_EVERY_MAX, hints.next()).await;
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
        std::future::pending::<()>().await;
    }
}
