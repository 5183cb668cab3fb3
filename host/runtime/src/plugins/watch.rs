//! When to look at the plugins directory again.
//!
//! **Invariant:** file system notices only speed things up. A network file system may send
//! none; the poll finds every change.

use std::time::Duration;

use notify_debouncer_full::notify::{self, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{PluginDirectory, PluginReport, RescanError};

/// Quiet time after a file system notice before files are looked at, at least.
const QUIET_MIN: Duration = Duration::from_millis(10);
/// Without notices, the directory is looked at this often.
const POLL: Duration = Duration::from_secs(2);

impl PluginDirectory {
    /// Looks again whenever files change, until it is stopped, and tells what changed.
    pub async fn watch(
        mut self,
        stop: CancellationToken,
        mut tell: impl FnMut(Result<PluginReport, RescanError>) + Send,
    ) {
        let (hint, mut hints) = mpsc::channel(1);
        let on_change = move |change: DebounceEventResult| {
            if change.is_ok_and(|events| events.iter().any(|event| is_change(&event.kind))) {
                // A full channel means that a look is owed already.
                let _ = hint.try_send(());
            }
        };
        // Once notices have been quiet for as long as a file must be, it is settled.
        let quiet = self.options.settle.max(QUIET_MIN);
        let watcher = new_debouncer(quiet, None, on_change).and_then(|mut watcher| {
            watcher.watch(&self.path, RecursiveMode::Recursive)?;
            let elsewhere = self.store.as_ref().map(|store| store.path());
            if let Some(versions) = elsewhere.filter(|path| !path.starts_with(&self.path)) {
                watcher.watch(versions, RecursiveMode::Recursive)?;
            }
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no file system notices: new plugins are found by polling");
        }
        // Looked at first: a file may have come before the notices began.
        while !stop.is_cancelled() {
            match self.rescan().await {
                Ok(reports) => reports.into_iter().map(Ok).for_each(&mut tell),
                Err(error) => tell(Err(error)),
            }
            tokio::select! {
                () = stop.cancelled() => break,
                Some(()) = hints.recv(), if watcher.is_ok() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

/// Whether a notice tells of a change; reading a file is none.
fn is_change(kind: &notify::EventKind) -> bool {
    !matches!(kind, notify::EventKind::Access(_))
}
